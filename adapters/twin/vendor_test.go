package twin_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/drmhub/drmhub/adapters/twin"
	"github.com/drmhub/drmhub/adapters/twin/twintest"
)

const realBody = `{"rows":[1,2,3,4,5,6,7,8]}`

// now is the time of a frozen clock.
var now = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// newTwin returns a twin of a vendor that responds to each request with realBody, or to /echo with
// the request's body. A POST is an effect.
func newTwin(options twin.Options) *twin.Twin {
	var t *twin.Twin
	t = twin.New(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		response := realBody
		if r.Method == http.MethodPost {
			body, _ := io.ReadAll(r.Body)
			t.Ledger().Record(r.Context(), "created", string(body), map[string]string{"path": r.URL.Path})
			if r.URL.Path == "/echo" {
				response = string(body)
			}
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("X-Vendor", "yes")
		_, _ = io.WriteString(w, response)
	}), options)
	return t
}

// A session is a client of a twin.
type session struct {
	*twin.Twin
	client *http.Client
	base   string
}

// onBothTransports runs test over TCP and in process. Each request has a new connection, because
// net/http repeats a GET that is cut on a reused one.
func onBothTransports(t *testing.T, options twin.Options, test func(t *testing.T, s session)) {
	t.Helper()
	t.Run("tcp", func(t *testing.T) {
		tw := newTwin(options)
		server := httptest.NewServer(tw)
		t.Cleanup(server.Close)
		client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
		test(t, session{tw, client, server.URL})
	})
	t.Run("in process", func(t *testing.T) {
		tw := newTwin(options)
		test(t, session{tw, &http.Client{Transport: twin.Transport(tw)}, "http://vendor.example"})
	})
}

var newRequest = twintest.Request

// call sends a request and reads the response. It returns the errors of both.
func call(
	t *testing.T, client *http.Client, method, url, body string,
) (res *http.Response, read string, callErr, readErr error) {
	t.Helper()
	res, callErr = client.Do(newRequest(t, method, url, body))
	if callErr != nil {
		return nil, "", callErr, nil
	}
	defer res.Body.Close()
	all, readErr := io.ReadAll(res.Body)
	return res, string(all), nil, readErr
}

// mustCall is call without errors.
func mustCall(t *testing.T, client *http.Client, method, url, body string) (*http.Response, string) {
	t.Helper()
	res, read, callErr, readErr := call(t, client, method, url, body)
	if callErr != nil || readErr != nil {
		t.Fatalf("%s %s: %v, %v", method, url, callErr, readErr)
	}
	return res, read
}
