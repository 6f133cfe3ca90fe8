package emulator_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/drmhub/drmhub/adapters/amino/emulator"
	"github.com/drmhub/drmhub/adapters/twin"
	"github.com/drmhub/drmhub/adapters/twin/twintest"
)

const (
	host = "https://tv.example"
	base = "/api/license/management/v4"
)

// now is the time of the twins of these tests: 2026-01-02 15:04:05 UTC.
var now = time.Unix(1_767_366_245, 0).UTC()

// A reply is a response of the emulator.
type reply struct{ twintest.Reply }

// do sends r in process.
func do(t *testing.T, e http.Handler, r *http.Request) reply {
	t.Helper()
	got := twintest.Send(t, twin.Transport(e), r)
	if media := got.ContentType(); got.Text != "" && media != "application/json" {
		t.Errorf("content type %q", media)
	}
	return reply{got}
}

func request(t *testing.T, method, target, body string) *http.Request {
	t.Helper()
	r := twintest.Request(t, method, host+target, body)
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

// code returns the code of the one error in the body. The test fails without such a body.
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

// one returns the resource of a reply with that status.
func (r reply) one(t *testing.T, status int) resource {
	t.Helper()
	var body struct{ Data resource }
	if err := json.Unmarshal([]byte(r.Text), &body); err != nil || r.Status != status {
		t.Fatalf("%d %s (%v), want status %d", r.Status, r.Text, err, status)
	}
	return body.Data
}

// list returns the resources of a reply with that status.
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

// licenseOf returns a license to issue, with attributes in JSON.
func licenseOf(user, product, attributes string) string {
	return fmt.Sprintf(`{"type":"License","attributes":{%s},"relationships":{`+
		`"user":{"data":{"type":"User","id":%q}},"product":{"data":{"type":"Product","id":%q}}}}`,
		attributes, user, product)
}

func data(content string) string { return `{"data":` + content + `}` }

// shop returns an emulator with the product "free", which costs nothing, and "paid", which recurs.
func shop(options emulator.Options) *emulator.Emulator {
	if options.Clock == nil {
		options.Clock = twin.FrozenClock(now)
	}
	e := emulator.New(options)
	e.PutProducts(
		emulator.Product{ID: "free", Name: "Free <TV>", Visible: true},
		emulator.Product{
			ID: "paid", Name: "Paid", Description: "All", Buyable: true, Visible: true, Recurring: true,
			PriceAmount: 999, PriceCurrency: "EUR",
		},
	)
	return e
}

// effects returns the kinds and keys of the ledger's effects.
func effects(e *emulator.Emulator) string { return twintest.Effects(e.Ledger()) }
