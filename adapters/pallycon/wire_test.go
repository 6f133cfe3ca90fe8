package pallycon_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"testing"

	"github.com/drmhub/drmhub/adapters/adaptertest/wiretest"
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
	// done is what the guide calls "the default response data", and refused says no.
	done    = `{"_links":{"self":{"href":"http://service.pallycon.com/api/v2"}},"error_code":"0000"}`
	refused = `{"error_code":"7777","error_message":"no"}`
	row     = `{"cid":"c","status":"success","error_code":"0000","drm_type":"Widevine","user_id":"u","device_id":"d",` +
		`"device_model":"m","license_type":"token","platform_name":"p","reg_time":"20200302235959"}`
)

// config is the account that the tests of this package have.
func config() pallycon.Config {
	c := pallycon.NewConfig()
	c.BaseURL, c.AccountID, c.AccountSeq = "http://pallycon.invalid", "acme", "77"
	c.ServiceAPIKey = secret.New("the-service-api-key")
	return *c
}

// cut takes the place of an answer that never comes: the connection breaks.
const cut = "cut"

var (
	fixture   = wiretest.Fixture
	same      = wiretest.Same
	wantError = wiretest.WantError
)

// serve returns an adapter to a vendor that answers each request with the body of its name.
func serve(
	t *testing.T, c pallycon.Config, bodies map[string]string,
) (*pallycon.Adapter, *wiretest.Server) {
	t.Helper()
	turns := map[string][]string{}
	for name, body := range bodies {
		turns[name] = []string{body}
	}
	return serveInTurn(t, c, turns)
}

// serveInTurn is serve with a body for each request of a name, of which the last one is repeated.
func serveInTurn(
	t *testing.T, c pallycon.Config, turns map[string][]string,
) (*pallycon.Adapter, *wiretest.Server) {
	t.Helper()
	replies := map[string][]wiretest.Reply{}
	for name, bodies := range turns {
		for _, body := range bodies {
			reply := wiretest.OK(body)
			if body == cut {
				reply = wiretest.Cut
			}
			replies[name] = append(replies[name], reply)
		}
	}
	vendor := wiretest.NewServer(t, replies)
	vendor.Header = map[string]string{"Content-Type": "application/json;charset=UTF-8"}
	return adapterTo(t, c, twin.Transport(vendor)), vendor
}

func adapterTo(t *testing.T, c pallycon.Config, transport http.RoundTripper) *pallycon.Adapter {
	t.Helper()
	adapter, err := pallycon.New("acme", c, transport)
	if err != nil {
		t.Fatal(err)
	}
	return adapter
}

func list(t *testing.T, a *pallycon.Adapter, filter *pb.LicenseFilter) (*pb.ListLicensesResponse, error) {
	t.Helper()
	return a.ListLicenses(t.Context(), &pb.ListLicensesRequest{Parent: demo, Filter: filter})
}

// disable switches DEMO off, as the mutation of this log.
func disable(t *testing.T, a *pallycon.Adapter, log mutation.Log) (*pb.StatusChange, error) {
	t.Helper()
	req := &pb.DisableSiteRequest{Name: demo, Message: "The contract has ended."}
	return a.DisableSite(mutation.NewContext(t.Context(), log), req)
}

// sentParams returns the parameters of a POST or PUT that was sent as JSON.
func sentParams(t *testing.T, r wiretest.Request) map[string]string {
	t.Helper()
	var params map[string]string
	if err := json.Unmarshal([]byte(r.Body), &params); err != nil {
		t.Errorf("%s has the body %q: %v", r.Name, r.Body, err)
	}
	return params
}

func wantParams(t *testing.T, what string, got, want map[string]string) {
	t.Helper()
	if !maps.Equal(got, want) {
		t.Errorf("%s: the parameters are %q, want %q", what, got, want)
	}
}

// unsettled reports whether a log says that a step may have taken effect.
func unsettled(log *mutation.Memory, step string) bool { return log.Get(step).State == mutation.Sent }
