package gateway_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/auth"
	"github.com/drmhub/drmhub/server/internal/console"
	"github.com/drmhub/drmhub/server/internal/gateway"
)

func TestTheFilesOfTheConsole(t *testing.T) {
	s := backend{}.serve(t)
	for name, file := range console.Files() {
		path, caching := console.Root+name, "no-cache"
		if strings.HasPrefix(name, "assets/") {
			caching = "public, max-age=31536000, immutable"
		}
		tags := map[string]string{}
		for _, coding := range []string{"", "gzip", "gzip;q=0", "br"} {
			r := send(t, s, "GET", path, "", "Accept-Encoding: "+coding)
			if r.StatusCode != http.StatusOK || r.unpacked(t) != string(file.Content) {
				t.Errorf("%s: HTTP %d, %d bytes of %d", path, r.StatusCode, len(r.unpacked(t)), len(file.Content))
			}
			got := r.Header.Get("Content-Encoding")
			if got != "" && (coding != "gzip" || len(r.text) >= len(file.Content)) {
				t.Errorf("%s with %q: coding %q, %d bytes of %d", path, coding, got, len(r.text), len(file.Content))
			}
			for header, want := range map[string]string{
				"Content-Type": file.Type, "Cache-Control": caching, "X-Content-Type-Options": "nosniff",
				"Referrer-Policy": "no-referrer", "Vary": "Accept-Encoding",
			} {
				if got := r.Header.Values(header); !slices.Contains(got, want) {
					t.Errorf("%s: %s: %q, want %q", path, header, got, want)
				}
			}
			if !strings.HasPrefix(r.Header.Get("Content-Security-Policy"), "default-src 'none'; script-src 'self';") {
				t.Errorf("%s: policy %q", path, r.Header.Get("Content-Security-Policy"))
			}
			tag := r.Header.Get("ETag")
			if !strings.HasPrefix(tag, `"`) || tags[tag] != "" && tags[tag] != "coding "+got {
				t.Errorf("%s: the tag %s is that of %s, too", path, tag, tags[tag])
			}
			tags[tag] = "coding " + got
			known := send(t, s, "GET", path, "", "Accept-Encoding: "+coding, "If-None-Match: \"x\", W/"+tag)
			if known.StatusCode != http.StatusNotModified || known.text != "" || known.Header.Get("ETag") != tag ||
				known.Header.Get("Cache-Control") != caching {
				t.Errorf("%s is known: HTTP %d, %v", path, known.StatusCode, known.Header)
			}
		}
	}
}

func TestTheAddressesOfTheConsole(t *testing.T) {
	s := backend{}.serve(t)
	document := string(console.Files()["index.html"].Content)
	for _, path := range []string{
		"/console/", "/console/index.html", "/console/failures", "/console/failures?vendor=a&x=%22", "/console/login/",
		"/console/sites/pallycon/DEMO", "/console/viewers/a.b%2Fc%20%22x.js", "/console/viewers/%ED%95%9C",
		"/console/x/../y", "/console/mutations/0193-a", "/console//", "/console/?login=failed", "/console/assets",
	} {
		r := send(t, s, "GET", path, "")
		if r.StatusCode != http.StatusOK || r.text != document || r.Header.Get("Cache-Control") != "no-cache" {
			t.Errorf("%s: HTTP %d %s", path, r.StatusCode, r.text)
		}
	}
	for path, to := range map[string]string{"/console": "/console/", "/console?a=%2F&b": "/console/?a=%2F&b"} {
		r := send(t, s, "GET", path, "")
		if r.StatusCode != http.StatusPermanentRedirect || r.Header.Get("Location") != to {
			t.Errorf("%s: HTTP %d to %s", path, r.StatusCode, r.Header.Get("Location"))
		}
	}
	for _, path := range []string{
		"/console/assets/", "/console/assets/index-00000000.js", "/console/assets/../index.html", "/console/%61ssets/x",
		"/consoles", "/console%2Fx", "/Console/", "/v1/console/",
	} {
		send(t, s, "GET", path, "").failed(t, http.StatusNotFound, "NOT_FOUND", "METHOD_UNKNOWN")
	}
	for _, path := range []string{"/console", "/console/", "/console/failures", "/console/assets/x.js"} {
		for _, method := range []string{"POST", "PUT", "DELETE", "OPTIONS"} {
			r := send(t, s, method, path, "")
			r.failed(t, http.StatusMethodNotAllowed, "UNIMPLEMENTED", "METHOD_UNKNOWN")
			if r.Header.Get("Allow") != "GET, HEAD" {
				t.Errorf("%s %s: Allow %q", method, path, r.Header.Get("Allow"))
			}
		}
	}
}

// TestWhoMayLoadTheConsole loads it where every other page needs an identity, and from pages of
// other origins.
func TestWhoMayLoadTheConsole(t *testing.T) {
	s := httptest.NewServer(backend{}.handler(t, gateway.Options{
		PrivateDocs: func() bool { return true },
		Identify: func(context.Context, string) (*auth.Caller, error) {
			return nil, apierror.New(codes.Unauthenticated, pb.ErrorReason_TOKEN_INVALID, "who are you?")
		},
	}))
	t.Cleanup(s.Close)
	for name := range console.Files() {
		for path, want := range map[string]int{
			"/docs": 401, "/v1/vendors": 401, console.Root + name: 200, console.Root: 200,
		} {
			if r := send(t, s, "GET", path, ""); r.StatusCode != want {
				t.Errorf("%s: HTTP %d", path, r.StatusCode)
			}
		}
	}
	const link = "Sec-Fetch-Site: cross-site; Sec-Fetch-Mode: navigate; Sec-Fetch-Dest: "
	for headers, want := range map[string]int{
		"Sec-Fetch-Site: same-origin": 200, "Sec-Fetch-Site: none": 200, link + "document": 200, link + "iframe": 403,
		"Sec-Fetch-Site: cross-site": 403, "Origin: https://evil.example": 403, "Sec-Fetch-Site: same-site": 403,
	} {
		r := send(t, s, "GET", "/console/failures", "", strings.Split(headers, "; ")...)
		if r.StatusCode != want || slices.Contains(r.Header.Values("Access-Control-Allow-Origin"), "*") {
			t.Errorf("%s: HTTP %d", headers, r.StatusCode)
		}
	}
}
