package telecomx_test

import (
	"context"
	"io"
	"maps"
	"net/http"
	"net/url"
	"sync"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/mutation"
	"github.com/drmhub/drmhub/adapters/secret"
	"github.com/drmhub/drmhub/adapters/telecomx"
	"github.com/drmhub/drmhub/adapters/twin"
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

	loggedIn = `{"token":"the-first-token","expiresInMinutes":15,"customer":"` + own + `","accessLevel":"MANAGER","name":"Ops"}`
	none     = `{"offset":0,"limit":100,"total":0}`
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

// reply is what the vendor answers; 200 where it has no status, and a connection that breaks for
// cut.
type reply struct {
	status int
	body   string
}

var cut = reply{-1, ""}

// script is a vendor that answers each call as a test writes it down: the last reply is given from
// then on. A login succeeds where nothing is said of it.
type script struct {
	t *testing.T

	mu      sync.Mutex
	replies map[string][]reply
	calls   []call
}

// call is a request as it was sent.
type call struct {
	name   string // such as getAccounts
	query  url.Values
	header http.Header
	body   string
}

// serve makes an adapter to a vendor that gives these replies.
func serve(t *testing.T, c telecomx.Config, replies map[string][]reply) (*telecomx.Adapter, *script) {
	t.Helper()
	s := &script{t: t, replies: map[string][]reply{postLogin: {{200, loggedIn}}}}
	maps.Copy(s.replies, replies)
	return adapterTo(t, c, twin.Transport(s)), s
}

// ok is a reply with this body, and no other.
func ok(body string) []reply { return []reply{{200, body}} }

func adapterTo(t *testing.T, c telecomx.Config, transport http.RoundTripper) *telecomx.Adapter {
	t.Helper()
	adapter, err := telecomx.New("acme", c, transport)
	if err != nil {
		t.Fatal(err)
	}
	return adapter
}

// ServeHTTP answers a call.
func (s *script) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	c := call{name: r.Method + " " + r.URL.EscapedPath(), query: r.URL.Query(), header: r.Header, body: string(body)}
	s.mu.Lock()
	s.calls = append(s.calls, c)
	turn := s.replies[c.name]
	if len(turn) > 1 {
		s.replies[c.name] = turn[1:]
	}
	s.mu.Unlock()
	if len(turn) == 0 {
		s.t.Errorf("a call that nobody expects: %s", c.name)
		turn = []reply{{418, ""}}
	}
	if turn[0] == cut {
		panic(http.ErrAbortHandler)
	}
	if len(turn[0].body) > 0 && turn[0].body[0] == '{' {
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
	}
	w.WriteHeader(max(turn[0].status, 200))
	_, _ = io.WriteString(w, turn[0].body)
}

// made are the calls of this name.
func (s *script) made(name string) []call {
	s.mu.Lock()
	defer s.mu.Unlock()
	var made []call
	for _, c := range s.calls {
		if c.name == name {
			made = append(made, c)
		}
	}
	return made
}

// only is the one call of this name that is to have been made.
func (s *script) only(name string) call {
	s.t.Helper()
	made := s.made(name)
	if len(made) != 1 {
		s.t.Fatalf("%d calls %s, want 1", len(made), name)
	}
	return made[0]
}

// wantQuery demands a query, but for its token, which is to be this one.
func (c call) wantQuery(t *testing.T, token, want string) {
	t.Helper()
	if got := c.query["token"]; len(got) != 1 || got[0] != token {
		t.Errorf("%s has %d tokens, or another one than %s", c.name, len(got), token)
	}
	rest := maps.Clone(c.query)
	delete(rest, "token")
	if got := rest.Encode(); got != want {
		t.Errorf("%s has the query %s, want %s", c.name, got, want)
	}
	for name := range c.header {
		if name == "Authorization" || name == "Cookie" {
			t.Errorf("%s has a header %s", c.name, name)
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

// create makes an account, as the mutation that log is of, and shows all of it.
func create(t *testing.T, a *telecomx.Adapter, log *mutation.Memory, wanted *pb.DrmAccount) (*pb.DrmAccount, error) {
	t.Helper()
	return a.CreateDrmAccount(as(t, log), &pb.CreateDrmAccountRequest{Parent: "vendors/acme", DrmAccount: wanted, View: pb.DrmAccount_FULL})
}

// remove removes Donald's iPhone, as the mutation that log is of.
func remove(t *testing.T, a *telecomx.Adapter, log *mutation.Memory, force bool) (*pb.DrmAccountDevice, error) {
	t.Helper()
	return a.DeleteDrmAccountDevice(as(t, log), &pb.DeleteDrmAccountDeviceRequest{Name: iphone, Force: force})
}

func as(t *testing.T, log *mutation.Memory) context.Context {
	t.Helper()
	return mutation.NewContext(t.Context(), log)
}

func same(t *testing.T, what string, got, want proto.Message) {
	t.Helper()
	if !proto.Equal(got, want) {
		t.Errorf("%s is\n%swant\n%s", what, prototext.Format(got), prototext.Format(want))
	}
}

func wantError(t *testing.T, what string, err error, code codes.Code, reason pb.ErrorReason) *apierror.Error {
	t.Helper()
	if err == nil {
		t.Errorf("%s: no error, want %s, %s", what, code, reason)
		return &apierror.Error{}
	}
	e := apierror.Convert(err)
	if e.Code != code || e.Reason != reason {
		t.Errorf("%s: %s, %s, want %s, %s; it says: %v", what, e.Code, e.Reason, code, reason, err)
	}
	return e
}

// wantViolation demands that an error names one field.
func wantViolation(t *testing.T, what string, e *apierror.Error, field string) {
	t.Helper()
	if len(e.Violations) != 1 || e.Violations[0].GetField() != field {
		t.Errorf("%s: the field violations are %v, want one for %s", what, e.Violations, field)
	}
}
