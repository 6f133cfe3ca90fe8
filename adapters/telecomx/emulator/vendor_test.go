package emulator_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/drmhub/drmhub/adapters/telecomx/emulator"
	"github.com/drmhub/drmhub/adapters/twin"
	"github.com/drmhub/drmhub/adapters/twin/twintest"
)

const (
	base     = "https://api.telecomx.dk"
	mine     = emulator.DefaultCustomerID
	private  = "12345678901234567890ABCD"
	business = "aaaaaaaaaaaaaaaaaaaaaaaa"
	neither  = "bbbbbbbbbbbbbbbbbbbbbbbb"
)

// jsonType is the content type of a response.
const jsonType = "application/json; charset=utf-8"

// A reply is a response of the emulator.
type reply = twintest.Reply

// A page is a response of the list.
type page struct {
	Offset, Limit, Total int
	Accounts             []map[string]any
}

// do sends r in process.
func do(t *testing.T, e http.Handler, r *http.Request) reply {
	t.Helper()
	return twintest.Send(t, twin.Transport(e), r)
}

func request(t *testing.T, method, target, body string) *http.Request {
	t.Helper()
	r := twintest.Request(t, method, base+target, body)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	return r
}

// callAs sends a request with a token of its own. The target may have a query.
func callAs(t *testing.T, e http.Handler, token, method, target, body string) reply {
	t.Helper()
	path, query, _ := strings.Cut(target, "?")
	if query != "" {
		query = "&" + query
	}
	return do(t, e, request(t, method, path+"?token="+url.QueryEscape(token)+query, body))
}

// call is callAs with the default machine token.
func call(t *testing.T, e http.Handler, method, target, body string) reply {
	t.Helper()
	return callAs(t, e, emulator.DefaultMachineToken, method, target, body)
}

// login sends a login.
func login(t *testing.T, e http.Handler, username, password string) reply {
	t.Helper()
	body, err := json.Marshal(map[string]string{"username": username, "password": password})
	if err != nil {
		t.Fatal(err)
	}
	return do(t, e, request(t, "POST", "/auth/login", string(body)))
}

// token returns the token of a login of the default user.
func token(t *testing.T, e http.Handler) string {
	t.Helper()
	var given struct{ Token string }
	read(t, login(t, e, emulator.DefaultUsername, emulator.DefaultPassword), &given)
	if given.Token == "" {
		t.Fatal("no token")
	}
	return given.Token
}

// read decodes a response with status 200.
func read(t *testing.T, got reply, into any) {
	t.Helper()
	if got.Status != http.StatusOK || got.ContentType() != jsonType {
		t.Fatalf("%d %q %s", got.Status, got.ContentType(), got.Text)
	}
	twintest.Decode(t, got.Text, into)
}

// list reads a page of the list.
func list(t *testing.T, e http.Handler, query string) page {
	t.Helper()
	var p page
	read(t, call(t, e, "GET", "/iptv/drm?"+query, ""), &p)
	return p
}

// usernames returns those of a page.
func (p page) usernames() string {
	names := make([]string, len(p.Accounts))
	for i, a := range p.Accounts {
		names[i], _ = a["username"].(string)
	}
	return strings.Join(names, " ")
}

// fails checks a failure in the default shape.
func fails(t *testing.T, what string, got reply, status int, message string) {
	t.Helper()
	if got.Status != status || got.Text != `{"error":"`+message+`"}` || got.ContentType() != jsonType {
		t.Errorf("%s: %d %s, want %d %s", what, got.Status, got.Text, status, message)
	}
}

// works checks that a call succeeded.
func works(t *testing.T, what string, got reply) {
	t.Helper()
	if got.Status != http.StatusOK {
		t.Errorf("%s: %d %s", what, got.Status, got.Text)
	}
}

// sameJSON checks that a response means what want does.
func sameJSON(t *testing.T, what string, got reply, want string) {
	t.Helper()
	var value any
	read(t, got, &value)
	twintest.SameJSON(t, what, got.Text, want)
}

var at = twintest.At

var now = at("2026-01-02 15:04:05")

// server is an emulator in 2026 with a private customer, a business one besides the default one,
// and one with neither feature.
func server(options emulator.Options) *emulator.Emulator {
	options.Clock = twin.FrozenClock(now)
	e := emulator.New(options)
	e.PutCustomers(
		emulator.Customer{ID: private, Features: []string{"IPTVPRIVATE"}},
		emulator.Customer{ID: business, Features: []string{"VOIP", "IPTVBUSINESS"}},
		emulator.Customer{ID: neither, Features: []string{"VOIP"}},
	)
	return e
}
