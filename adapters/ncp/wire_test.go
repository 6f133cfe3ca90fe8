package ncp_test

import (
	"crypto"
	_ "crypto/sha256"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"sync"
	"testing"

	"github.com/NaverCloudPlatform/ncloud-sdk-go-v2/hmac"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/mutation"
	"github.com/drmhub/drmhub/adapters/ncp"
	"github.com/drmhub/drmhub/adapters/secret"
	"github.com/drmhub/drmhub/adapters/twin"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// The calls that the adapter makes.
const (
	getSites    = "GET /api/v1/sites"
	postSites   = "POST /api/v1/sites"
	getSite     = "GET /api/v1/sites/DEMO"
	putSite     = "PUT /api/v1/sites/DEMO"
	putOn       = "PUT /api/v1/sites/DEMO/on"
	putOff      = "PUT /api/v1/sites/DEMO/off"
	getLicenses = "GET /api/v1/license/statistics"
)

// demo is what the tests of this package call the site.
const demo = "vendors/acme/sites/DEMO"

// config is the account that the tests of this package have.
func config() ncp.Config {
	c := ncp.NewConfig()
	c.BaseURL, c.AccessKey, c.SecretKey = "http://ncp.invalid", secret.New("the-access-key"), secret.New("the-secret-key")
	return *c
}

// answer is what the vendor says to a call.
type answer struct {
	status int // 0 is 200
	body   string
	header map[string]string
}

// cut stands for an answer that never comes: the connection breaks.
var cut = answer{status: -1}

func ok(content string) answer { return answer{body: `{"success":true,"content":` + content + `}`} }

func refusal(status int, code string) answer {
	return answer{status: status, body: `{"success":false,"error":{"code":"` + code + `","name":"NAME","message":"no"}}`}
}

// script is a vendor that answers each call of a name with the next of some answers, of which the
// last one is given from then on. It checks every signature with the vendor's SDK.
type script struct {
	t     *testing.T
	turns map[string][]answer

	mu    sync.Mutex
	calls []call
}

// call is a request as it was sent.
type call struct {
	name   string // such as getSites
	query  url.Values
	header http.Header
	body   string
}

func serve(t *testing.T, c ncp.Config, turns map[string][]answer) (*ncp.Adapter, *script) {
	t.Helper()
	s := &script{t: t, turns: turns}
	return adapterTo(t, c, twin.Transport(s)), s
}

func adapterTo(t *testing.T, c ncp.Config, transport http.RoundTripper) *ncp.Adapter {
	t.Helper()
	adapter, err := ncp.New("acme", c, transport)
	if err != nil {
		t.Fatal(err)
	}
	return adapter
}

// ServeHTTP answers a call.
func (s *script) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	c := call{name: r.Method + " " + r.URL.EscapedPath(), query: r.URL.Query(), header: r.Header, body: string(body)}
	wantSigned(s.t, r)
	s.mu.Lock()
	s.calls = append(s.calls, c)
	turn := s.turns[c.name]
	if len(turn) > 1 {
		s.turns[c.name] = turn[1:]
	}
	s.mu.Unlock()
	if len(turn) == 0 {
		s.t.Errorf("a call that nobody expects: %s", c.name)
		turn = []answer{{status: http.StatusNotFound}}
	}
	if turn[0].status == cut.status {
		panic(http.ErrAbortHandler)
	}
	w.Header().Set("Content-Type", "application/json;charset=utf-8")
	w.Header().Set("x-ncp-trace-id", "36c9k60om4p3238cpmc9gm4cj4")
	for name, value := range turn[0].header {
		w.Header().Set(name, value)
	}
	if turn[0].status != 0 {
		w.WriteHeader(turn[0].status)
	}
	_, _ = io.WriteString(w, turn[0].body)
}

// wantSigned demands the headers of the API pages, with the signature that the vendor's SDK makes
// of the target as it was sent.
func wantSigned(t *testing.T, r *http.Request) {
	t.Helper()
	want, err := hmac.NewSigner("the-secret-key", crypto.SHA256).Sign(r.Method, r.RequestURI, "the-access-key", r.Header.Get("x-ncp-apigw-timestamp"))
	if got := r.Header.Get("x-ncp-apigw-signature-v2"); err != nil || got != want {
		t.Errorf("%s %s is signed %q, want %q, %v", r.Method, r.RequestURI, got, want, err)
	}
	for name, want := range map[string]string{
		"x-ncp-iam-access-key": "the-access-key", "x-ncp-region_code": "KR", "Content-Type": "application/json",
	} {
		if got := r.Header.Values(name); len(got) != 1 || got[0] != want {
			t.Errorf("%s %s has %s %q, want %q once", r.Method, r.RequestURI, name, got, want)
		}
	}
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

// wantMade demands so many calls of this name.
func (s *script) wantMade(name string, n int) {
	s.t.Helper()
	if made := s.made(name); len(made) != n {
		s.t.Errorf("%d calls %s, want %d", len(made), name, n)
	}
}

// wantBody demands a body that means the same as this JSON.
func (c call) wantBody(t *testing.T, want string) {
	t.Helper()
	var got, wanted any
	if err := json.Unmarshal([]byte(want), &wanted); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(c.body), &got); err != nil {
		t.Errorf("%s has the body %q: %v", c.name, c.body, err)
	}
	if a, b := canonical(got), canonical(wanted); a != b {
		t.Errorf("%s has the body %s, want %s", c.name, a, b)
	}
}

func canonical(v any) string {
	text, _ := json.Marshal(v)
	return string(text)
}

func list(t *testing.T, a *ncp.Adapter, filter *pb.LicenseFilter) (*pb.ListLicensesResponse, error) {
	t.Helper()
	return a.ListLicenses(t.Context(), &pb.ListLicensesRequest{Parent: demo, Filter: filter})
}

// disable switches DEMO off, as the mutation that log is of.
func disable(t *testing.T, a *ncp.Adapter, log mutation.Log) (*pb.StatusChange, error) {
	t.Helper()
	return a.DisableSite(mutation.NewContext(t.Context(), log), &pb.DisableSiteRequest{Name: demo, Message: "The contract has ended."})
}

func fixture(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
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

// wantField demands INVALID_ARGUMENT for one field.
func wantField(t *testing.T, what string, err error, field string) {
	t.Helper()
	e := wantError(t, what, err, codes.InvalidArgument, pb.ErrorReason_REQUEST_INVALID)
	if len(e.Violations) != 1 || e.Violations[0].GetField() != field {
		t.Errorf("%s: the violations are %v, want one of %s", what, e.Violations, field)
	}
}
