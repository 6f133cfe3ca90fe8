package emulator_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/drmhub/drmhub/adapters/amino/emulator"
	"github.com/drmhub/drmhub/adapters/twin"
	"github.com/drmhub/drmhub/adapters/twin/twintest"
)

func TestRequestsThatAreNoCall(t *testing.T) {
	e := shop(emulator.Options{})
	for target, allow := range map[string]string{
		"GET /":                                   "",
		"GET /api/license/management/v4":          "",
		"GET /api/license/management/v4/":         "",
		"GET /api/license/management/v4/license":  "",
		"GET /api/license/v4/users/u/licenses":    "",
		"GET " + base + "/licenses/":              "",
		"GET " + base + "//licenses":              "",
		"GET " + base + "/users//licenses":        "",
		"GET " + base + "/users/u":                "",
		"PUT " + base + "/licenses/x":             "GET, DELETE",
		"PATCH " + base + "/licenses/x":           "GET, DELETE",
		"POST " + base + "/licenses/x":            "GET, DELETE",
		"DELETE " + base + "/licenses":            "GET, POST",
		"PUT " + base + "/licenses/batch_create":  "POST, GET, DELETE",
		"POST " + base + "/users/u/licenses":      "GET",
		"PATCH " + base + "/products/free":        "GET",
		"DELETE " + base + "/products/free":       "GET",
		"PATCH " + base + "/products":             "GET, POST",
		"HEAD " + base + "/products":              "GET, POST",
		"OPTIONS " + base + "/users/a/b/licenses": "",
	} {
		method, path, _ := strings.Cut(target, " ")
		got := do(t, e, request(t, method, path, ""))
		want, code := 404, "NOT_FOUND"
		if allow != "" {
			want, code = 405, "METHOD_NOT_ALLOWED"
		}
		if got.Status != want || got.Header.Get("Allow") != allow {
			t.Errorf("%s: %d, Allow %q, want %d, %q", target, got.Status, got.Header.Get("Allow"), want, allow)
		} else if method != "HEAD" {
			got.refused(t, target, want, code)
		}
	}
	if effects(e) != "" {
		t.Error(effects(e))
	}
}

func TestPages(t *testing.T) {
	e := shop(emulator.Options{Assumptions: emulator.Assumptions{MaxPage: 150}})
	for i := range 230 {
		e.PutLicenses(emulator.License{ID: fmt.Sprint(i), UserID: fmt.Sprint("u", i%2), ProductID: "free"})
		e.PutProducts(emulator.Product{ID: fmt.Sprint("p", i)})
	}
	for path, want := range map[string]struct {
		rows        int
		first, last string
	}{
		"/licenses":                                  {100, "0", "99"},
		"/licenses?limit=150":                        {150, "0", "149"},
		"/licenses?offset=100":                       {100, "100", "199"},
		"/licenses?offset=200&limit=150":             {30, "200", "229"},
		"/licenses?offset=229&limit=1":               {1, "229", "229"},
		"/licenses?offset=230":                       {0, "", ""},
		"/licenses?offset=9223372036854775807":       {0, "", ""},
		"/users/u1/licenses":                         {100, "1", "199"},
		"/users/u1/licenses?offset=100":              {15, "201", "229"},
		"/users/nobody/licenses":                     {0, "", ""},
		"/products?offset=2&limit=3":                 {3, "p0", "p2"},
		"/products?offset=150&limit=100":             {82, "p148", "p229"},
		"/products?%6fffset=231&limit=10":            {1, "p229", "p229"},
		"/licenses?limit=2&offset=4":                 {2, "4", "5"},
		"/users/u0/licenses?offset=0&limit=150":      {115, "0", "228"},
		"/users/u0/licenses?offset=115&limit=150":    {0, "", ""},
		"/products?offset=0&limit=2":                 {2, "free", "paid"},
		"/users/%75%31/licenses?limit=1":             {1, "1", "1"},
		"/users/a%2Fb%20c%25/licenses":               {0, "", ""},
		"/licenses?offset=100&limit=100":             {100, "100", "199"},
		"/licenses?offset=0&limit=100":               {100, "0", "99"},
		"/licenses?offset=199&limit=100":             {31, "199", "229"},
		"/users/u1/licenses?offset=114&limit=1":      {1, "229", "229"},
		"/users/u1/licenses?offset=1152921504606846": {0, "", ""},
	} {
		rows := call(t, e, "GET", path, "").list(t, 200)
		first, last := "", ""
		if len(rows) > 0 {
			first, last = rows[0].ID, rows[len(rows)-1].ID
		}
		if len(rows) != want.rows || first != want.first || last != want.last {
			t.Errorf("%s: %d rows from %q to %q, want %v", path, len(rows), first, last, want)
		}
	}
}

func TestQueriesAreRefused(t *testing.T) {
	e := shop(emulator.Options{})
	for _, path := range []string{
		"/licenses?limit=0", "/licenses?limit=-1", "/licenses?limit=", "/licenses?limit=ten", "/licenses?limit=010", "/licenses?limit=1.0",
		"/licenses?limit=%2B1", "/licenses?limit=1001", "/licenses?limit=99999999999999999999", "/licenses?offset=-1", "/licenses?offset=",
		"/licenses?offset=0&offset=0", "/licenses?page=1", "/licenses?Limit=1", "/licenses?status=ACTIVE", "/licenses?offset=%zz", "/licenses?a;b",
		"/users/u/licenses?user=u", "/products?limit=1001", "/products/free?limit=1", "/licenses/x?offset=0",
	} {
		call(t, e, "GET", path, "").refused(t, path, 400, "INVALID_PARAMETER")
	}
	call(t, e, "POST", "/licenses?limit=1", data(licenseOf("u", "free", ""))).refused(t, "a create", 400, "INVALID_PARAMETER")
	if len(e.Licenses()) != 0 {
		t.Error("a create with a query was carried out")
	}
}

func TestSettingsOfPages(t *testing.T) {
	e := shop(emulator.Options{Assumptions: emulator.Assumptions{
		OffsetParameter: "page[offset]", LimitParameter: "page[limit]", DefaultPage: 2, MaxPage: 3, ShortensPages: true,
	}})
	for i := range 5 {
		e.PutLicenses(emulator.License{ID: fmt.Sprint(i), UserID: "u", ProductID: "free"})
	}
	for path, want := range map[string]string{
		"/licenses":                                     "0 1",
		"/licenses?page%5Blimit%5D=50":                  "0 1 2",
		"/licenses?page%5Boffset%5D=1&page[limit]=1":    "1",
		"/users/u/licenses?page[offset]=2&page[limit]=": "400",
		"/licenses?offset=1":                            "400",
	} {
		got := call(t, e, "GET", path, "")
		if want == "400" {
			got.refused(t, path, 400, "INVALID_PARAMETER")
		} else if rows := ids(got.list(t, 200)); rows != want {
			t.Errorf("%s: %s, want %s", path, rows, want)
		}
	}
}

func TestMediaTypes(t *testing.T) {
	for media, status := range map[string]int{
		"application/json": 201, "application/vnd.api+json": 201, "application/json; charset=utf-8": 201,
		"": 415, "text/plain": 415, "application/x-www-form-urlencoded": 415, "application/": 415,
	} {
		e := shop(emulator.Options{})
		r := request(t, "POST", base+"/licenses", data(licenseOf("u", "free", "")))
		r.Header.Set("Content-Type", media)
		if got := do(t, e, r); got.Status != status || len(e.Licenses()) != map[int]int{201: 1}[status] {
			t.Errorf("%q: %d %s, want %d", media, got.Status, got.Text, status)
		} else if status == 415 {
			got.refused(t, media, 415, "UNSUPPORTED_MEDIA_TYPE")
		}
	}
}

func TestEveryCallNeedsCredentials(t *testing.T) {
	e := shop(emulator.Options{Assumptions: emulator.Assumptions{ProductUpdates: true}})
	e.PutLicenses(emulator.License{ID: "x", UserID: "u", ProductID: "free"})
	for _, target := range []string{
		"GET /licenses", "POST /licenses", "GET /licenses/x", "DELETE /licenses/x", "GET /users/u/licenses", "POST /licenses/batch_create",
		"POST /licenses/batch_delete", "GET /products", "POST /products", "GET /products/free", "PATCH /products/free",
	} {
		method, path, _ := strings.Cut(target, " ")
		r := request(t, method, base+path, data(licenseOf("u", "free", "")))
		r.Header.Del("Authorization")
		do(t, e, r).refused(t, target, 401, "UNAUTHORIZED")
	}
	if effects(e) != "" || len(e.Licenses()) != 1 {
		t.Error(effects(e))
	}
}

func TestFaultsHitTheVendorsCalls(t *testing.T) {
	e := shop(emulator.Options{})
	throttled := emulator.Refusal(429, "TOO_MANY", "slow down")
	throttled.Path, throttled.Header, throttled.Times = base+"/products", map[string]string{"Retry-After": "5"}, 1
	e.Faults().Add(throttled)
	got := call(t, e, "GET", "/products", "")
	if got.Header.Get("Retry-After") != "5" {
		t.Errorf("%v", got.Header)
	}
	got.refused(t, "throttled", 429, "TOO_MANY")
	call(t, e, "GET", "/products", "").list(t, 200)

	odd := emulator.Refusal(403, "4711", "no,\x1b[31m \"not\" you")
	odd.Method = "POST"
	e.Faults().Add(odd)
	call(t, e, "POST", "/licenses", data(licenseOf("u", "free", ""))).refused(t, "a code that nobody knows", 403, "4711")
	if len(e.Licenses()) != 0 {
		t.Error("a refusal took effect")
	}
}

func TestLostAnswersTakeEffect(t *testing.T) {
	e := shop(emulator.Options{})
	e.Faults().Add(twin.Fault{Kind: twin.FaultLoseAnswer, Method: "POST"})
	res, err := twin.Transport(e).RoundTrip(request(t, "POST", base+"/licenses", data(licenseOf("u", "free", ""))))
	if err == nil {
		t.Fatalf("an answer of status %d", res.StatusCode)
	}
	if len(e.Licenses()) != 1 || len(e.Entitlements()) != 1 || len(e.Ledger().Effects()) != 1 {
		t.Errorf("%v %v", e.Licenses(), e.Entitlements())
	}
}

func TestEndlessAnswerLooksLikeTheVendors(t *testing.T) {
	e := shop(emulator.Options{})
	const head = 3 // { "data" [
	twintest.EndlessRows(t, e, e.Faults(), head, func(row resource) bool {
		return row.Type == "License" && row.Relationships["user"].Data.ID != ""
	})
}
