package emulator_test

import (
	"fmt"
	"strings"
	"sync"
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

func TestCredentials(t *testing.T) {
	defaults, e := shop(emulator.Options{}), shop(emulator.Options{APIKey: "the key", Token: "a.b.c"})
	for _, c := range []struct {
		vendor         *emulator.Emulator
		authorizations []string
		status         int
	}{
		{defaults, []string{"Apikey " + emulator.DefaultAPIKey}, 200},
		{defaults, []string{"Bearer " + emulator.DefaultToken}, 200},
		{e, []string{"Apikey the key"}, 200},
		{e, []string{"Bearer a.b.c"}, 200},
		{e, []string{"apikey the key"}, 200},
		{e, nil, 401},
		{e, []string{"Apikey the key", "Apikey the key"}, 401},
		{e, []string{"the key"}, 401},
		{e, []string{"Basic the key"}, 401},
		{e, []string{"Bearer the key"}, 401},
		{e, []string{"Apikey a.b.c"}, 401},
		{e, []string{"Apikey the keys"}, 401},
		{e, []string{"Bearer a.b"}, 401},
		{e, []string{"Apikey "}, 401},
		{e, []string{"Apikey " + emulator.DefaultAPIKey}, 401},
	} {
		r := request(t, "GET", base+"/products", "")
		r.Header["Authorization"] = c.authorizations
		got := do(t, c.vendor, r)
		switch {
		case got.Status != c.status:
			t.Errorf("%q: %d %s, want %d", c.authorizations, got.Status, got.Text, c.status)
		case c.status == 401 && (got.code(t) != "UNAUTHORIZED" || strings.Contains(got.Text, "key")):
			t.Errorf("%q: %s", c.authorizations, got.Text)
		}
	}
	twintest.LedgerHides(t, defaults.Ledger(), "/products", emulator.DefaultAPIKey)
}

func TestEveryCallNeedsCredentials(t *testing.T) {
	e := shop(emulator.Options{Assumptions: emulator.Assumptions{ProductUpdates: true}})
	e.PutLicenses(emulator.License{ID: "x", UserID: "u", ProductID: "free"})
	for _, target := range []string{
		"GET /licenses", "POST /licenses", "GET /licenses/x", "DELETE /licenses/x", "GET /users/u/licenses",
		"POST /licenses/batch_create", "POST /licenses/batch_delete",
		"GET /products", "POST /products", "GET /products/free", "PATCH /products/free",
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
	call(t, e, "POST", "/licenses", data(licenseOf("u", "free", ""))).refused(t, "an unknown code", 403, "4711")
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

func TestTheSameSeedGivesTheSameIDs(t *testing.T) {
	create := func(seed uint64) string {
		e := shop(emulator.Options{Seed: seed})
		return call(t, e, "POST", "/licenses", data(licenseOf("u", "paid", ""))).one(t, 201).ID
	}
	if one, again, other := create(5), create(5), create(6); again != one || other == one {
		t.Errorf("from the same seed %s, then %s; from another %s", one, again, other)
	}
}

func TestManyClientsAtOnce(t *testing.T) {
	e := shop(emulator.Options{Clock: twin.NewClock(nil)})
	var clients sync.WaitGroup
	for i := range 8 {
		clients.Go(func() {
			user := fmt.Sprint("u", i)
			for range 10 {
				id := call(t, e, "POST", "/licenses", data(licenseOf(user, "paid", ""))).one(t, 201).ID
				call(t, e, "POST", "/licenses", data(licenseOf(user, "free", ""))).one(t, 201)
				call(t, e, "GET", "/licenses", "").list(t, 200)
				if got := call(t, e, "DELETE", "/licenses/"+id, ""); got.Status != 204 {
					t.Errorf("%d %s", got.Status, got.Text)
				}
			}
			if rows := call(t, e, "GET", "/users/"+user+"/licenses", "").list(t, 200); len(rows) != 10 {
				t.Errorf("%s has %d licenses", user, len(rows))
			}
		})
	}
	clients.Wait()
	counts := [4]int{len(e.Licenses()), len(e.Entitlements()), len(e.Irdeto().Entitlements), len(e.Ledger().Effects())}
	if want := [4]int{80, 80, 160, 240}; counts != want {
		t.Errorf("licenses, entitlements, all entitlements and effects: %v, want %v", counts, want)
	}
}

func TestMistakesOfTheTestPanic(t *testing.T) {
	e := shop(emulator.Options{})
	twintest.WantPanic(t, "a license of no product", "none", func() {
		e.PutLicenses(emulator.License{UserID: "u", ProductID: "none"})
	})
	twintest.WantPanic(t, "an invalid order", "explode", func() {
		e.OrderIrdeto(emulator.IrdetoOrder{Behavior: "explode"})
	})
}
