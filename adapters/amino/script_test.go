package amino_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/adaptertest/wiretest"
	"github.com/drmhub/drmhub/adapters/amino"
	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/mutation"
	"github.com/drmhub/drmhub/adapters/secret"
	"github.com/drmhub/drmhub/adapters/twin"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// The calls that the adapter makes.
const (
	root        = "/api/license/management/v4"
	getLicenses = "GET " + root + "/licenses"
	postLicense = "POST " + root + "/licenses"
	getLicense  = "GET " + root + "/licenses/L1"
	deleteL1    = "DELETE " + root + "/licenses/L1"
	getViewers  = "GET " + root + "/users/viewer/licenses"
	getProducts = "GET " + root + "/products"
	postProduct = "POST " + root + "/products"
	getGold     = "GET " + root + "/products/gold"
	patchGold   = "PATCH " + root + "/products/gold"
	licenseL1   = "vendors/acme/productLicenses/L1"
	nothing     = `{"data":[]}`
	goldProduct = `{"data":{"type":"Product","id":"gold","attributes":{"name":"Gold",` +
		`"is_buyable":true,"is_visible":true}}}`
	noSuch       = `{"errors":[{"status":"404","code":"NOT_THERE","title":"Not found","detail":"no such thing"}]}`
	notSold      = `{"errors":[{"status":"422","code":"NOT_SOLD","title":"Not sold","detail":"not in this country"}]}`
	theCreatedL2 = `{"data":[{"type":"License","id":"L2","attributes":{"status":"ACTIVE"},"relationships":` +
		`{"user":{"data":{"type":"User","id":"viewer"}},"product":{"data":{"type":"Product","id":"gold"}}}}]}`
)

type reply = wiretest.Reply

var (
	cut         = wiretest.Cut
	ok          = wiretest.OK
	respond     = wiretest.Says
	same        = wiretest.Same
	sameJSON    = wiretest.SameJSON
	wantError   = wiretest.WantError
	wantRefused = wiretest.WantField
)

func created(body string) reply { return respond(http.StatusCreated, body) }
func gone() reply               { return respond(http.StatusNotFound, noSuch) }

// config is the account that the tests of this package have.
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

func adapterTo(t *testing.T, c amino.Config, transport http.RoundTripper) *amino.Adapter {
	t.Helper()
	a, err := amino.New("acme", c, transport)
	if err != nil {
		t.Fatal(err)
	}
	return a.(*amino.Adapter)
}

// made returns the names of all requests in order, without the root of their paths.
func made(vendor *wiretest.Server) []string {
	var names []string
	for _, r := range vendor.All() {
		names = append(names, strings.Replace(r.Name, root, "", 1))
	}
	return names
}

// in returns a context of the mutation of this log.
func in(t *testing.T, log mutation.Log) context.Context {
	return mutation.NewContext(t.Context(), log)
}

func wantUnknown(t *testing.T, what string, err error) *apierror.Error {
	t.Helper()
	return wantError(t, what, err, codes.Unknown, pb.ErrorReason_OUTCOME_UNKNOWN)
}
