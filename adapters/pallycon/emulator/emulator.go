// Package emulator is a twin of PallyCon's server: it answers the calls of the PallyCon Service API Guide V2 as the vendor
// would, keeps state across calls, and is as strict as the vendor would be. It is built from the guide alone and shares no
// code with the adapter, so that a mistake in one cannot hide in the other.
//
// A request is checked in this order: path (404) and method (405), the token (401), the api_code (403), the parameters and
// the state (a failure inside HTTP 200). What the guide and other public documents leave open is either a field of
// Assumptions or one of these choices:
//
//   - error_code values of failures inside HTTP 200 are this project's own (Codes); a failure has no data and no count.
//   - An answer whose data is an object or null has no count.
//   - Without from, licences are listed from the first one; without to, up to the last. from after to is a failure.
//   - search_condition and search_keyword are given both or neither. Searches are case-sensitive.
//   - A page after the last has no rows and the same count as the others.
//   - Asking for the status change of a service that never had one answers error_code 0000 and data null.
//   - At most one status change per site and service is pending; another one is refused (Codes.RequestPending). A request
//     that changes nothing, such as suspending a suspended service, is taken like any other.
//   - reg_dt and update_dt are yyyyMMddHHmmss, in UTC as the guide says; update_dt equals reg_dt until the request changes.
//   - Approving an extension of the trial (SM003) leaves the product's status_code as it is.
//   - href has the scheme http, as in the guide's samples, and the host of the request.
package emulator

import (
	"cmp"
	"net/http"
	"slices"
	"sync"

	"github.com/drmhub/drmhub/adapters/twin"
)

// Emulator is PallyCon's server with one account. It is an http.Handler, and by the embedded twin it has a clock, faults and
// a ledger. Besides the paths that all twins have, POST /_twin/approve with {"siteId": "DEMO", "serviceCode": "PD001"}
// approves a pending status change. It is safe for concurrent use.
type Emulator struct {
	*twin.Twin
	account   account
	denied    []string
	assumed   Assumptions
	seed      uint64
	requestID func() string

	mu    sync.RWMutex
	sites []*site // in the order they were put
}

// New makes an emulator that holds nothing, or lifelike data where the options say so.
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
	}
	mux := http.NewServeMux()
	for _, c := range calls {
		mux.HandleFunc(c.method+" "+c.path, e.serve(c))
	}
	e.Twin = twin.New(mux, twin.Options{
		Clock:       options.Clock,
		Secrets:     []string{"ask", "key_pw", "private_key", "site_key", "access_key", "kms_token"},
		EndlessHead: `{"error_code":"0000","count":2147483647,"data":[`,
		EndlessRow: `{"cid":"endless","status":"success","error_code":"0000","drm_type":"Widevine","user_id":"endless","device_id":"endless",` +
			`"device_model":"endless","license_type":"token","platform_name":"Android","reg_time":"20200302235959"},`,
		Admin: map[string]http.HandlerFunc{"POST /_twin/approve": e.serveApprove},
	})
	if options.Lifelike {
		e.fillLifelike()
	}
	return e
}
