package amino_test

import (
	"net/http"
	"testing"

	"github.com/drmhub/drmhub/adapters/adaptertest/wiretest"
	"github.com/drmhub/drmhub/adapters/amino"
	"github.com/drmhub/drmhub/adapters/amino/emulator"
	"github.com/drmhub/drmhub/adapters/mutation"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// goldTwin sells one product, to three users.
func goldTwin() *emulator.Emulator {
	e := emulator.New(emulator.Options{})
	e.PutProducts(emulator.Product{ID: "gold"})
	for _, user := range []string{"viewer-1", "viewer-2", "viewer-3"} {
		e.PutLicenses(emulator.License{UserID: user, ProductID: "gold"})
	}
	return e
}

func TestFaultsOfTheVendor(t *testing.T) {
	wiretest.Faults(t, wiretest.Target[*amino.Adapter]{
		New: func() wiretest.Twin { return goldTwin() },
		Connect: func(t *testing.T, transport http.RoundTripper, baseURL string) *amino.Adapter {
			c := twinConfig()
			c.BaseURL = baseURL
			return adapterTo(t, c, transport)
		},
		Read: wiretest.Read[*amino.Adapter]{
			Name: "ListProductLicenses", Request: getLicenses,
			Call: func(t *testing.T, a *amino.Adapter) error {
				_, err := list(t, a, &pb.ListProductLicensesRequest{})
				return err
			},
		},
		Writes: []wiretest.Write[*amino.Adapter]{{
			Name: "CreateProductLicense", Request: postLicense, Success: http.StatusCreated,
			Call: func(t *testing.T, a *amino.Adapter, log mutation.Log) error {
				got, err := issueAs(t, a, log, &pb.ProductLicense{User: "viewer", Product: gold})
				if err == nil && !got.GetPlayable() {
					t.Errorf("CreateProductLicense returns %v", got)
				}
				return err
			},
			Effects: newLicenses,
		}},
		Own: wiretest.OwnError{Status: 412, Body: `{"errors":[{"code":"E4711"}]}`, Code: "E4711"},
		Override: map[string]wiretest.Fault{
			"a success of another form": wiretest.Replying(200, `{"licenses":[]}`).
				As(wiretest.Unreadable, wiretest.Unknown),
			"a success of another form afterwards": wiretest.TakingEffect(200, `{"data":7}`).
				As(wiretest.Unreadable, wiretest.Unknown),
		},
	})
}

// newLicenses counts the licenses at the vendor that are not of goldTwin. It demands as many new
// entitlements at Irdeto.
func newLicenses(t *testing.T, vendor wiretest.Twin) int {
	t.Helper()
	licenses, entitlements := hold(vendor.(*emulator.Emulator))
	if len(licenses) != len(entitlements) {
		t.Errorf("AminoTV holds %q, Irdeto %q", licenses, entitlements)
	}
	return len(licenses) - 3
}
