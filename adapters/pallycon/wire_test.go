package pallycon_test

import (
	"io"
	"net/http"
	"net/url"
	"os"
	"sync"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/mutation"
	"github.com/drmhub/drmhub/adapters/pallycon"
	"github.com/drmhub/drmhub/adapters/secret"
	"github.com/drmhub/drmhub/adapters/twin"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// The calls that the adapter makes.
const (
	getSites    = "GET /api/v2/account/siteId"
	getLicenses = "GET /api/v2/drm/license"
	getStatus   = "GET /api/v2/plan/request/status/DEMO"
	postStatus  = "POST /api/v2/plan/request/status/DEMO"
)

// What the tests of this package call the site, and the row that all answers with a row have.
const (
	demo = "vendors/acme/sites/DEMO"
	none = `{"error_code":"0000","data":[],"count":0}`
	row  = `{"cid":"c","status":"success","error_code":"0000","drm_type":"Widevine","user_id":"u","device_id":"d","device_model":"m",` +
		`"license_type":"token","platform_name":"p","reg_time":"20200302235959"}`
)

// config is the account that the tests of this package have.
func config() pallycon.Config {
	c := pallycon.NewConfig()
	c.BaseURL, c.AccountID, c.AccountSeq, c.ServiceAPIKey = "http://pallycon.invalid", "acme", "77", secret.New("the-service-api-key")
	return *c
}

// answers are bodies by the call that they answer, as a test writes them down, and the calls that
// were made.
type answers struct {
	t      *testing.T
	bodies map[string]string

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

// serve makes an adapter to a vendor that gives these answers. A site list that no test is about
// may be left out.
func serve(t *testing.T, c pallycon.Config, bodies map[string]string) (*pallycon.Adapter, *answers) {
	t.Helper()
	a := &answers{t: t, bodies: bodies}
	return adapterTo(t, c, twin.Transport(a)), a
}

func adapterTo(t *testing.T, c pallycon.Config, transport http.RoundTripper) *pallycon.Adapter {
	t.Helper()
	adapter, err := pallycon.New("acme", c, transport)
	if err != nil {
		t.Fatal(err)
	}
	return adapter
}

// ServeHTTP answers a call.
func (a *answers) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	c := call{name: r.Method + " " + r.URL.EscapedPath(), query: r.URL.Query(), header: r.Header, body: string(body)}
	a.mu.Lock()
	a.calls = append(a.calls, c)
	a.mu.Unlock()
	answer, ok := a.bodies[c.name]
	if !ok {
		a.t.Errorf("a call that nobody expects: %s", c.name)
	}
	w.Header().Set("Content-Type", "application/json;charset=UTF-8")
	_, _ = io.WriteString(w, answer)
}

// made are the calls of this name.
func (a *answers) made(name string) []call {
	a.mu.Lock()
	defer a.mu.Unlock()
	var made []call
	for _, c := range a.calls {
		if c.name == name {
			made = append(made, c)
		}
	}
	return made
}

// only is the one call of this name that is to have been made.
func (a *answers) only(name string) call {
	a.t.Helper()
	made := a.made(name)
	if len(made) != 1 {
		a.t.Fatalf("%d calls %s, want 1", len(made), name)
	}
	return made[0]
}

func list(t *testing.T, a *pallycon.Adapter, filter *pb.LicenseFilter) (*pb.ListLicensesResponse, error) {
	t.Helper()
	return a.ListLicenses(t.Context(), &pb.ListLicensesRequest{Parent: demo, Filter: filter})
}

// disable switches DEMO off, as the mutation that log is of.
func disable(t *testing.T, a *pallycon.Adapter, log *mutation.Memory) (*pb.StatusChange, error) {
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
