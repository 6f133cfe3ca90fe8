// Package emulator is a twin of PallyCon's server. It serves the calls of the PallyCon Service API
// Guide V2, keeps state across calls, and is as strict as the vendor would be. It is built from the
// guide alone and shares no code with the adapter, so that a mistake in one cannot hide in the
// other.
//
// It checks a request in this order: path (404) and method (405), the token (401), the api_code
// (403), the parameters and the state (a failure inside HTTP 200). Where the guide and other public
// documents leave a point open, there is a field of Assumptions, or one of these choices:
//
//   - The values of error_code for failures inside HTTP 200 are this project's own (Codes). A
//     failure has no data and no count.
//   - A response whose data is an object or null has no count.
//   - Without from, licenses are listed from the first one. Without to, they are listed to the last
//     one. It is a failure if from is after to.
//   - search_condition and search_keyword are given both, or not at all. Searches are
//     case-sensitive.
//   - A page after the last has no rows, and the same count as the others.
//   - A service has at most one pending status change. Another request is refused
//     (Codes.RequestPending). A request that changes nothing, such as suspending a suspended
//     service, is accepted.
//   - reg_dt and update_dt are yyyyMMddHHmmss, in UTC as the guide says. update_dt equals reg_dt
//     until the request changes.
//   - Approving an extension of the trial (SM003) does not change the product's status_code.
//   - Site orders are listed newest first, sub-members by member_seq. from and to mean the reg_time
//     of an order. Orders of one name are independent of each other. The site_id is empty until the
//     order is approved.
//   - A sub-member that is created without a group_seq gets the group with the fewest rights,
//     GroupClients. E-mail addresses that differ only in case are the same. An update that names
//     nothing to change is accepted.
//   - The reports by user, device and content count the licenses of the period. They count both
//     outcomes unless search_status chooses one. Rows have the order in which each user, device or
//     content first occurs in the period. The guide's samples, which are sorted by no column, can
//     have this order, and arriving licenses do not change it. A device's model is that of its last
//     license. The cid of cid-user matches equal values only.
//   - Every packaging is a row, also a repeated one of the same track. update_time equals
//     created_time until the track is packaged again. Rows are sorted by created_time, then by
//     update_time, oldest first.
//   - A packaging cursor returns the rows whose (created_time, update_time) is strictly later than
//     its own. So a row with the same times as the last row of a page is lost to clients that use
//     that cursor. count is then the number of later rows that match, on this page and the
//     following ones. Both times of the cursor are yyyyMMddHHmmss, as in the rows, and are given
//     both, or not at all.
//   - Of packagings, from and to mean update_time. A packaging has no drm_type, user_id, device_id
//     or device_model. Searches for those are accepted and find nothing.
//   - site_key is 32 characters that are base64, access_key is 32 letters and digits, and kms_token
//     is base64 of a JSON object. An update of the integration sets what it names. An empty
//     callback URL removes the URL.
//   - Files come as multipart/form-data with a file name. An ask is 32 hexadecimal digits. The
//     private key fits the certificate and the password, and has OpenSSL's traditional format, as
//     the console's A9104 says. A new certificate replaces the one before.
//   - The figures of targetDate are of the days from the first of the month to the target date.
//     They count successful licenses, and the users and devices that had one. LICENSETOKEN counts
//     as a user.
//   - The license server's certificate endpoint, /ri/fpsCert.do, is part of this twin. It serves
//     the certificate in DER at once, without credentials. It is 404 for a site without a
//     certificate.
//   - href has the scheme http, as in the guide's samples, and the host of the request.
package emulator

import (
	"cmp"
	"net/http"
	"slices"
	"sync"

	"github.com/drmhub/drmhub/adapters/twin"
)

// Emulator is PallyCon's server with one account. It is an http.Handler. The embedded twin gives it
// a clock, faults and a ledger. It is safe for concurrent use. Besides the paths of all twins, it
// has these:
//
//	POST  /_twin/approve       {"siteId": "DEMO", "serviceCode": "PD001"}: Approve
//	POST  /_twin/approveOrder  {"seq": 1}: ApproveOrder
//	POST  /_twin/rejectOrder   {"seq": 1}: RejectOrder
//	POST  /_twin/showNoChange  {"as": "error"}: ShowNoChange
type Emulator struct {
	*twin.Twin
	account   account
	denied    []string
	assumed   Assumptions
	seed      uint64
	requestID func() string
	siteID    func() string

	mu      sync.RWMutex
	sites   []*site     // in the order of their arrival
	orders  []SiteOrder // by seq
	members []Member    // by member_seq
}

// New returns an emulator that is empty, or holds sample data if the options say so.
func New(options Options) *Emulator {
	e := &Emulator{
		account: account{
			id:  cmp.Or(options.AccountID, DefaultAccountID),
			seq: cmp.Or(options.AccountSeq, DefaultAccountSeq),
			key: []byte(cmp.Or(options.ServiceAPIKey, DefaultServiceAPIKey)),
		},
		denied:    slices.Clone(options.DeniedAPICodes),
		assumed:   options.Assumptions.withDefaults(),
		seed:      options.Seed,
		requestID: requestIDs(options.Seed),
		siteID:    siteIDs(options.Seed),
	}
	mux := http.NewServeMux()
	for _, c := range calls {
		mux.HandleFunc(c.method+" "+c.path, e.serve(c))
	}
	mux.HandleFunc("GET /ri/fpsCert.do", e.serveCertificate)
	e.Twin = twin.New(mux, twin.Options{
		Clock:       options.Clock,
		Secrets:     []string{"ask", "key_pw", "private_key", "site_key", "access_key", "kms_token"},
		EndlessHead: `{"error_code":"0000","count":2147483647,"data":[`,
		EndlessRow: `{"cid":"endless","status":"success","error_code":"0000","drm_type":"Widevine",` +
			`"user_id":"endless","device_id":"endless",` +
			`"device_model":"endless","license_type":"token","platform_name":"Android","reg_time":"20200302235959"},`,
		Admin: map[string]http.HandlerFunc{
			"POST /_twin/approve":      e.serveApprove,
			"POST /_twin/approveOrder": serveOrder(e.ApproveOrder),
			"POST /_twin/rejectOrder":  serveOrder(e.RejectOrder),
			"POST /_twin/showNoChange": e.serveShowNoChange,
		},
	})
	if options.WithSampleData {
		e.fillSampleData()
	}
	return e
}
