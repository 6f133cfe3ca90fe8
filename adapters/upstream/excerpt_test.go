package upstream_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/secret"
	"github.com/drmhub/drmhub/adapters/upstream"
)

// TestAPageFullOfTokensShowsNoPartOfOne cuts the vendor's page somewhere amid a token, wherever
// that is.
func TestAPageFullOfTokensShowsNoPartOfOne(t *testing.T) {
	for _, status := range []int{200, 400, 403} {
		for length := 61; length < 400; length += 67 {
			token := "t0ken" + strings.Repeat("x", length)
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "text/html")
				w.WriteHeader(status)
				_, _ = w.Write([]byte(strings.Repeat(token, 1000)))
			}))
			client, err := upstream.New(upstream.Options{BaseURL: server.URL, Secrets: func() []secret.Text { return []secret.Text{secret.New(token)} }})
			if err != nil {
				t.Fatal(err)
			}
			_, err = client.Read(t.Context(), upstream.Request{Path: "/page"}, &struct{}{})
			e := apierror.Convert(err)
			if err == nil || strings.Contains(e.Message+e.Metadata[apierror.VendorMessage], "t0ken") {
				t.Errorf("HTTP %d, tokens of %d: %s, %v", status, len(token), e.Message, e.Metadata)
			}
			client.Close()
			server.Close()
		}
	}
}
