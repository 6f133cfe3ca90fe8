// Package emulator is a twin of NAVER Cloud's "One Click Multi DRM" server and of the API gateway
// before it. It serves the calls for sites and license history, keeps state across calls, and is as
// strict as the vendor. It is built from the vendor's API pages alone. It shares no code with the
// adapter, so a mistake in one cannot hide in the other.
//
// The gateway checks a request in this order, and refuses it in its own form:
//
//   - path and method: 404/300
//   - signature v2: 401/200
//   - region code and Content-Type: 400/100
//   - permission: 401/210
//
// Then the service checks parameters and state, and refuses in another form. What the pages leave
// open is either a field of Assumptions or one of these choices:
//
//   - A site that is enabled is RUNNING, and one that is not is READY. To switch a site that is
//     CREATING or DELETED is 281004, and to update it is 281007. Sites that are DELETED stay in the
//     list.
//   - Sites are listed in the order of their creation.
//   - Reads have policyName, as the pages of the lists. The responses to a change have the keys of
//     the example.
//   - A site's name is 3 to 20 ASCII letters, digits and underscores. Several sites may have one
//     name. policyId refers to a policy that exists: 0, or one of PutPolicies.
//   - Calls for policies and their log, and those that issue a license or encrypt content, are not
//     served.
//   - A parameter or a field that is unknown, missing or of the wrong form is 280003. A body that
//     is not a JSON object is 280001. The bodies of on and off are ignored.
//   - A fairPlayCert needs certFile (an http or https address of a .der or .cer file), privateKey
//     (a .pem file) and secretKey, or it is 2810011. An update without one, or with an empty one,
//     does not change the certificate.
//   - Licenses come newest first. Those of one second come in reverse order of arrival. startTime
//     is the first millisecond searched. searchCondition and searchKeyword need each other.
//     Searches are case-sensitive.
//   - A page after the last one has no rows, and the same total as the others.
//   - siteMontlyActive* count successful licenses since the first of the month in Assumptions.Zone,
//     and the users and devices that had one.
//   - The site log shows, newest first, that a site was created, made ready by Finish, updated,
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

// Emulator is the vendor's server with one account. The embedded twin gives it a clock, faults and
// a ledger. It is safe for concurrent use. Besides the admin paths of all twins, it has
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

// New returns an emulator that is empty, or has sample data if the options say so. It panics if
// Options.Denied names an unknown call, which is a mistake in the test.
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
			panic(fmt.Sprintf("emulator: Options.Denied has the unknown call %q", denied))
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

// onlyCleanPaths refuses the paths that a mux would redirect, because the gateway redirects none.
func (e *Emulator) onlyCleanPaths(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if escaped := r.URL.EscapedPath(); path.Clean(escaped) != escaped {
			e.serveNotFound(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}
