// Package twintest has what the tests of all emulators share. It knows no vendor, and uses only the
// standard library and package twin.
package twintest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/drmhub/drmhub/adapters/twin"
)

// A Reply is the response to a request.
type Reply struct {
	Status int
	Header http.Header
	Text   string
}

// ContentType returns the header Content-Type.
func (r Reply) ContentType() string { return r.Header.Get("Content-Type") }

// Request returns a request.
func Request(t testing.TB, method, url, body string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Send sends a request over transport.
func Send(t testing.TB, transport http.RoundTripper, r *http.Request) Reply {
	t.Helper()
	res, err := transport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return Reply{res.StatusCode, res.Header, string(text)}
}

// Serve gives a request to handler without a transport.
func Serve(handler http.Handler, r *http.Request) Reply {
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	return Reply{w.Code, w.Header(), w.Body.String()}
}

// Admin makes an admin call. path is the path below /_twin/.
func Admin(t testing.TB, handler http.Handler, method, path, body string) Reply {
	t.Helper()
	return Serve(handler, Request(t, method, "https://vendor.example/_twin/"+path, body))
}

// Decode decodes a JSON text, which must be valid.
func Decode(t testing.TB, text string, into any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), into); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
}

// SameJSON checks that two JSON texts have the same meaning.
func SameJSON(t testing.TB, what, got, want string) {
	t.Helper()
	var a, b any
	Decode(t, got, &a)
	Decode(t, want, &b)
	if !reflect.DeepEqual(a, b) {
		t.Errorf("%s:\ngot  %s\nwant %s", what, got, want)
	}
}

// Within checks that a count is from low to high.
func Within(t testing.TB, what string, got, low, high int) {
	t.Helper()
	if got < low || got > high {
		t.Errorf("%d %s, want %d to %d", got, what, low, high)
	}
}

// WantPanic checks that f panics with a text that contains want.
func WantPanic(t testing.TB, what, want string, f func()) {
	t.Helper()
	defer func() {
		t.Helper()
		if p := recover(); p == nil || !strings.Contains(fmt.Sprint(p), want) {
			t.Errorf("%s: panic %v, want one with %q", what, p, want)
		}
	}()
	f()
}

// At returns an instant of the form 2026-01-02 15:04:05, in UTC.
func At(text string) time.Time {
	t, err := time.Parse(time.DateTime, text)
	if err != nil {
		panic(err)
	}
	return t
}

// Effects returns the kinds and keys of a ledger's effects.
func Effects(ledger *twin.Ledger) string {
	var all []string
	for _, effect := range ledger.Effects() {
		all = append(all, effect.Kind+" "+effect.Key)
	}
	return strings.Join(all, ", ")
}

// LedgerHides checks that a ledger contains the text shown and none of the secrets.
func LedgerHides(t testing.TB, ledger *twin.Ledger, shown string, secrets ...string) {
	t.Helper()
	held, err := json.Marshal([]any{ledger.Requests(), ledger.Effects()})
	if err != nil || !strings.Contains(string(held), shown) {
		t.Fatalf("the ledger lacks %q: %v %s", shown, err, held)
	}
	for _, secret := range secrets {
		if strings.Contains(string(held), secret) {
			t.Errorf("the ledger holds %q: %s", secret, held)
		}
	}
}

// EndlessRows orders a FaultEndless of a twin, skips the JSON tokens before the rows, and checks
// many rows over TCP.
func EndlessRows[Row any](t *testing.T, vendor http.Handler, faults *twin.Faults, tokens int, good func(Row) bool) {
	t.Helper()
	faults.Add(twin.Fault{Kind: twin.FaultEndless})
	server := httptest.NewServer(vendor)
	defer server.Close()
	res, err := server.Client().Do(Request(t, http.MethodGet, server.URL, ""))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	decoder := json.NewDecoder(res.Body)
	for range tokens {
		if _, err := decoder.Token(); err != nil {
			t.Fatal(err)
		}
	}
	for range 1000 {
		var row Row
		if err := decoder.Decode(&row); err != nil || !good(row) || !decoder.More() {
			t.Fatalf("row %v, error %v", row, err)
		}
	}
}
