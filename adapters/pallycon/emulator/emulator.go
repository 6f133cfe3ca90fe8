// Package emulator is a twin of PallyCon's server: it answers the calls of the PallyCon Service API
// Guide V2 as the vendor would, keeps state across calls, and is as strict as the vendor would be.
// It is built from the guide alone and shares no code with the adapter, so that a mistake in one
// cannot hide in the other.
//
// A request is checked in this order: path (404) and method (405), the token (401), the api_code
// (403), the parameters and the state (a failure inside HTTP 200). What the guide and other public
// documents leave open is either a field of Assumptions or one of these choices:
//
//   - error_code values of failures inside HTTP 200 are this project's own (Codes); a failure has
//     no data and no count.
//   - An answer whose data is an object or null has no count.
//   - Without from, licenses are listed from the first one; without to, up to the last. from after
//     to is a failure.
//   - search_condition and search_keyword are given both or neither. Searches are case-sensitive.
//   - A page after the last has no rows and the same count as the others.
//   - Asking for the status change of a service that never had one answers error_code 0000 and data
//     null.
//   - At most one status change per site and service is pending; another one is refused
//     (Codes.RequestPending). A request
//     that changes nothing, such as suspending a suspended service, is taken like any other.
//   - reg_dt and update_dt are yyyyMMddHHmmss, in UTC as the guide says; update_dt equals reg_dt
//     until the request changes.
//   - Approving an extension of the trial (SM003) leaves the product's status_code as it is.
//   - Site orders are listed newest first, sub-members in the order of their member_seq. from and
//     to mean the reg_time of an order. Orders of one name are independent of each other; the
//     site_id is empty until the order is approved.
//   - A sub-member created without a group_seq gets the group with the fewest rights, GroupClients.
//     E-mail addresses are the
//     same where they differ in case only. An update that names nothing to change is taken.
//   - The reports by user, device and content count the licenses in the period, successful and
//     failed alike unless search_status chooses. Their rows stand in the order in which each user,
//     device or content came first in the period, which is an order that the guide's samples
//     (sorted by no column) can have, and stays as it is while licenses arrive. A device's model is
//     that of its last license. The cid of cid-user is no search: it matches the equal one only.
//   - Every packaging, the first one of a track as well as a later one, is a row of its own;
//     update_time equals created_time until the track is packaged again. Rows come by created_time,
//     then update_time, oldest first. A cursor answers the rows whose (created_time, update_time)
//     is strictly later than its own, so that a row as old as the last one of a page is lost to
//     those who ask with that cursor; count is then the number of later rows that match, of this
//     page and the following. Both times of the cursor are yyyyMMddHHmmss, as in the rows, and
//     given both or neither. from and to mean update_time. A packaging has no drm_type, user_id,
//     device_id or device_model: searches for those are taken and find nothing.
//   - site_key is 32 characters that are base64 and access_key 32 letters and digits; kms_token is
//     base64 of a JSON object. An
//     update of the integration sets what it names; a callback URL that is given empty is cleared.
//   - Files come as multipart/form-data with a file name. An ask is 32 hexadecimal digits. Whether
//     the private key fits the certificate and the password is not checked. A new certificate takes
//     the place of the one before.
//   - The figures of targetDate count from the first of the month to the end of the target date:
//     successful licenses, and the
//     users and devices that had one. LICENSETOKEN counts as a user.
//   - href has the scheme http, as in the guide's samples, and the host of the request.
package emulator

import (
	"cmp"
	"net/http"
	"slices"
	"sync"

	"github.com/drmhub/drmhub/adapters/twin"
)

// Emulator is PallyCon's server with one account. It is an http.Handler, and by the embedded twin
// it has a clock, faults and a ledger. It is safe for concurrent use. Besides the paths that all
// twins have, there are
//
//	POST  /_twin/approve       {"siteId": "DEMO", "serviceCode": "PD001"}: Approve
//	POST  /_twin/approveOrder  {"seq": 1}: ApproveOrder
//	POST  /_twin/rejectOrder   {"seq": 1}: RejectOrder
type Emulator struct {
	*twin.Twin
	account   account
	denied    []string
	assumed   Assumptions
	seed      uint64
	requestID func() string
	siteID    func() string

	mu      sync.RWMutex
	sites   []*site     // in the order they were put
	orders  []SiteOrder // by seq
	members []Member    // by member_seq
}

// New makes an emulator that holds nothing, or sample data where the options say so.
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
		},
	})
	if options.WithSampleData {
		e.fillSampleData()
	}
	return e
}
