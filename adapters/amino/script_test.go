package amino_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"sync"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"

	"github.com/drmhub/drmhub/adapters/amino"
	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/mutation"
	"github.com/drmhub/drmhub/adapters/secret"
	"github.com/drmhub/drmhub/adapters/twin"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// The calls that the adapter makes.
const (
	root         = "/api/license/management/v4"
	getLicenses  = "GET " + root + "/licenses"
	postLicense  = "POST " + root + "/licenses"
	getLicense   = "GET " + root + "/licenses/L1"
	deleteL1     = "DELETE " + root + "/licenses/L1"
	getViewers   = "GET " + root + "/users/viewer/licenses"
	getProducts  = "GET " + root + "/products"
	postProduct  = "POST " + root + "/products"
	getGold      = "GET " + root + "/products/gold"
	patchGold    = "PATCH " + root + "/products/gold"
	licenseL1    = "vendors/acme/productLicenses/L1"
	nothing      = `{"data":[]}`
	goldProduct  = `{"data":{"type":"Product","id":"gold","attributes":{"name":"Gold","is_buyable":true,"is_visible":true}}}`
	noSuch       = `{"errors":[{"status":"404","code":"NOT_THERE","title":"Not found","detail":"no such thing"}]}`
	notSold      = `{"errors":[{"status":"422","code":"NOT_SOLD","title":"Not sold","detail":"not in this country"}]}`
	theCreatedL2 = `{"data":[{"type":"License","id":"L2","attributes":{"status":"ACTIVE"},"relationships":{"user":{"data":{"type":"User","id":"viewer"}},"product":{"data":{"type":"Product","id":"gold"}}}}]}`
)

// reply is an answer of the scripted vendor.
type reply struct {
	status int
	body   string
}

// cut is an answer that never comes: the connection breaks.
var cut = reply{}

func ok(body string) reply      { return reply{http.StatusOK, body} }
func created(body string) reply { return reply{http.StatusCreated, body} }
func gone() reply               { return reply{http.StatusNotFound, noSuch} }

// script is a vendor that gives the answers that a test wrote down, by call and in turn; the last
// one of a call again and again.
type script struct {
	t     *testing.T
	turns map[string][]reply
	meet  func(call string) // is called at each request, where it is set

	mu    sync.Mutex
	calls []request
}

// request is one as it was sent.
type request struct {
	name   string // such as getLicense
	query  url.Values
	header http.Header
	body   string
}

// config is the account that the tests of this package have.
func config() amino.Config {
	c := amino.NewConfig()
	c.BaseURL, c.Token, c.BatchConcurrency = "http://amino.invalid", secret.New("the-bearer-token"), 1
	return *c
}

func serve(t *testing.T, c amino.Config, turns map[string][]reply) (*amino.Adapter, *script) {
	t.Helper()
	s := &script{t: t, turns: turns}
	return adapterTo(t, c, twin.Transport(s)), s
}

func adapterTo(t *testing.T, c amino.Config, transport http.RoundTripper) *amino.Adapter {
	t.Helper()
	a, err := amino.New("acme", c, transport)
	if err != nil {
		t.Fatal(err)
	}
	return a.(*amino.Adapter)
}

// ServeHTTP answers a call.
func (s *script) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	name := r.Method + " " + r.URL.EscapedPath()
	s.mu.Lock()
	s.calls = append(s.calls, request{name, r.URL.Query(), r.Header, string(body)})
	turn := s.turns[name]
	if len(turn) == 0 {
		s.t.Errorf("a call that nobody expects: %s", name)
		turn = []reply{{http.StatusTeapot, ""}}
	}
	s.turns[name] = turn[min(1, len(turn)-1):]
	s.mu.Unlock()
	if s.meet != nil {
		s.meet(name)
	}
	if turn[0] == cut {
		panic(http.ErrAbortHandler)
	}
	if turn[0].body != "" && turn[0].body[0] == '{' {
		w.Header().Set("Content-Type", "application/json")
	}
	w.WriteHeader(turn[0].status)
	_, _ = io.WriteString(w, turn[0].body)
}

// names are the calls that were made, in order.
func (s *script) names() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var names []string
	for _, c := range s.calls {
		names = append(names, strings.Replace(c.name, root, "", 1))
	}
	return names
}

// made are the calls of this name.
func (s *script) made(name string) []request {
	s.mu.Lock()
	defer s.mu.Unlock()
	var made []request
	for _, c := range s.calls {
		if c.name == name {
			made = append(made, c)
		}
	}
	return made
}

// only is the one call of this name that is to have been made.
func (s *script) only(name string) request {
	s.t.Helper()
	made := s.made(name)
	if len(made) != 1 {
		s.t.Fatalf("%d calls %s, want 1", len(made), name)
	}
	return made[0]
}

// in is a context of the mutation that log is of.
func in(t *testing.T, log mutation.Log) context.Context {
	return mutation.NewContext(t.Context(), log)
}

func same(t *testing.T, what string, got, want proto.Message) {
	t.Helper()
	if !proto.Equal(got, want) {
		t.Errorf("%s is\n%swant\n%s", what, prototext.Format(got), prototext.Format(want))
	}
}

func sameJSON(t *testing.T, what, got, want string) {
	t.Helper()
	var g, w any
	if err := json.Unmarshal([]byte(want), &w); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(got), &g); err != nil || !reflect.DeepEqual(g, w) {
		t.Errorf("%s is\n%s\nwant\n%s", what, got, want)
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

// wantRefused demands INVALID_ARGUMENT for this field alone.
func wantRefused(t *testing.T, what string, err error, field string) {
	t.Helper()
	e := wantError(t, what, err, codes.InvalidArgument, pb.ErrorReason_REQUEST_INVALID)
	if len(e.Violations) != 1 || e.Violations[0].GetField() != field {
		t.Errorf("%s: the violations are %v, want one of %s", what, e.Violations, field)
	}
}

func wantUnknown(t *testing.T, what string, err error) *apierror.Error {
	t.Helper()
	return wantError(t, what, err, codes.Unknown, pb.ErrorReason_OUTCOME_UNKNOWN)
}
