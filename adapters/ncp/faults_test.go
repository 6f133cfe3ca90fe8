package ncp_test

import (
	"context"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/adaptertest/wiretest"
	"github.com/drmhub/drmhub/adapters/mutation"
	"github.com/drmhub/drmhub/adapters/ncp"
	"github.com/drmhub/drmhub/adapters/ncp/emulator"
	"github.com/drmhub/drmhub/adapters/twin"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// demoTwin holds the site DEMO, which is on, with a few rows.
func demoTwin() *emulator.Emulator {
	e := emulator.New(emulator.Options{})
	e.PutSites(emulator.Site{SiteID: "DEMO", SiteName: "Demo_site", Status: emulator.StatusRunning, Enabled: true})
	for i := range 3 {
		at := time.Date(2024, 3, 1, 12, 0, i, 0, time.UTC)
		e.PutLicenses("DEMO", emulator.License{ContentID: "c", DRMType: "Widevine", CreatedTime: at})
	}
	return e
}

func TestFaultsOfTheVendor(t *testing.T) {
	no := `{"success":false,"error":{"code":"289999"}}`
	wiretest.Faults(t, wiretest.Target[*ncp.Adapter]{
		New: func() wiretest.Twin { return demoTwin() },
		Connect: func(t *testing.T, transport http.RoundTripper, baseURL string) *ncp.Adapter {
			c := twinConfig()
			if baseURL != "" {
				c.BaseURL = baseURL
			}
			return adapterTo(t, c, transport)
		},
		Read: wiretest.Read[*ncp.Adapter]{
			Name: "ListLicenses", Request: getLicenses,
			Call: func(t *testing.T, a *ncp.Adapter) error {
				_, err := list(t, a, nil)
				return err
			},
		},
		Writes: []wiretest.Write[*ncp.Adapter]{{
			Name: "DisableSite", Request: putOff, Step: "off",
			Call: func(t *testing.T, a *ncp.Adapter, log mutation.Log) error {
				change, err := disable(t, a, log)
				if err == nil {
					wantSwitched(t, "DisableSite", change, err, pb.StatusChange_SUSPEND)
				}
				return err
			},
		}},
		Override: map[string]wiretest.Fault{
			"a failure inside HTTP 200": wiretest.Replying(200, no).Code("289999").As(rejected, rejected),
			"a failure inside HTTP 500": wiretest.Replying(500, no).Code("289999").As(unavailable, unknown),
			"a success that does not say so": wiretest.Replying(200, `{"content":[]}`).
				As(unreadable, unknown),
			"a success of another form afterwards": wiretest.TakingEffect(200, `{"success":1,"content":7}`).
				As(unreadable, unknown),
		},
	})
}

func TestAReadEndsWithItsCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		vendor := demoTwin()
		vendor.Faults().Add(twin.Fault{Kind: twin.FaultDelay, Delay: 20 * time.Second})
		a := adapterTo(t, twinConfig(), twin.Transport(vendor))
		if _, err := list(t, a, nil); err != nil {
			t.Errorf("an answer within the time-out: %v", err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		begun := time.Now()
		_, err := a.ListLicenses(ctx, &pb.ListLicensesRequest{Parent: demo})
		wantError(t, "an answer after the deadline", err, codes.DeadlineExceeded, pb.ErrorReason_DEADLINE_PASSED)
		if took := time.Since(begun); took != time.Second {
			t.Errorf("the call ended after %v, and its deadline was a second", took)
		}
	})
}

func TestAWriteUnderWayDoesNotEndWithItsCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		vendor := demoTwin()
		vendor.Faults().Add(twin.Fault{Kind: twin.FaultDelay, Method: http.MethodPut, Delay: 20 * time.Second})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		a := adapterTo(t, twinConfig(), twin.Transport(vendor))
		change, err := a.DisableSite(mutation.NewContext(ctx, mutation.NewMemory()), &pb.DisableSiteRequest{Name: demo})
		wantSwitched(t, "DisableSite for an impatient caller", change, err, pb.StatusChange_SUSPEND)
		wiretest.WantEffects(t, vendor, 1)
	})
}

func TestTheTimeoutIsTheConfiguredOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		vendor := demoTwin()
		vendor.Faults().Add(twin.Fault{Kind: twin.FaultDelay, Method: http.MethodPut, Delay: time.Hour})
		c := twinConfig()
		c.Timeout = 5 * time.Second
		begun := time.Now()
		_, err := disable(t, adapterTo(t, c, twin.Transport(vendor)), mutation.NewMemory())
		wantError(t, "DisableSite", err, unknown.Code, unknown.Reason)
		if took := time.Since(begun); took != c.Timeout {
			t.Errorf("the call ended after %v, and the time-out is %v", took, c.Timeout)
		}
	})
}

func TestAPageThatFailsOnceIsReadAgain(t *testing.T) {
	for _, fault := range []twin.Fault{{Kind: twin.FaultCut}, {Kind: twin.FaultCutBody}, wiretest.Answer(503, "")} {
		synctest.Test(t, func(t *testing.T) {
			_, vendor := busySite(1500, 1, emulator.Assumptions{})
			fault.Skip, fault.Times = 3, 2 // two of the pages that are read at once
			vendor.Faults().Add(fault)
			req := &pb.ListLicensesRequest{Parent: demo, PageSize: 1000}
			res, err := adapterTo(t, twinConfig(), twin.Transport(vendor)).ListLicenses(t.Context(), req)
			if err != nil || len(res.GetLicenses()) != 1000 {
				t.Errorf("after two times %s: %d rows, %v", fault.Kind, len(res.GetLicenses()), err)
			}
		})
	}
}

func TestOneCallAgainstAVendorThatIsDownDoesNotShutTheDoor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, vendor := busySite(1500, 1, emulator.Assumptions{})
		a := adapterTo(t, twinConfig(), twin.Transport(vendor))
		req := &pb.ListLicensesRequest{Parent: demo, PageSize: 1000}
		id := vendor.Faults().Add(twin.Fault{Kind: twin.FaultAnswer, Status: 500, Skip: 1})
		_, err := a.ListLicenses(t.Context(), req)
		wantError(t, "ListLicenses", err, unavailable.Code, unavailable.Reason)
		vendor.Faults().Remove(id)
		if res, err := a.ListLicenses(t.Context(), req); err != nil || len(res.GetLicenses()) != 1000 {
			t.Errorf("a moment later: %d rows, %v", len(res.GetLicenses()), err)
		}
	})
}

func TestAVendorThatIsNotThereIsUnavailable(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener.Close() // nobody listens there from now on
	c := twinConfig()
	c.BaseURL = "http://" + listener.Addr().String()
	a := adapterTo(t, c, nil)
	_, err = list(t, a, nil)
	wantError(t, "ListLicenses", err, unavailable.Code, unavailable.Reason)
	log := mutation.NewMemory()
	_, err = disable(t, a, log)
	wantError(t, "DisableSite", err, unavailable.Code, unavailable.Reason)
	if state := log.Get("off").State; state != mutation.NotSent {
		t.Errorf("the step is %v, and nothing was sent", state)
	}
}
