// Package emulator is a twin of NAVER Cloud's "One Click Multi DRM" server and of the API gateway
// before it: it answers the calls for sites and license history as the vendor would, keeps state
// across calls, and is as strict as the vendor would be. It is built from the vendor's API pages
// alone and shares no code with the adapter, so that a mistake in one cannot hide in the other.
//
// The gateway checks a request in this order, and answers in its own shape: path and method
// (404/300), signature v2 (401/200), region code and Content-Type (400/100), permission (401/210).
// Then the service checks parameters and state, and answers in another shape. What the pages leave
// open is either a field of Assumptions or one of these choices:
//
//   - RUNNING is a site that is enabled, READY one that is not. Switching a site that is CREATING
//     or DELETED is 281004, updating
//     it 281007. Sites that are DELETED stay in the list.
//   - Sites are listed in the order in which they were created.
//   - Reads tell the policyName, which the pages of the lists have; answers to a change have the
//     keys of the example.
//   - A site's name is 3 to 20 ASCII letters, digits and underscores. Several sites may have one
//     name. policyId refers to a
//     policy that exists: 0, or one of PutPolicies.
//   - Calls for policies and their log, and those that issue a license or encrypt content, are not
//     served.
//   - A parameter or a field that the call does not have, that is missing, or has the wrong form is
//     280003; a body that is no
//     JSON object is 280001. The bodies of on and off are not looked at.
//   - A fairPlayCert needs certFile (an http or https address of a .der or .cer file), privateKey
//     (a .pem file) and secretKey, or it is 2810011. An update without one, or with an empty one,
//     leaves the certificate as it is.
//   - Licenses are newest first; those of one second stand in the order in which they arrived, the
//     last one first. startTime is the first millisecond searched. searchCondition and
//     searchKeyword are given both or neither. Searches are case-sensitive.
//   - A page after the last has no rows, and the same total as the others.
//   - siteMontlyActive* count the successful licenses since the first of the month, in
//     Assumptions.Zone: how many, and how many
//     users and devices had one.
//   - The site log tells, newest first, that a site was created, made ready by Finish, updated,
//     switched on and switched off.
package emulator

import (
	"cmp"
	"fmt"
	"net/http"
	"path"
	"slices"
	"sync"

	"github.com/drmhub/drmhub/adapters/twin"
)

// Emulator is the vendor's server with one account. It is an http.Handler, and by the embedded twin
// it has a clock, faults and a ledger. It is safe for concurrent use. Besides the paths that all
// twins have, there are
//
//	POST  /_twin/finish  {"siteId": "drm-20231101082316-dJDGa"}: Finish
//	POST  /_twin/issue   {"siteId": …, "contentId": …, "userId": …, …}: Issue
type Emulator struct {
	*twin.Twin
	gateway gateway
	assumed Assumptions
	siteID  func() string
	traceID func() string

	mu       sync.RWMutex
	sites    []*site        // in the order they were put
	policies map[int]string // names by policyId
}

// New makes an emulator that holds nothing, or sample data where the options say so. It panics
// where Options.Denied names no call, as that is a mistake in the test.
func New(options Options) *Emulator {
	e := &Emulator{
		gateway: gateway{
			accessKey: cmp.Or(options.AccessKey, DefaultAccessKey),
			secretKey: []byte(cmp.Or(options.SecretKey, DefaultSecretKey)),
			region:    cmp.Or(options.RegionCode, DefaultRegionCode),
			denied:    slices.Clone(options.Denied),
		},
		assumed:  options.Assumptions.withDefaults(),
		siteID:   siteIDs(options.Seed),
		traceID:  traceIDs(options.Seed),
		policies: map[int]string{0: "BASIC"},
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/", e.serveNotFound)
	for _, c := range calls {
		mux.HandleFunc(c.pattern(), e.serve(c))
	}
	for _, denied := range options.Denied {
		if !slices.ContainsFunc(calls, func(c call) bool { return c.pattern() == denied }) {
			panic(fmt.Sprintf("emulator: %q, which is to be denied, is no call", denied))
		}
	}
	e.Twin = twin.New(e.onlyCleanPaths(mux), twin.Options{
		Clock:         options.Clock,
		Secrets:       []string{"privateKey", "privateEncryptedString", "secretKey"},
		SecretHeaders: []string{accessKeyHeader, signatureHeader},
		EndlessHead:   `{"success":true,"total":2147483647,"content":[`,
		EndlessRow: `{"contentId":"endless","licenseStatus":"success","drmType":"Widevine",` +
			`"userId":"d41d8cd98f00b204e9800998ecf8427e","deviceId":"endless","deviceModel":"endless",` +
			`"platformName":"PLATFORM_ANDROID","licenseCreatedTime":"20231120095732"},`,
		Admin: map[string]http.HandlerFunc{
			"POST /_twin/finish": e.serveFinish,
			"POST /_twin/issue":  e.serveIssue,
		},
	})
	if options.WithSampleData {
		e.fillSampleData(options.Seed)
	}
	return e
}

// onlyCleanPaths refuses the paths for which a mux would answer a redirect, which no gateway does.
func (e *Emulator) onlyCleanPaths(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if escaped := r.URL.EscapedPath(); path.Clean(escaped) != escaped {
			e.serveNotFound(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}
