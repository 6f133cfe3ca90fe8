package webguard_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/drmhub/drmhub/server/internal/webguard"
)

func TestRequests(t *testing.T) {
	const own, evil = "127.0.0.1:8080", "evil.example:8080"
	for _, c := range []struct {
		method, path, host string
		headers            string // "Name: value" separated by ", "
		any                bool   // the guard takes any host
		want               int
	}{
		{"POST", "/v1/x", own, "", false, 0},
		{"POST", "/v1/x", own, "Sec-Fetch-Site: cross-site", false, 403},
		{"POST", "/v1/x", own, "Sec-Fetch-Site: same-site", true, 403},
		{"POST", "/v1/x", own, "Sec-Fetch-Site: same-origin", false, 0},
		{"POST", "/v1/x", own, "Sec-Fetch-Site: none", false, 0},
		{"POST", "/v1/x", own, "Origin: https://evil.example", false, 403},
		{"DELETE", "/v1/x", own, "Origin: null", true, 403},
		{"PATCH", "/v1/x", own, "Origin: http://127.0.0.1:8080", false, 0},
		{"GET", "/v1/x", own, "Sec-Fetch-Site: cross-site", false, 0},
		{"GET", "/v1/x", evil, "", false, 421},
		{"GET", "/v1/x", evil, "", true, 0},
		{"POST", "/v1/x", evil, "Origin: http://evil.example:8080, Sec-Fetch-Site: same-origin", false, 421},
		{"GET", "/v1/x", "localhost", "", false, 0},
		{"GET", "/v1/x", "LOCALHOST:1", "", false, 0},
		{"GET", "/v1/x", "[::1]:8080", "", false, 0},
		{"GET", "/v1/x", "[::1]", "", false, 0},
		{"GET", "/v1/x", "10.0.0.7:8080", "", false, 0}, // the address of the connection
		{"GET", "/v1/x", "10.0.0.8:8080", "", false, 421},
		{"GET", "/v1/x", "localhost.evil.example", "", false, 421},
		{"GET", "/v1/x", "drm.corp.example:443", "", false, 0},
		{"GET", "/v1/x", "x.drm.corp.example", "", false, 421},
		{"GET", "/v1/x", "", "", false, 421},
		{"GET", "/", evil, "", false, 421},
		{"GET", "/readyz", evil, "", false, 0},
		{"GET", "/healthz", evil, "", false, 0},
		{"GET", "/livez", evil, "", false, 0},
		{"GET", "/_twin/requests", evil, "", false, 421},
	} {
		guard := webguard.New("DRM.corp.example")
		if c.any {
			guard = webguard.ForAnyHost()
		}
		r := httptest.NewRequest(c.method, c.path, nil)
		r.Host = c.host
		for header := range strings.SplitSeq(c.headers, ", ") {
			name, value, _ := strings.Cut(header, ": ")
			r.Header.Set(name, value)
		}
		local := &net.TCPAddr{IP: net.IPv4(10, 0, 0, 7), Port: 8080}
		r = r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, local))
		status, problem := guard.Check(r)
		if status != c.want || (status == 0) != (problem == "") {
			t.Errorf("%+v: %d %q", c, status, problem)
		}
		w := httptest.NewRecorder()
		guard.Handler(http.NotFoundHandler()).ServeHTTP(w, r)
		if want := map[int]int{0: 404}[c.want] + c.want; w.Code != want {
			t.Errorf("%+v: the handler returns %d", c, w.Code)
		}
	}
}
