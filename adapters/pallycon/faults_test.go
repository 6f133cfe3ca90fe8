package pallycon_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/drmhub/drmhub/adapters/adaptertest/wiretest"
	"github.com/drmhub/drmhub/adapters/mutation"
	"github.com/drmhub/drmhub/adapters/pallycon"
	"github.com/drmhub/drmhub/adapters/pallycon/emulator"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// demoTwin holds the site DEMO, which is in service, with a few rows.
func demoTwin() *emulator.Emulator {
	e := emulator.New(emulator.Options{})
	drm := emulator.Product{ServiceCode: emulator.ServiceDRM, StatusCode: emulator.StateInService}
	e.PutSites(emulator.Site{SiteID: "DEMO", ServiceName: "Demo", Products: []emulator.Product{drm}})
	for i := range 3 {
		at := time.Date(2024, 3, 1, 12, 0, i, 0, time.UTC)
		e.PutLicenses("DEMO", emulator.License{CID: "c", DRMType: "Widevine", RegTime: at})
	}
	return e
}

func TestFaultsOfTheVendor(t *testing.T) {
	no := `{"error_code":"7777","error_message":"no"}`
	wiretest.Faults(t, wiretest.Target[*pallycon.Adapter]{
		New: func() wiretest.Twin { return demoTwin() },
		Connect: func(t *testing.T, transport http.RoundTripper, baseURL string) *pallycon.Adapter {
			c := twinConfig()
			c.BaseURL = baseURL
			return adapterTo(t, c, transport)
		},
		Read: wiretest.Read[*pallycon.Adapter]{
			Name: "ListLicenses", Request: getLicenses,
			Call: func(t *testing.T, a *pallycon.Adapter) error {
				_, err := list(t, a, nil)
				return err
			},
		},
		Writes: []wiretest.Write[*pallycon.Adapter]{{
			Name: "DisableSite", Request: postStatus, Step: "suspend",
			Call: func(t *testing.T, a *pallycon.Adapter, log mutation.Log) error {
				change, err := disable(t, a, log)
				if err == nil && (change.GetState() != pb.StatusChange_PENDING || change.GetName() == "") {
					t.Errorf("DisableSite returns %v", change)
				}
				return err
			},
		}},
		Own: wiretest.OwnError{Status: 200, Body: no, Code: "7777"},
		Override: map[string]wiretest.Fault{
			"a failure inside HTTP 500": wiretest.Replying(500, no).Code("7777").
				As(wiretest.Unavailable, wiretest.Unknown),
			"a success without an error_code": wiretest.Replying(200, `{"data":[]}`).
				As(wiretest.Unreadable, wiretest.Unknown),
			"a success of another form afterwards": wiretest.TakingEffect(200, `{"error_code":"0000","data":7}`).
				As(wiretest.Unreadable, wiretest.Unknown),
		},
	})
}
