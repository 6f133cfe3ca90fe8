package app_test

import (
	"encoding/json"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/drmhub/drmhub/adapters/secret"
	"github.com/drmhub/drmhub/server/internal/auth/tokentest"
	"github.com/drmhub/drmhub/server/internal/config"
	"github.com/drmhub/drmhub/server/internal/store/storetest"
)

func TestAPersonLogsInAndOut(t *testing.T) {
	p := newProvider(t)
	b := open(t, p)()
	p.next("ES256", 0, map[string]any{"roles": []string{"viewer"}})
	if got := b.caller(t, ""); got != "401" {
		t.Fatalf("before the login: %s", got)
	}
	const link = "Sec-Fetch-Site: cross-site; Sec-Fetch-Mode: navigate; Sec-Fetch-Dest: document"
	res, text := b.call(t, "GET /console/login?to=/console/mutations?page%3D2", "", link)
	if res.StatusCode != 200 || res.Header.Get("Refresh") != "0; url=/console/mutations?page=2" {
		t.Fatalf("the login: HTTP %d, %v, %s", res.StatusCode, res.Header, text)
	}
	set := res.Header["Set-Cookie"]
	session := set[slices.IndexFunc(set, func(s string) bool { return strings.HasPrefix(s, "__Host-drmhub=") })]
	for _, attribute := range []string{"; Path=/;", "; HttpOnly", "; Secure", "; SameSite=Strict", "; Max-Age=3"} {
		if !strings.Contains(session, attribute) || strings.Contains(session, "Domain") {
			t.Errorf("the cookie lacks %q: %s", attribute, session)
		}
	}
	if got := b.cookies(); got != "__Host-drmhub" {
		t.Errorf("cookies %s", got)
	}
	signed := tokentest.Sign("HS256", "hs256", map[string]any{"iss": p.URL, "sub": "billing"})
	for headers, want := range map[string]string{
		"":                                    "alice",
		"Sec-Fetch-Site: same-origin":         "alice",
		"Sec-Fetch-Site: none":                "alice",
		"Origin: " + drmhub:                   "alice",
		"Origin: https://drmhub.example:8443": "403", // another port: the same site, and another origin
		"Sec-Fetch-Site: same-site":           "403",
		"Sec-Fetch-Site: cross-site":          "403",
		link:                                  "401",
		"Authorization: Bearer " + signed:     "billing",
		"Authorization: Bearer x":             "401",
		"Authorization: ":                     "401",
		"Authorization: Basic YTpi":           "401",
	} {
		if got := b.caller(t, headers); got != want {
			t.Errorf("%q: the caller is %s, want %s", headers, got, want)
		}
	}
	const disable = "POST /v1/vendors/acme/sites/DEMO:disable"
	for headers, want := range map[string]int{
		"Sec-Fetch-Site: cross-site": 403, "Origin: https://evil.example": 403, "Content-Type: text/plain": 415,
		"Sec-Fetch-Site: same-origin": 403, // a viewer changes nothing
	} {
		if res, text := b.call(t, disable, "", headers); res.StatusCode != want {
			t.Errorf("%s: HTTP %d %s", headers, res.StatusCode, text)
		}
	}
	again := "GET /console/callback?code=c1&state=" + p.asked.Get("state")
	if res, text := b.call(t, again, "", ""); res.StatusCode != 401 {
		t.Errorf("the same callback again: HTTP %d %s", res.StatusCode, text)
	}
	if res, _ := b.call(t, "POST /console/logout", "", "Sec-Fetch-Site: cross-site"); res.StatusCode != 403 {
		t.Errorf("another site's logout: HTTP %d", res.StatusCode)
	}
	if res, _ := b.call(t, "POST /console/logout", "", ""); res.StatusCode != 204 || b.cookies() != "" {
		t.Errorf("the logout: HTTP %d, cookies %s", res.StatusCode, b.cookies())
	}
}

func TestLoginsThatAreRefused(t *testing.T) {
	p := newProvider(t)
	fresh := open(t, p)
	many := slices.Repeat([]string{"vendors/acme/sites/A-LONG-NAME"}, 200)
	for name, c := range map[string]struct {
		alg    string
		status int
		claims map[string]any
		want   int
	}{
		"good":                   {"ES256", 0, nil, 200},
		"two audiences":          {"ES256", 0, map[string]any{"aud": []string{"console", "x"}, "azp": "console"}, 200},
		"no authorized party":    {"ES256", 0, map[string]any{"aud": []string{"console", "x"}}, 401},
		"another party":          {"ES256", 0, map[string]any{"azp": "x"}, 401},
		"another audience":       {"ES256", 0, map[string]any{"aud": "drmhub"}, 401},
		"another issuer":         {"ES256", 0, map[string]any{"iss": "https://evil.example"}, 401},
		"another nonce":          {"ES256", 0, map[string]any{"nonce": "x"}, 401},
		"no nonce":               {"ES256", 0, map[string]any{"nonce": nil}, 401},
		"expired":                {"ES256", 0, map[string]any{"exp": time.Now().Add(-time.Hour).Unix()}, 401},
		"a symmetric key":        {"HS256", 0, nil, 401},
		"no subject":             {"ES256", 0, map[string]any{"sub": nil}, 401},
		"a certificate's name":   {"ES256", 0, map[string]any{"sub": "spiffe://acme/billing"}, 401},
		"anonymous":              {"ES256", 0, map[string]any{"sub": "anonymous"}, 401},
		"malformed roles":        {"ES256", 0, map[string]any{"roles": 1}, 401},
		"bound to a certificate": {"ES256", 0, map[string]any{"cnf": map[string]any{"x5t#S256": thumbprint}}, 401},
		"too much for a cookie":  {"ES256", 0, map[string]any{"sites": many}, 400},
		"the code is refused":    {"ES256", 400, nil, 401},
		"the provider fails":     {"ES256", 503, nil, 503},
	} {
		b := fresh()
		p.next(c.alg, c.status, c.claims)
		res, text := b.call(t, "GET /console/login", "", "")
		signedIn := b.cookies() == "__Host-drmhub"
		p.next(c.alg, c.status, c.claims)
		shown, page := fresh().call(t, "GET /console/login?to=/console/sites/a%252Fb", "", "Accept: "+asPerson)
		if isPage := strings.Contains(page, "<h1>You are not logged in</h1>"); shown.StatusCode != c.want ||
			isPage != (c.want != 200) || isPage && !strings.Contains(page, again) || strings.Contains(page, "<script") {
			t.Errorf("%s, in a browser: HTTP %d %v %s", name, shown.StatusCode, shown.Header, page)
		}
		if res.StatusCode != c.want || signedIn != (c.want == 200) || strings.Contains(text, "nonce") {
			t.Errorf("%s: HTTP %d %s, cookies %s", name, res.StatusCode, text, b.cookies())
		}
	}
	b := fresh()
	for _, query := range []string{"", "?code=c1&state=x", "?code=c1&state=", "?error=access_denied"} {
		shown, page := b.call(t, "GET /console/callback"+query, "", "Accept: "+asPerson)
		kind, policy := shown.Header.Get("Content-Type"), shown.Header.Get("Content-Security-Policy")
		if shown.StatusCode != 401 || kind != "text/html; charset=utf-8" ||
			!strings.HasPrefix(policy, "default-src 'none'") ||
			!strings.Contains(page, `href="/console/login?to=%2Fconsole%2F"`) {
			t.Errorf("the callback %s in a browser: HTTP %d %v %s", query, shown.StatusCode, shown.Header, page)
		}
		if res, text := b.call(t, "GET /console/callback"+query, "", ""); res.StatusCode != 401 || b.cookies() != "" {
			t.Errorf("the callback %s: HTTP %d %s", query, res.StatusCode, text)
		}
	}
}

// A browser that follows a link accepts asPerson. It then sees a page with a link to the same
// login.
const (
	asPerson = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
	again    = `href="/console/login?to=%2Fconsole%2Fsites%2Fa%252Fb"`
)

const thumbprint = "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"

func TestALoginEndsOnThisServer(t *testing.T) {
	p := newProvider(t)
	b := open(t, p)()
	p.next("ES256", 0, nil)
	for to, want := range map[string]string{
		"/console/": "/console/", "/console/sites/a%2Fb": "/console/sites/a%2Fb",
		"/docs": "/docs", "/docs/": "/docs/",
		"/console/x?a=b&c=d,e": "/console/x?a=b&c=d,e", "": "/console/",
		"https://evil.example/console/": "/console/", "//evil.example/console/": "/console/",
		"/console/../v1/vendors": "/console/", "/console/..%2f..": "/console/", "/console//evil.example": "/console/",
		`/\evil.example/console/`: "/console/", `/console/\evil.example`: "/console/", "/v1/vendors": "/console/",
		"javascript:alert(1)": "/console/", "/consoles": "/console/", "/docsx": "/console/",
		"/console/%5cx":                 "/console/",
		"/console/x;url=//evil.example": "/console/", "/console/\"x": "/console/", "/console/<x>": "/console/",
		"/console/viewers/a%2Fb%20c?x=%22":  "/console/viewers/a%2Fb%20c?x=%22",
		"/console/viewers/o'b%22%3Cb%3E%3B": "/console/viewers/o'b%22%3Cb%3E%3B",
		"/console/viewers/%ED%95%9C?a,b":    "/console/viewers/%ED%95%9C?a,b",
		"/console/viewers/ü":                "/console/viewers/%C3%BC",
		"/console/sites/x%0d%0aSet-Cookie:": "/console/", "/console/login": "/console/",
		"/console/%2F/evil.example":                   "/console/",
		"/console/?q=" + strings.Repeat("long", 1000): "/console/",
		"console/": "/console/", "?x": "/console/", "/console/\r\nx": "/console/", "http:/console/": "/console/",
	} {
		res, _ := b.call(t, "GET /console/login?to="+url.QueryEscape(to), "", "")
		if got := res.Header.Get("Refresh"); got != "0; url="+want {
			t.Errorf("%q: HTTP %d, %q", to, res.StatusCode, got)
		}
	}
}

func TestHowAPersonCanLogIn(t *testing.T) {
	for want, options := range map[string][]func(*testing.T, *testServer){
		`{"provider":false,"token":false}`: nil,
		`{"provider":false,"token":true}`:  {guarded},
	} {
		status, header, text := start(t, options...).rest(t, "GET /console/login/methods", "")
		if status != 200 || strings.TrimSpace(text) != want || header.Get("Cache-Control") != "no-store" {
			t.Errorf("HTTP %d %v %s, want %s", status, header, text, want)
		}
	}
	if res, text := open(t, newProvider(t))().call(t, "GET /console/login/methods", "", ""); res.StatusCode != 200 ||
		strings.TrimSpace(text) != `{"provider":true,"token":true}` {
		t.Errorf("with a provider: HTTP %d %s", res.StatusCode, text)
	}
}

func TestATokenBeginsASession(t *testing.T) {
	p := newProvider(t)
	fresh := open(t, p)
	signed := func(claims map[string]any) string {
		all := map[string]any{"iss": p.URL, "sub": "alice"}
		maps.Copy(all, claims)
		body, _ := json.Marshal(map[string]string{"token": tokentest.Sign("HS256", "hs256", all)})
		return string(body)
	}
	const asJSON = "Content-Type: application/json"
	for _, c := range []struct {
		body, headers string
		want          int
	}{
		{signed(nil), asJSON, 204},
		{signed(nil), asJSON + "; Sec-Fetch-Site: cross-site", 403},
		{signed(nil), "Content-Type: text/plain", 415},
		{signed(nil), "", 415},
		{signed(map[string]any{"aud": "console"}), asJSON, 401},
		{signed(map[string]any{"exp": time.Now().Add(-time.Hour).Unix()}), asJSON, 401},
		{signed(map[string]any{"cnf": map[string]any{"x5t#S256": thumbprint}}), asJSON, 401},
		{`{"token":"x"}`, asJSON, 401},
		{`{"token":""}`, asJSON, 400},
		{`{"token":"x","token":"y"}`, asJSON, 400},
		{`{"Token":"x"}`, asJSON, 400},
		{`{"token":"` + strings.Repeat("x", 20<<10) + `"}`, asJSON, 400},
		{"", asJSON, 400},
		{"", "", 400},
	} {
		b := fresh()
		res, text := b.call(t, "POST /console/login", c.body, c.headers)
		if res.StatusCode != c.want || (b.cookies() != "") != (c.want == 204) {
			t.Errorf("%.60s, %s: HTTP %d %s, cookies %s", c.body, c.headers, res.StatusCode, text, b.cookies())
		}
	}
	for claims, want := range map[string]string{
		`{"roles":["viewer"]}`:                        `"vendors/acme"`,
		`{"roles":["viewer"],"vendors":[]}`:           `"vendors":[]`,
		`{"scope":"vendors:read","vendors":["acme"]}`: `"vendors/acme"`,
		`{"scope":"vendors:read","vendors":["x"]}`:    `"vendors":[]`,
		`{"scope":"sites:read"}`:                      `"SCOPE_MISSING"`,
	} {
		var all map[string]any
		if err := json.Unmarshal([]byte(claims), &all); err != nil {
			t.Fatal(err)
		}
		b := fresh()
		b.call(t, "POST /console/login", signed(all), asJSON)
		if _, text := b.call(t, "GET /v1/vendors", "", ""); !strings.Contains(strings.ReplaceAll(text, " ", ""), want) {
			t.Errorf("%s: %s, want %s", claims, text, want)
		}
	}
}

// TestAnOperatorEndsAllSessions starts the server again on its store: with the same digest key, and
// with another one.
func TestAnOperatorEndsAllSessions(t *testing.T) {
	p := newProvider(t)
	h := start(t, withPeople(t, p), func(t *testing.T, h *testServer) {
		h.cfg.Store.DSN = config.NewDSN(storetest.SQLite(t))
	})
	b := h.browsers(t)()
	token := tokentest.Sign("HS256", "hs256", map[string]any{"iss": p.URL, "sub": "billing"})
	body := `{"token":"` + token + `"}`
	b.call(t, "POST /console/login", body, "Content-Type: application/json")
	for _, c := range []struct{ key, caller string }{
		{"", "billing"}, {"a-digest-key-of-32-characters-01", "401"},
	} {
		if err := h.stop(); err != nil {
			t.Fatal(err)
		}
		if c.key != "" {
			key := secret.New(c.key)
			h.cfg.Store.DigestKey = &key
		}
		h = h.run(t)
		again := h.browsers(t)()
		again.Jar = b.jar
		if got := again.caller(t, ""); got != c.caller {
			t.Errorf("with the key %q: the caller is %s, want %s", c.key, got, c.caller)
		}
	}
}
