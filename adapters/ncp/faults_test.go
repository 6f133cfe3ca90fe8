package ncp_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/drmhub/drmhub/adapters/adaptertest/wiretest"
	"github.com/drmhub/drmhub/adapters/mutation"
	"github.com/drmhub/drmhub/adapters/ncp"
	"github.com/drmhub/drmhub/adapters/ncp/emulator"
	"github.com/drmhub/drmhub/adapters/twin"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// demoTwin holds the site DEMO, which is on, with a few rows, and the site OFF.
func demoTwin() *emulator.Emulator {
	e := emulator.New(emulator.Options{})
	e.PutSites(emulator.Site{SiteID: "DEMO", SiteName: "Demo_site", Status: emulator.StatusRunning, Enabled: true},
		emulator.Site{SiteID: "OFF", SiteName: "Switched_off"})
	for i := range 3 {
		at := time.Date(2024, 3, 1, 12, 0, i, 0, time.UTC)
		e.PutLicenses("DEMO", emulator.License{ContentID: "c", DRMType: "Widevine", CreatedTime: at})
	}
	return e
}

func TestFaultsOfTheVendor(t *testing.T) {
	const proxys = `{"error":{"code":404,"message":"Not Found","status":"NOT_FOUND"}}`
	no := `{"success":false,"error":{"code":"289999"}}`
	const off = "vendors/acme/sites/OFF"
	type read = wiretest.Read[*ncp.Adapter]
	reads := []read{
		{Name: "ListLicenses", Request: getLicenses, Call: func(t *testing.T, a *ncp.Adapter) error {
			_, err := list(t, a, nil)
			return err
		}},
		{Name: "ListSites", Request: getSites, Call: func(t *testing.T, a *ncp.Adapter) error {
			_, err := a.ListSites(t.Context(), &pb.ListSitesRequest{Parent: "vendors/acme"})
			return err
		}},
		{Name: "GetUsage", Request: getSite, Call: func(t *testing.T, a *ncp.Adapter) error {
			_, err := a.GetUsage(t.Context(), &pb.GetUsageRequest{Name: demo + "/usage"})
			return err
		}},
	}
	type write = wiretest.Write[*ncp.Adapter]
	writing := func(name, request, step string, call func(context.Context, *ncp.Adapter) error) write {
		return write{Name: name, Request: request, Step: step,
			Call: func(t *testing.T, a *ncp.Adapter, log mutation.Log) error {
				return call(mutation.NewContext(t.Context(), log), a)
			}}
	}
	target := wiretest.Target[*ncp.Adapter]{
		New: func() wiretest.Twin { return demoTwin() },
		Connect: func(t *testing.T, transport http.RoundTripper, baseURL string) *ncp.Adapter {
			c := twinConfig()
			c.BaseURL = baseURL
			return adapterTo(t, c, transport)
		},
		Writes: []write{
			writing("DisableSite", putOff, "off", func(ctx context.Context, a *ncp.Adapter) error {
				change, err := a.DisableSite(ctx, &pb.DisableSiteRequest{Name: demo})
				if err == nil {
					wantSwitched(t, "DisableSite", change, err, pb.StatusChange_SUSPEND)
				}
				return err
			}),
			writing("EnableSite", "PUT /api/v1/sites/OFF/on", "on", func(ctx context.Context, a *ncp.Adapter) error {
				_, err := a.EnableSite(ctx, &pb.EnableSiteRequest{Name: off})
				return err
			}),
			writing("UpdateSite", "PUT /api/v1/sites/OFF", "update", func(ctx context.Context, a *ncp.Adapter) error {
				mask := &fieldmaskpb.FieldMask{Paths: []string{"display_name"}}
				_, err := a.UpdateSite(ctx, &pb.UpdateSiteRequest{
					Site: &pb.Site{Name: off, DisplayName: "Kids_TV"}, UpdateMask: mask,
				})
				return err
			}),
			writing("CreateSiteOrder", postSites, "order", func(ctx context.Context, a *ncp.Adapter) error {
				_, err := a.CreateSiteOrder(ctx, &pb.CreateSiteOrderRequest{
					Parent: "vendors/acme", SiteOrder: &pb.SiteOrder{DisplayName: "Kids_TV"},
				})
				return err
			}),
		},
		Own: wiretest.OwnError{Status: 200, Body: no, Code: "289999"},
		Override: map[string]wiretest.Fault{
			"a proxy's 404 with a code":      wiretest.Replying(404, proxys).As(unreadable, unknown),
			"a proxy's 400 with a code":      wiretest.Replying(400, proxys).As(unreadable, inputRefused),
			"a proxy's success with a code":  wiretest.TakingEffect(200, proxys).Code("404").As(unreadable, unknown),
			"a success of nothing":           wiretest.TakingEffect(200, `{}`).As(unreadable, unknown),
			"a failure inside HTTP 500":      wiretest.Replying(500, no).Code("289999").As(unavailable, unknown),
			"a success that does not say so": wiretest.Replying(200, `{"content":[]}`).As(unreadable, unknown),
			"a success of another form afterwards": wiretest.TakingEffect(200, `{"success":2,"content":7}`).
				As(unreadable, unknown),
		},
	}
	for _, target.Read = range reads {
		t.Run(target.Read.Name, func(t *testing.T) { wiretest.Faults(t, target) })
		target.Writes = nil // They are the same with each read.
	}
}

// A front's 401 or 403 proves no refusal, and an unknown code does not. The gateway's own does.
func TestAFrontsRefusalIsReadBack(t *testing.T) {
	for status, code := range map[int]string{401: "200", 403: "230"} {
		own := `{"error":{"errorCode":"` + code + `","message":"No"}}`
		unheard := `{"success":false,"error":{"code":289999}}`
		const kong, google = `{"message":"Forbidden"}`, `{"error":{"code":401}}`
		for _, body := range []string{"<html>no</html>", kong, google, "", unheard, own} {
			vendor := demoTwin()
			fault := wiretest.Answer(status, body)
			fault.Kind, fault.Method = twin.FaultReplace, http.MethodPut
			vendor.Faults().Add(fault)
			change, err := disable(t, adapterTo(t, twinConfig(), twin.Transport(vendor)), mutation.NewMemory())
			if body != own {
				wantSwitched(t, body, change, err, pb.StatusChange_SUSPEND)
			} else if err == nil {
				t.Errorf("HTTP %d: the gateway's refusal is a success", status)
			}
		}
	}
}

func TestAWriteUnderWayOutlivesItsCallerUntilTheTimeout(t *testing.T) {
	const timeout = 40 * time.Second
	for delay, ends := range map[time.Duration]outcome{20 * time.Second: {}, time.Hour: unknown} {
		synctest.Test(t, func(t *testing.T) {
			vendor, settings := demoTwin(), twinConfig()
			vendor.Faults().Add(twin.Fault{Kind: twin.FaultDelay, Method: http.MethodPut, Delay: delay})
			settings.Timeout = new(timeout)
			a := adapterTo(t, settings, twin.Transport(vendor))
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			begun := time.Now()
			ctx = mutation.NewContext(ctx, mutation.NewMemory())
			change, err := a.DisableSite(ctx, &pb.DisableSiteRequest{Name: demo})
			if took := time.Since(begun); took != min(delay, timeout) {
				t.Errorf("the call took %v", took)
			}
			if ends == unknown {
				want(t, "DisableSite", err, unknown)
			} else {
				wantSwitched(t, "DisableSite", change, err, pb.StatusChange_SUSPEND)
				wiretest.WantEffects(t, vendor, 1)
			}
		})
	}
}

func TestAPageThatFailsIsReadAgain(t *testing.T) {
	for _, fault := range []twin.Fault{{Kind: twin.FaultCut}, {Kind: twin.FaultCutBody}, wiretest.Answer(503, "")} {
		synctest.Test(t, func(t *testing.T) {
			_, vendor := busySite(1500, 1, emulator.Assumptions{})
			a := adapterTo(t, twinConfig(), twin.Transport(vendor))
			req := &pb.ListLicensesRequest{Parent: demo, PageSize: 1000}
			fault.Skip, fault.Times = 3, 2 // two of the pages that are read at once
			vendor.Faults().Add(fault)
			if res, err := a.ListLicenses(t.Context(), req); err != nil || len(res.GetLicenses()) != 1000 {
				t.Errorf("after two times %s: %d rows, %v", fault.Kind, len(res.GetLicenses()), err)
			}
			// One call to a vendor that is down does not open the breaker.
			vendor.Faults().Add(twin.Fault{Kind: twin.FaultAnswer, Status: 500, Skip: 1})
			_, err := a.ListLicenses(t.Context(), req)
			want(t, "ListLicenses", err, unavailable)
			vendor.Faults().Clear()
			if res, err := a.ListLicenses(t.Context(), req); err != nil || len(res.GetLicenses()) != 1000 {
				t.Errorf("a moment later: %d rows, %v", len(res.GetLicenses()), err)
			}
		})
	}
}

func TestAVendorThatIsNotThereIsUnavailable(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(nil)
	server.Close()
	c := twinConfig()
	c.BaseURL = server.URL
	a := adapterTo(t, c, nil)
	_, err := list(t, a, nil)
	want(t, "ListLicenses", err, unavailable)
	log := mutation.NewMemory()
	_, err = disable(t, a, log)
	want(t, "DisableSite", err, unavailable)
	if state := log.Get("off").State; state != mutation.NotSent {
		t.Errorf("the step is %v, and nothing was sent", state)
	}
}
