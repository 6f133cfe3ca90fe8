package amino_test

import (
	"context"

	"net/http"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/adaptertest"
	"github.com/drmhub/drmhub/adapters/adaptertest/wiretest"
	"github.com/drmhub/drmhub/adapters/amino"
	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/mutation"
	"github.com/drmhub/drmhub/adapters/secret"
	"github.com/drmhub/drmhub/adapters/twin"
	"github.com/drmhub/drmhub/adapters/upstream"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// The calls that the adapter makes.
const (
	root        = "/api/license/management/v4"
	getLicenses = "GET " + root + "/licenses"
	postLicense = "POST " + root + "/licenses"
	getProducts = "GET " + root + "/products"
	getGold     = "GET " + root + "/products/gold"
)

const (
	licenseL1    = "vendors/acme/productLicenses/L1"
	nothing      = `{"data":[]}`
	goldProduct  = `{"data":{"type":"Product","id":"gold","attributes":{"name":"Gold"}}}`
	goldTerms    = `"status":"ACTIVE","start_date":1583191411,"order_id":"order-1"`
	theCreatedL2 = `{"data":[{"type":"License","id":"L2","attributes":{"status":"ACTIVE"},"relationships":` +
		`{"user":{"data":{"type":"User","id":"viewer"}},"product":{"data":{"type":"Product","id":"gold"}}}}]}`
)

type reply = wiretest.Reply

var (
	ok          = wiretest.OK
	respond     = wiretest.Says
	wantError   = adaptertest.WantError
	wantRefused = wiretest.WantField
	notSold     = respond(http.StatusUnprocessableEntity, `{"errors":[{"code":"NOT_SOLD","title":"Not sold"}]}`)
)

func created(body string) reply { return respond(http.StatusCreated, body) }

// config returns the account that the tests of this package have.
func config() amino.Config {
	c := amino.NewConfig()
	c.BaseURL, c.Token, c.BatchConcurrency = "http://amino.invalid", secret.New("the-bearer-token"), 1
	return *c
}

// serve returns an adapter to a vendor that gives these replies.
func serve(t *testing.T, c amino.Config, turns map[string][]reply) (*amino.Adapter, *wiretest.Server) {
	t.Helper()
	vendor := wiretest.NewServer(t, turns)
	return adapterTo(t, c, twin.Transport(vendor)), vendor
}

func adapterTo(t testing.TB, c amino.Config, transport http.RoundTripper) *amino.Adapter {
	t.Helper()
	a, err := amino.New("acme", c, upstream.Connection{Transport: transport})
	if err != nil {
		t.Fatal(err)
	}
	return a.(*amino.Adapter)
}

// replies returns the replies to a replacement of L1. L1 has these attributes, and posts are the
// replies to the creations.
func replies(attributes string, posts ...reply) map[string][]reply {
	l1 := `{"data":[{"type":"License","id":"L1","attributes":{` + attributes + `},"relationships":` +
		`{"user":{"data":{"type":"User","id":"viewer"}},"product":{"data":{"type":"Product","id":"gold"}}}}]}`
	return map[string][]reply{
		"GET " + root + "/licenses/L1":           {ok(l1)},
		"GET " + root + "/products/silver":       {ok(strings.ReplaceAll(goldProduct, "gold", "silver"))},
		"GET " + root + "/users/viewer/licenses": {ok(l1)},
		"DELETE " + root + "/licenses/L1":        {respond(http.StatusNoContent, "")},
		postLicense:                              posts,
	}
}

// in returns a context of the mutation of this log.
func in(t *testing.T, log mutation.Log) context.Context {
	return mutation.NewContext(t.Context(), log)
}

func wantUnknown(t *testing.T, what string, err error) *apierror.Error {
	t.Helper()
	return wantError(t, what, err, codes.Unknown, pb.ErrorReason_OUTCOME_UNKNOWN)
}

func list(
	t *testing.T, a *amino.Adapter, req *pb.ListProductLicensesRequest,
) (*pb.ListProductLicensesResponse, error) {
	t.Helper()
	req.Parent = "vendors/acme"
	return a.ListProductLicenses(t.Context(), req)
}

func issueAs(t *testing.T, a *amino.Adapter, log mutation.Log, l *pb.ProductLicense) (*pb.ProductLicense, error) {
	t.Helper()
	req := &pb.CreateProductLicenseRequest{Parent: "vendors/acme", ProductLicense: l}
	return a.CreateProductLicense(in(t, log), req)
}

func revoke(t *testing.T, a *amino.Adapter, log mutation.Log) error {
	t.Helper()
	_, err := a.DeleteProductLicense(in(t, log), &pb.DeleteProductLicenseRequest{Name: licenseL1})
	return err
}

// toSilver returns the request to replace L1 by a license of silver.
func toSilver() *pb.ReplaceProductLicenseRequest {
	return &pb.ReplaceProductLicenseRequest{Name: licenseL1, ProductLicense: silverFor("viewer")}
}

func replace(t *testing.T, a *amino.Adapter, log mutation.Log) (*pb.ProductLicense, error) {
	t.Helper()
	return a.ReplaceProductLicense(in(t, log), toSilver())
}
