package upstream_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/secret"
	"github.com/drmhub/drmhub/adapters/upstream"
)

// The client signs each attempt, and repeats a read after a failure that may pass. The vendor's
// errors are mapped, and the secrets that they quote are redacted.
func ExampleNew() {
	key, attempts := secret.New("s3cret-key"), 0
	vendor := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		attempts++
		switch {
		case attempts == 1:
			w.WriteHeader(http.StatusServiceUnavailable)
		case r.URL.Path == "/sites/a/b":
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprint(w, `{"name":"first"}`)
		default:
			w.WriteHeader(http.StatusNotFound)
			fmt.Fprint(w, "nothing here for "+r.Header.Get("Authorization"))
		}
	}))
	defer vendor.Close()

	client, err := upstream.New(upstream.Options{
		VendorName: "Acme",
		BaseURL:    vendor.URL,
		Sign: func(_ context.Context, r *http.Request) error {
			r.Header.Set("Authorization", key.Reveal())
			return nil
		},
		Secrets: func() []secret.Text { return []secret.Text{key} },
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()

	var site struct {
		Name string `json:"name"`
	}
	_, err = client.Read(context.Background(), upstream.Request{Path: upstream.Path("sites", "a/b")}, &site)
	fmt.Println(site.Name, err, attempts)
	_, err = client.Read(context.Background(), upstream.Request{Path: upstream.Path("sites", "c")}, &site)
	fmt.Println(err)
	fmt.Println(apierror.Convert(err).Metadata[apierror.VendorMessage])
	// Output:
	// first <nil> 2
	// Acme has no such resource (GET /sites/c, HTTP 404)
	// nothing here for [redacted]
}
