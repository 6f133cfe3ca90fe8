package gateway_test

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/drmhub/drmhub/server/internal/gateway"
)

func TestOpenAPIDocument(t *testing.T) {
	s := backend{}.serve(t)
	r := send(t, s, "GET", "/openapi.json", "")
	etag := r.Header.Get("ETag")
	if r.text != `{"openapi":"3.0.3"}` || r.Header.Get("Content-Type") != "application/json" || len(etag) < 10 {
		t.Errorf("%v %s", r.Header, r.text)
	}
	for _, c := range []struct {
		method, known string
		status, size  int
	}{
		{"GET", etag, http.StatusNotModified, 0},
		{"GET", `"other"`, http.StatusOK, len(r.text)},
		{"HEAD", "", http.StatusOK, 0},
		{"GET", "*", http.StatusNotModified, 0},
		{"GET", strings.TrimPrefix(etag, "W/"), http.StatusNotModified, 0},
		{"GET", `"other", ` + etag, http.StatusNotModified, 0},
	} {
		r := send(t, s, c.method, "/openapi.json", "", "If-None-Match: "+c.known)
		if r.StatusCode != c.status || r.Header.Get("ETag") != etag || len(r.text) != c.size {
			t.Errorf("%s, with %s known: HTTP %d, %v, %q", c.method, c.known, r.StatusCode, r.Header, r.text)
		}
	}
}

func TestDocsPageNeedsNoOtherHost(t *testing.T) {
	s := backend{}.serve(t)
	r := send(t, s, "GET", "/", "")
	if r.StatusCode != http.StatusFound || r.Header.Get("Location") != "/docs" {
		t.Errorf("/: HTTP %d, %q", r.StatusCode, r.Header.Get("Location"))
	}
	for _, path := range []string{"/docs", "/docs/"} {
		page := send(t, s, "GET", path, "")
		if page.StatusCode != http.StatusOK || !strings.HasPrefix(page.Header.Get("Content-Type"), "text/html") ||
			!strings.Contains(page.text, `"/openapi.json"`) || !strings.Contains(page.text, "validatorUrl: null") ||
			!strings.Contains(page.text, `<title>drmhub</title>`) || !strings.Contains(page.text, "filter: true") ||
			!strings.Contains(page.text, "opsFilter: (services, words)") {
			t.Fatalf("%s: HTTP %d: %s", path, page.StatusCode, page.text)
		}
		if !strings.Contains(page.Header.Get("Content-Security-Policy"), "default-src 'self'") {
			t.Errorf("policy %q", page.Header.Get("Content-Security-Policy"))
		}
		assets := regexp.MustCompile(`(?:src|href)="([^"]*)"`).FindAllStringSubmatch(page.text, -1)
		if len(assets) < 4 {
			t.Errorf("only %d assets", len(assets))
		}
		for _, a := range assets {
			if !strings.HasPrefix(a[1], "/docs/") {
				t.Errorf("the page loads %s", a[1])
				continue
			}
			r := send(t, s, "GET", a[1], "")
			if r.StatusCode != http.StatusOK || len(r.text) < 500 ||
				r.Header.Get("X-Content-Type-Options") != "nosniff" ||
				strings.HasPrefix(r.Header.Get("Content-Type"), "text/plain") {
				t.Errorf("%s: HTTP %d, %d bytes, %v", a[1], r.StatusCode, len(r.text), r.Header)
			}
		}
		for _, url := range regexp.MustCompile(`https?://[a-z][^"'\s]*`).FindAllString(page.text, -1) {
			t.Errorf("the page names %s", url)
		}
	}
}

func TestWebPagesAreKeptOut(t *testing.T) {
	s := backend{}.serve(t)
	const disable = "/v1/vendors/v/sites/s:disable"
	r := send(t, s, "POST", disable, "", "Sec-Fetch-Site: cross-site", "Origin: https://evil.example")
	r.failed(t, http.StatusForbidden, "PERMISSION_DENIED", "REQUEST_INVALID")
	if r := send(t, s, "POST", disable, ""); r.StatusCode != http.StatusOK {
		t.Errorf("a program: HTTP %d %s", r.StatusCode, r.text)
	}
	to, err := http.NewRequestWithContext(t.Context(), "GET", s.URL+"/docs", nil)
	if err != nil {
		t.Fatal(err)
	}
	to.Host = "evil.example"
	res, err := s.Client().Do(to)
	if err != nil {
		t.Fatal(err)
	}
	if res.Body.Close(); res.StatusCode != http.StatusMisdirectedRequest {
		t.Errorf("another host: HTTP %d", res.StatusCode)
	}
}

func TestHealth(t *testing.T) {
	ready := false
	s := httptest.NewServer(backend{}.handler(t, gateway.Options{Ready: func() bool { return ready }}))
	t.Cleanup(s.Close)
	r := send(t, s, "GET", "/readyz", "")
	if r.StatusCode != http.StatusServiceUnavailable || parseFailure(t, r.text).Status != "UNAVAILABLE" {
		t.Errorf("not ready: HTTP %d %s", r.StatusCode, r.text)
	}
	alive, live := send(t, s, "GET", "/healthz", ""), send(t, s, "GET", "/livez", "")
	ready = true
	for state, r := range map[string]reply{
		"alive": alive, "live": live, "ready": send(t, s, "GET", "/readyz", ""),
		"always ready": send(t, backend{}.serve(t), "GET", "/readyz", ""),
	} {
		if r.StatusCode != http.StatusOK || strings.TrimSpace(r.text) != `{"status":"ok"}` {
			t.Errorf("%s: HTTP %d %s", state, r.StatusCode, r.text)
		}
	}
}
