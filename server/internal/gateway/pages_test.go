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
	if r := send(t, s, "GET", "/openapi.json", "", "If-None-Match: "+etag); r.StatusCode != http.StatusNotModified || r.text != "" {
		t.Errorf("known already: HTTP %d %q", r.StatusCode, r.text)
	}
	if r := send(t, s, "GET", "/openapi.json", "", `If-None-Match: "other"`); r.StatusCode != http.StatusOK {
		t.Errorf("another known: HTTP %d", r.StatusCode)
	}
	if r := send(t, s, "HEAD", "/openapi.json", ""); r.StatusCode != http.StatusOK || r.Header.Get("ETag") != etag || r.text != "" {
		t.Errorf("HEAD: HTTP %d %v", r.StatusCode, r.Header)
	}
}

func TestDocsPageNeedsNoOtherHost(t *testing.T) {
	s := backend{}.serve(t)
	if r := send(t, s, "GET", "/", ""); r.StatusCode != http.StatusFound || r.Header.Get("Location") != "/docs" {
		t.Errorf("/: HTTP %d, %q", r.StatusCode, r.Header.Get("Location"))
	}
	for _, path := range []string{"/docs", "/docs/"} {
		page := send(t, s, "GET", path, "")
		if page.StatusCode != http.StatusOK || !strings.HasPrefix(page.Header.Get("Content-Type"), "text/html") || !strings.Contains(page.text, `"/openapi.json"`) {
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
			if r := send(t, s, "GET", a[1], ""); r.StatusCode != http.StatusOK || len(r.text) < 500 || r.Header.Get("X-Content-Type-Options") != "nosniff" ||
				strings.HasPrefix(r.Header.Get("Content-Type"), "text/plain") {
				t.Errorf("%s: HTTP %d, %d bytes, %v", a[1], r.StatusCode, len(r.text), r.Header)
			}
		}
		for _, url := range regexp.MustCompile(`https?://[a-z][^"'\s]*`).FindAllString(page.text, -1) {
			t.Errorf("the page names %s", url)
		}
		if !regexp.MustCompile(`validatorUrl: null`).MatchString(page.text) {
			t.Error("the page may ask a validator elsewhere")
		}
	}
}

func TestHealth(t *testing.T) {
	ready := false
	s := httptest.NewServer(backend{}.handler(t, gateway.Options{Ready: func() bool { return ready }}))
	t.Cleanup(s.Close)
	if r := send(t, s, "GET", "/healthz", ""); r.StatusCode != http.StatusOK || strings.TrimSpace(r.text) != `{"status":"ok"}` {
		t.Errorf("healthz: HTTP %d %s", r.StatusCode, r.text)
	}
	r := send(t, s, "GET", "/readyz", "")
	if r.StatusCode != http.StatusServiceUnavailable || parseFailure(t, r.text).Status != "UNAVAILABLE" {
		t.Errorf("not ready: HTTP %d %s", r.StatusCode, r.text)
	}
	ready = true
	if r := send(t, s, "GET", "/readyz", ""); r.StatusCode != http.StatusOK || strings.TrimSpace(r.text) != `{"status":"ok"}` {
		t.Errorf("ready: HTTP %d %s", r.StatusCode, r.text)
	}
	if r := send(t, backend{}.serve(t), "GET", "/readyz", ""); r.StatusCode != http.StatusOK {
		t.Errorf("without a say: HTTP %d", r.StatusCode)
	}
}

func TestPagesAreOnlyRead(t *testing.T) {
	s := backend{}.serve(t)
	for _, path := range []string{"/", "/docs", "/docs/swagger-ui.css", "/openapi.json", "/healthz", "/readyz"} {
		r := send(t, s, "POST", path, "{}")
		r.failed(t, http.StatusMethodNotAllowed, "UNIMPLEMENTED", "METHOD_UNKNOWN")
		if r.Header.Get("Allow") != "GET, HEAD" {
			t.Errorf("%s: Allow %q", path, r.Header.Get("Allow"))
		}
	}
}
