package emulator_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/drmhub/drmhub/adapters/amino/emulator"
	"github.com/drmhub/drmhub/adapters/twin"
)

const (
	host = "https://tv.example"
	base = "/api/license/management/v4"
)

// now is when the twins of these tests stand: 2026-01-02 15:04:05 UTC.
var now = time.Unix(1_767_366_245, 0).UTC()

// reply is what the emulator answered.
type reply struct {
	Status int
	Header http.Header
	Text   string
}

// do sends r in process.
func do(t *testing.T, e http.Handler, r *http.Request) reply {
	t.Helper()
	res, err := twin.Transport(e).RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	if got := res.Header.Get("Content-Type"); len(text) > 0 && got != "application/json" {
		t.Errorf("content type %q", got)
	}
	return reply{res.StatusCode, res.Header, string(text)}
}

func request(t *testing.T, method, target, body string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, host+target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Apikey "+emulator.DefaultAPIKey)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	return r
}

// call sends a request below the vendor's base path.
func call(t *testing.T, e http.Handler, method, path, body string) reply {
	t.Helper()
	return do(t, e, request(t, method, base+path, body))
}

// code is the code of the one error that a failure has; it fails where the body is not of that
// form.
func (r reply) code(t *testing.T) string {
	t.Helper()
	var body struct {
		Errors []struct{ Status, Code, Title, Detail string } `json:"errors"`
	}
	if err := json.Unmarshal([]byte(r.Text), &body); err != nil || len(body.Errors) != 1 {
		t.Fatalf("no error body (%v): %d %s", err, r.Status, r.Text)
	}
	one := body.Errors[0]
	if one.Status != fmt.Sprint(r.Status) || one.Title == "" || one.Detail == "" {
		t.Errorf("%d %s", r.Status, r.Text)
	}
	return one.Code
}

// refused checks that a request was refused with that status and code.
func (r reply) refused(t *testing.T, what string, status int, code string) {
	t.Helper()
	if r.Status != status {
		t.Errorf("%s: %d %s, want %d %s", what, r.Status, r.Text, status, code)
	} else if got := r.code(t); got != code {
		t.Errorf("%s: %s, want %s", what, r.Text, code)
	}
}

// resource is a resource as a stranger reads it.
type resource struct {
	ID, Type      string
	Attributes    map[string]any
	Relationships map[string]struct{ Data struct{ ID, Type string } }
}

// one is the resource of an answer with that status.
func (r reply) one(t *testing.T, status int) resource {
	t.Helper()
	var body struct{ Data resource }
	if err := json.Unmarshal([]byte(r.Text), &body); err != nil || r.Status != status {
		t.Fatalf("%d %s (%v), want status %d", r.Status, r.Text, err, status)
	}
	return body.Data
}

// list are the resources of an answer with that status.
func (r reply) list(t *testing.T, status int) []resource {
	t.Helper()
	var body struct{ Data []resource }
	if err := json.Unmarshal([]byte(r.Text), &body); err != nil || r.Status != status || body.Data == nil {
		t.Fatalf("%d %s (%v), want status %d", r.Status, r.Text, err, status)
	}
	return body.Data
}

func ids(rows []resource) string {
	var all []string
	for _, row := range rows {
		all = append(all, row.ID)
	}
	return strings.Join(all, " ")
}

// licenseOf is a license to issue, with attributes in JSON.
func licenseOf(user, product, attributes string) string {
	return fmt.Sprintf(`{"type":"License","attributes":{%s},"relationships":{"user":{"data":{"type":"User","id":%q}},"product":{"data":{"type":"Product","id":%q}}}}`,
		attributes, user, product)
}

func data(content string) string { return `{"data":` + content + `}` }

// shop is an emulator with the product "free", which costs nothing, and "paid", which is recurring.
func shop(options emulator.Options) *emulator.Emulator {
	if options.Clock == nil {
		options.Clock = twin.FrozenClock(now)
	}
	e := emulator.New(options)
	e.PutProducts(
		emulator.Product{ID: "free", Name: "Free <TV>", Visible: true},
		emulator.Product{ID: "paid", Name: "Paid", Description: "All", Buyable: true, Visible: true, Recurring: true, PriceAmount: 999, PriceCurrency: "EUR"},
	)
	return e
}

// effects are the kinds and keys of what the ledger shows.
func effects(e *emulator.Emulator) string {
	var all []string
	for _, effect := range e.Ledger().Effects() {
		all = append(all, effect.Kind+" "+effect.Key)
	}
	return strings.Join(all, ", ")
}
