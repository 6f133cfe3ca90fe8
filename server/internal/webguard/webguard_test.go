package webguard_test

import (
	"context"
	"crypto/x509"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/drmhub/drmhub/server/internal/webguard"
)

// newGuard returns a guard for a server at 10.0.0.7 and fe80::7, behind a handler that returns 404.
func newGuard(t *testing.T, o webguard.Options) http.Handler {
	t.Helper()
	guard, err := webguard.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return guard.Handler(http.NotFoundHandler())
}

// ask makes a request and returns its status, and 0 for that of the handler behind the guard.
// Headers are "Name: value" separated by "; ".
func ask(h http.Handler, local, method, path, host, headers, body string) (int, http.Header) {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Host = host
	for header := range strings.SplitSeq(headers, "; ") {
		if name, value, ok := strings.Cut(header, ": "); ok {
			r.Header.Add(name, value)
		}
	}
	address := &net.TCPAddr{IP: net.ParseIP(local), Port: 8080, Zone: ""}
	r = r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, address))
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code == http.StatusNotFound {
		return 0, w.Header()
	}
	return w.Code, w.Header()
}

func TestHosts(t *testing.T) {
	names := &x509.Certificate{
		DNSNames: []string{"drm.example", "*.pages.example"}, IPAddresses: []net.IP{net.IPv4(10, 0, 0, 9)},
	}
	guards := map[string]http.Handler{
		"any": newGuard(t, webguard.Options{}),
		"own": newGuard(t, webguard.Options{Listen: "127.0.0.1"}),
		"list": newGuard(t, webguard.Options{
			Listen: "Hub.example", Hosts: []string{"DRM.corp.example", "10.0.0.8", "fd00::8"},
		}),
		"cert": newGuard(t, webguard.Options{
			Listen: "10.0.0.7", Certificate: func() *x509.Certificate { return names },
		}),
	}
	const yes, no = 0, http.StatusMisdirectedRequest
	for _, c := range []struct {
		guard string
		want  int
		hosts string // separated by spaces; "-" is an empty host
	}{
		{"own", yes, "localhost LOCALHOST:1 localhost. localhost.:8080 foo.localhost a.b.localhost:80 localhost:"},
		{"own", yes, "127.0.0.1 127.0.0.1:8080 127.0.0.2 127.0.0.1. [::1] [::1]:8080 [::ffff:127.0.0.1]:80 [0:0::1]"},
		{"own", yes, "10.0.0.7 10.0.0.7:1 [::ffff:10.0.0.7]"}, // the address of the connection
		{"own", no, "- . : :80 evil.example evil.example:8080 localhost.evil.example localhost.. xlocalhost"},
		{"own", no, "127.0.0.1.evil.example 127.1 2130706433 0x7f.1 128.0.0.1 10.0.0.8 [::2] [fe80::8] 0.0.0.0 [::]"},
		{"own", no, "::1 [::1 ::1] [localhost] [127.0.0.1] [::1]x [::1]:x localhost:x localhost:80:80 localhost:-1"},
		{"own", no, "evil@localhost localhost@evil.example localhost/ localhost%00 localhost,evil.example"},
		{"any", yes, "0.0.0.0:8080 [::]:8080 localhost"},
		{"any", no, "evil.example 10.0.0.8"},
		{"list", yes, "hub.example HUB.EXAMPLE.:8080 drm.corp.example:443 drm.corp.example. 10.0.0.8 [fd00::8]:1"},
		{"list", no, "x.drm.corp.example corp.example drm.example 10.0.0.9 0.0.0.0 [fd00::9]"},
		{"cert", yes, "drm.example DRM.example:8443 drm.example. a.pages.example 10.0.0.9:443 10.0.0.7 localhost"},
		{"cert", no, "x.drm.example pages.example a.b.pages.example 10.0.0.8 evil.example -"},
	} {
		for host := range strings.FieldsSeq(c.hosts) {
			if host == "-" {
				host = ""
			}
			h := guards[c.guard]
			if got, _ := ask(h, "10.0.0.7", "GET", "/v1/x", host, "X-Forwarded-Host: localhost", ""); got != c.want {
				t.Errorf("%s, host %q: HTTP %d, want %d", c.guard, host, got, c.want)
			}
			for _, open := range []string{"/healthz", "/readyz", "/livez"} {
				if got, _ := ask(h, "10.0.0.7", "GET", open, host, "", ""); got != 0 {
					t.Errorf("%s, host %q: HTTP %d", open, host, got)
				}
			}
		}
	}
	if got, _ := ask(guards["own"], "fe80::7", "GET", "/", "[fe80::7%25eth0]:8080", "", ""); got != 0 {
		t.Errorf("an address with a zone: HTTP %d", got)
	}
}

func TestACertificateThatIsReplaced(t *testing.T) {
	leaf := &x509.Certificate{DNSNames: []string{"old.example"}}
	h := newGuard(t, webguard.Options{Certificate: func() *x509.Certificate { return leaf }})
	for _, step := range []struct {
		leaf  *x509.Certificate
		taken string
	}{
		{leaf, "old.example"}, {&x509.Certificate{DNSNames: []string{"new.example"}}, "new.example"}, {nil, ""},
	} {
		leaf = step.leaf
		for _, host := range []string{"old.example", "new.example"} {
			if got, _ := ask(h, "10.0.0.7", "GET", "/", host, "", ""); (got == 0) != (host == step.taken) {
				t.Errorf("%s with the certificate of %q: HTTP %d", host, step.taken, got)
			}
		}
	}
}

func TestOrigins(t *testing.T) {
	listed := []string{"https://app.example", "http://[::1]:3000"}
	h := newGuard(t, webguard.Options{Listen: "127.0.0.1", Origins: listed})
	const own, evil = "127.0.0.1:8080", "evil.example:8080"
	for _, c := range []struct {
		method, host, headers string
		want                  int
	}{
		{"POST", own, "", 0},
		{"POST", own, "Sec-Fetch-Site: cross-site", 403},
		{"POST", own, "Sec-Fetch-Site: same-site", 403},
		{"POST", own, "Sec-Fetch-Site: anything", 403},
		{"POST", own, "Sec-Fetch-Site: same-origin", 0},
		{"POST", own, "Sec-Fetch-Site: none", 0},
		{"POST", own, "Origin: https://evil.example", 403},
		{"POST", own, "Origin: https://app.example", 0},
		{"POST", own, "Origin: https://app.example; Sec-Fetch-Site: cross-site", 0},
		{"POST", own, "Origin: http://app.example", 403},
		{"POST", own, "Origin: https://app.example:8443", 403},
		{"POST", own, "Origin: https://app.example.evil.example", 403},
		{"POST", own, "Origin: https://evil.example#https://app.example", 403},
		{"PUT", own, "Origin: http://[::1]:3000", 0},
		{"PUT", own, "Origin: http://127.0.0.1:3000", 403},
		{"DELETE", own, "Origin: null", 403},
		{"BREW", own, "Origin: https://evil.example", 403},
		{"PATCH", own, "Origin: http://127.0.0.1:8080", 0},
		{"GET", own, "Sec-Fetch-Site: cross-site", 403},
		{"GET", own, "Sec-Fetch-Site: cross-site; Sec-Fetch-Mode: navigate; Sec-Fetch-Dest: document", 0},
		{"GET", own, "Sec-Fetch-Site: cross-site; Sec-Fetch-Mode: navigate; Sec-Fetch-Dest: iframe", 403},
		{"GET", own, "Sec-Fetch-Site: cross-site; Sec-Fetch-Mode: no-cors; Sec-Fetch-Dest: image", 403},
		{"HEAD", own, "Sec-Fetch-Site: same-site; Sec-Fetch-Mode: no-cors", 403},
		{"GET", own, "Sec-Fetch-Site: cross-site; Sec-Fetch-Mode: cors; Origin: https://evil.example", 403},
		{"GET", own, "Sec-Fetch-Site: cross-site; Sec-Fetch-Mode: cors; Origin: https://app.example", 0},
		{"GET", own, "Sec-Fetch-Site: same-origin; Sec-Fetch-Mode: cors", 0},
		{"GET", own, "Sec-Fetch-Site: none; Sec-Fetch-Mode: navigate; Sec-Fetch-Dest: document", 0},
		{"POST", evil, "Origin: http://evil.example:8080; Sec-Fetch-Site: same-origin", 421},
		{"GET", own, "Origin: https://evil.example", 403},
		{"GET", own, "Origin: null", 403},
		{"GET", own, "Origin: http://127.0.0.1:8080", 0},
		{"GET", own, "Origin: https://app.example", 0},
		{"POST", own, "Origin: https://evil.example; Sec-Fetch-Site: same-origin", 403},
		{"POST", own, "Origin: https://evil.example; Sec-Fetch-Site: none", 403},
		{"POST", own, "Sec-Fetch-Site: cross-site; Sec-Fetch-Mode: navigate; Sec-Fetch-Dest: document", 403},
		{"POST", evil, "Origin: https://app.example", 421},
	} {
		for _, path := range []string{"/v1/x", "/_twin/faults", "/", "/healthz"} {
			got, _ := ask(h, "127.0.0.1", c.method, path, c.host, c.headers, "")
			if got != c.want && (path != "/healthz" || c.want != 421) {
				t.Errorf("%s %s, %s: HTTP %d, want %d", c.method, path, c.headers, got, c.want)
			}
		}
	}
	if _, err := webguard.New(webguard.Options{Origins: []string{"https://app.example/"}}); err == nil {
		t.Error("a malformed origin is taken")
	}
}

func TestCORS(t *testing.T) {
	const preflight = "; Access-Control-Request-Method: POST; Access-Control-Request-Headers: content-type; " +
		"Access-Control-Request-Private-Network: true"
	const app, local = "Origin: https://app.example", "Origin: http://localhost:3000"
	const evil = "Origin: https://evil.example"
	open := newGuard(t, webguard.Options{Origins: []string{"https://app.example", "http://localhost:3000"}})
	closed := newGuard(t, webguard.Options{})
	for _, c := range []struct {
		guard                 http.Handler
		method, host, headers string
		status                int
		origin, vary          string
	}{
		{open, "OPTIONS", "localhost", app + preflight, 204, "https://app.example", "Origin"},
		{open, "OPTIONS", "localhost", local + preflight, 204, "http://localhost:3000", "Origin"},
		{open, "OPTIONS", "localhost", evil + preflight, 403, "", ""},
		{open, "OPTIONS", "localhost", "Origin: null" + preflight, 403, "", ""},
		{open, "OPTIONS", "localhost", preflight, 0, "", "Origin"},
		{open, "OPTIONS", "evil.example", app + preflight, 421, "", ""},
		{open, "OPTIONS", "localhost", app, 0, "https://app.example", "Origin"},
		{open, "GET", "localhost", app, 0, "https://app.example", "Origin"},
		{open, "POST", "localhost", app + "; Sec-Fetch-Site: cross-site", 0, "https://app.example", "Origin"},
		{open, "GET", "localhost", evil, 403, "", ""},
		{open, "POST", "localhost", evil, 403, "", ""},
		{open, "GET", "localhost", "", 0, "", "Origin"},
		{closed, "OPTIONS", "localhost", app + preflight, 403, "", ""},
		{closed, "GET", "localhost", app, 403, "", ""},
	} {
		status, h := ask(c.guard, "127.0.0.1", c.method, "/v1/x", c.host, c.headers, "")
		if status != c.status || h.Get("Access-Control-Allow-Origin") != c.origin || h.Get("Vary") != c.vary {
			t.Errorf("%s, %s: HTTP %d, %v", c.method, c.headers, status, h)
		}
		for name := range h {
			if strings.HasPrefix(name, "Access-Control-") && c.origin == "" || strings.Contains(name, "Credentials") ||
				strings.Contains(name, "Private-Network") {
				t.Errorf("%s, %s: %s", c.method, c.headers, name)
			}
		}
		for name, want := range map[string]string{
			"Access-Control-Allow-Methods": "GET, HEAD, POST, PATCH, DELETE", "Access-Control-Max-Age": "600",
			"Access-Control-Allow-Headers": "Authorization, Content-Type, Idempotency-Key, traceparent, tracestate, " +
				"X-Request-Id",
		} {
			if got := h.Get(name); got != want && status == 204 || got != "" && status != 204 {
				t.Errorf("%s, %s: %s is %q", c.method, c.headers, name, got)
			}
		}
	}
}

func TestPagesOfListedOriginsReadTheHeaders(t *testing.T) {
	guard, err := webguard.New(webguard.Options{Origins: []string{"https://app.example"}})
	if err != nil {
		t.Fatal(err)
	}
	for name, write := range map[string]func(http.ResponseWriter){
		"a status": func(w http.ResponseWriter) { w.WriteHeader(http.StatusNotFound) },
		"a body":   func(w http.ResponseWriter) { _, _ = w.Write([]byte("x")); _, _ = w.Write([]byte("y")) },
	} {
		r := httptest.NewRequest("GET", "http://localhost/", nil)
		r.Header.Set("Origin", "https://app.example")
		w := httptest.NewRecorder()
		guard.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Drmhub-Planned-Request-12", "curl")
			write(w)
			if err := http.NewResponseController(w).Flush(); err != nil {
				t.Error(err)
			}
		})).ServeHTTP(w, r)
		const want = "Drmhub-Planned-Request-12, Retry-After, WWW-Authenticate, X-Request-Id"
		if got := w.Result().Header.Get("Access-Control-Expose-Headers"); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestOnlyJSON(t *testing.T) {
	h := newGuard(t, webguard.Options{JSONBelow: "/_twin/"})
	const json, text = "Content-Type: application/json", "Content-Type: text/plain"
	for _, c := range []struct {
		call, headers, body string
		want                int
	}{
		{"POST /_twin/faults", json, "{}", 0},
		{"POST /_twin/faults", "Content-Type: Application/JSON; charset=utf-8", "{}", 0},
		{"POST /_twin/faults", "", "", 0},
		{"POST /_twin/faults", json, "", 0},
		{"POST /_twin/faults", "", "{}", 415},
		{"POST /_twin/faults", text, "{}", 415},
		{"POST /_twin/faults", text, "", 415},
		{"PUT /_twin/clock", "Content-Type: application/x-www-form-urlencoded", "", 415},
		{"DELETE /_twin/faults", "Content-Type: multipart/form-data;boundary=x", "", 415},
		{"DELETE /_twin/faults", "", "", 0},
		{"PATCH /_twin/clock", "Content-Type: application/json, text/plain", "{}", 415},
		{"PATCH /_twin/clock", json + "; " + text, "{}", 415},
		{"PATCH /_twin/clock", "Content-Type: application/json;text/plain", "{}", 415},
		{"PATCH /_twin/clock", "Content-Type: application/jsonp", "{}", 415},
		{"BREW /_twin/clock", text, "", 415},
		{"GET /_twin/faults", text, "", 0},
		{"POST /%5Ftwin/faults", text, "", 415},
		{"POST /api/sites", text, "a=1", 0}, // the vendor's own
	} {
		method, path, _ := strings.Cut(c.call, " ")
		if got, _ := ask(h, "127.0.0.1", method, path, "localhost", c.headers, c.body); got != c.want {
			t.Errorf("%s, %s, %q: HTTP %d, want %d", c.call, c.headers, c.body, got, c.want)
		}
	}
}
