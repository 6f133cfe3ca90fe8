package telecomx_test

import (
	"context"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/adaptertest"
	"github.com/drmhub/drmhub/adapters/adaptertest/wiretest"
	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/mutation"
	"github.com/drmhub/drmhub/adapters/secret"
	"github.com/drmhub/drmhub/adapters/telecomx"
	"github.com/drmhub/drmhub/adapters/twin"
	"github.com/drmhub/drmhub/adapters/upstream"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// The calls that the adapter makes.
const (
	postLogin    = "POST /auth/login"
	getAccounts  = "GET /iptv/drm"
	getDonald    = "GET /iptv/drm/donald@duck.com"
	postAccount  = "POST /iptv/drm"
	deleteDevice = "DELETE /iptv/device/12345678901234567890AAAA"
)

// What the tests of this package call things.
const (
	own     = "5f0c9a417be2d86630a1c4f8"
	another = "12345678901234567890ABCD"
	donald  = "vendors/acme/drmAccounts/donald@duck.com"
	iphone  = donald + "/devices/12345678901234567890AAAA"

	loggedIn = `{"token":"the-first-token","expiresInMinutes":15,"customer":"` + own +
		`","accessLevel":"MANAGER","name":"Ops"}`
	none = `{"offset":0,"limit":100,"total":0}`
)

// config is the user that the tests of this package log in as.
func config() telecomx.Config {
	c := telecomx.NewConfig()
	c.BaseURL, c.Username, c.Password = "http://telecomx.invalid", "ops", secret.New("the-password")
	return *c
}

// machine is config with a machine token.
func machine() telecomx.Config {
	c := telecomx.NewConfig()
	c.BaseURL, c.Token = "http://telecomx.invalid", secret.New("the-machine-token")
	return *c
}

type (
	reply   = wiretest.Reply
	replies = map[string][]reply
	outcome = wiretest.Outcome
)

var (
	cut     = wiretest.Cut
	respond = wiretest.Says
	same    = wiretest.Same

	exists   = outcome{Code: codes.AlreadyExists, Reason: pb.ErrorReason_VENDOR_ALREADY_EXISTS}
	deadline = outcome{Code: codes.DeadlineExceeded, Reason: pb.ErrorReason_DEADLINE_PASSED}
)

// want demands an error of this outcome whose message contains says.
func want(t *testing.T, what string, err error, o outcome, says ...string) *apierror.Error {
	t.Helper()
	e := adaptertest.WantError(t, what, err, o.Code, o.Reason)
	for _, text := range says {
		if !strings.Contains(e.Message, text) {
			t.Errorf("%s: the error says %q, want %q", what, e.Message, text)
		}
	}
	return e
}

var (
	unknownID = respond(404, `{"error":"id"}`)
	// made is the response to the creation of Donald.
	made = ok(`{"username":"donald@duck.com","password":"vgh38gy3uvhebv","created":"2016-01-01T00:00:00.000Z"}`)[0]
)

// serve returns an adapter to a vendor that gives these replies. A login succeeds unless they
// include one.
func serve(t *testing.T, c telecomx.Config, some replies) (*telecomx.Adapter, *wiretest.Server) {
	t.Helper()
	all := replies{postLogin: ok(loggedIn)}
	maps.Copy(all, some)
	vendor := wiretest.NewServer(t, all)
	return adapterTo(t, c, twin.Transport(vendor)), vendor
}

// ok returns one reply with this body.
func ok(body string) []reply { return []reply{wiretest.OK(body)} }

// adapterTo returns an adapter with places for many calls at once, since they wait for one login.
func adapterTo(t testing.TB, c telecomx.Config, transport http.RoundTripper) *telecomx.Adapter {
	t.Helper()
	wide := upstream.NewAccount("acme")
	wide.Configure(upstream.Lane{Reads: 1000, Writes: 1000, Timeout: 30 * time.Second}, upstream.Breaker{})
	adapter, err := telecomx.New("acme", c, upstream.Connection{Account: wide, Transport: transport})
	if err != nil {
		t.Fatal(err)
	}
	return adapter
}

// wantQuery demands this token and this rest of the query.
func wantQuery(t *testing.T, c wiretest.Request, token, want string) {
	t.Helper()
	if got := c.Query["token"]; len(got) != 1 || got[0] != token {
		t.Errorf("%s has %d tokens, or another one than %s", c.Name, len(got), token)
	}
	rest := maps.Clone(c.Query)
	delete(rest, "token")
	if got := rest.Encode(); got != want {
		t.Errorf("%s has the query %s, want %s", c.Name, got, want)
	}
	for name := range c.Header {
		if name == "Authorization" || name == "Cookie" {
			t.Errorf("%s has a header %s", c.Name, name)
		}
	}
}

func list(t *testing.T, a *telecomx.Adapter, req *pb.ListDrmAccountsRequest) (*pb.ListDrmAccountsResponse, error) {
	t.Helper()
	req.Parent = "vendors/acme"
	return a.ListDrmAccounts(t.Context(), req)
}

func get(t *testing.T, a *telecomx.Adapter, view pb.DrmAccount_View) (*pb.DrmAccount, error) {
	t.Helper()
	return a.GetDrmAccount(t.Context(), &pb.GetDrmAccountRequest{Name: donald, View: view})
}

// create makes an account, as the mutation of this log, and shows all of it.
func create(t *testing.T, a *telecomx.Adapter, log mutation.Log, wanted *pb.DrmAccount) (*pb.DrmAccount, error) {
	t.Helper()
	req := &pb.CreateDrmAccountRequest{Parent: "vendors/acme", DrmAccount: wanted, View: pb.DrmAccount_FULL}
	return a.CreateDrmAccount(as(t, log), req)
}

// remove removes Donald's iPhone, as the mutation of this log.
func remove(t *testing.T, a *telecomx.Adapter, log mutation.Log, force bool) (*pb.DrmAccountDevice, error) {
	t.Helper()
	return a.DeleteDrmAccountDevice(as(t, log), &pb.DeleteDrmAccountDeviceRequest{Name: iphone, Force: force})
}

func as(t *testing.T, log mutation.Log) context.Context {
	t.Helper()
	return mutation.NewContext(t.Context(), log)
}
