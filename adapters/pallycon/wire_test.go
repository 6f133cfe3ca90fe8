package pallycon_test

import (
	"net/http"
	"testing"

	"github.com/drmhub/drmhub/adapters/adaptertest"
	"github.com/drmhub/drmhub/adapters/adaptertest/wiretest"
	"github.com/drmhub/drmhub/adapters/mutation"
	"github.com/drmhub/drmhub/adapters/pallycon"
	"github.com/drmhub/drmhub/adapters/secret"
	"github.com/drmhub/drmhub/adapters/twin"
	"github.com/drmhub/drmhub/adapters/upstream"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// The calls that the adapter makes.
const (
	getSites    = "GET /api/v2/account/siteId"
	getLicenses = "GET /api/v2/drm/license"
	getStatus   = "GET /api/v2/plan/request/status/DEMO"
	postStatus  = "POST /api/v2/plan/request/status/DEMO"
)

const (
	demo     = "vendors/acme/sites/DEMO"
	none     = `{"error_code":"0000","data":[],"count":0}`
	jsonType = "application/json;charset=UTF-8"
)

// config is the account that the tests of this package have.
func config() pallycon.Config {
	c := pallycon.NewConfig()
	c.BaseURL, c.AccountID, c.AccountSeq = "http://pallycon.invalid", "acme", "77"
	c.ServiceAPIKey = secret.New("the-service-api-key")
	return *c
}

var (
	fixture   = wiretest.Fixture
	same      = wiretest.Same
	wantError = adaptertest.WantError
)

// serve returns an adapter to a vendor with a body for each name of a request.
func serve(t *testing.T, bodies map[string]string) (*pallycon.Adapter, *wiretest.Server) {
	t.Helper()
	replies := map[string][]wiretest.Reply{}
	for name, body := range bodies {
		replies[name] = []wiretest.Reply{wiretest.OK(body)}
	}
	vendor := wiretest.NewServer(t, replies)
	return adapterTo(t, config(), twin.Transport(vendor)), vendor
}

func adapterTo(t testing.TB, c pallycon.Config, transport http.RoundTripper) *pallycon.Adapter {
	t.Helper()
	adapter, err := pallycon.New("acme", c, upstream.Connection{Transport: transport})
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
