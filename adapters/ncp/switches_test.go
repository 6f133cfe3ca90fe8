package ncp_test

import (
	"strings"
	"testing"
	"testing/synctest"

	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/mutation"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// wantSwitched demands a change that is in effect, with the site as it was read back.
func wantSwitched(t *testing.T, what string, change *pb.StatusChange, err error, kind pb.StatusChange_Type) {
	t.Helper()
	if err != nil {
		t.Errorf("%s: %v", what, err)
		return
	}
	site := change.GetAppliedSite()
	if change.GetName() != "" || change.GetSite() != demo || change.GetService() != pb.Site_DRM || change.GetType() != kind || change.GetState() != pb.StatusChange_APPLIED ||
		site.GetName() != demo || site.GetEnabled() != (kind == pb.StatusChange_RESUME) {
		t.Errorf("%s: %v", what, change)
	}
}

var (
	siteOn  = ok(siteRow("RUNNING", true))
	siteOff = ok(siteRow("READY", false))
)

func TestWhatBecameOfASwitchIsReadFromTheSite(t *testing.T) {
	sample := answer{Body: fixture(t, "disable-site.json")} // which says that the site is on
	a, vendor := serve(t, config(), map[string][]answer{getSite: {siteOn, siteOff}, putOff: {sample}})
	change, err := disable(t, a, mutation.NewMemory())
	wantSwitched(t, "DisableSite", change, err, pb.StatusChange_SUSPEND)
	if c := vendor.Only(putOff); c.Body != "" || len(c.Query) > 0 {
		t.Errorf("off is called with %q and %q", c.Query, c.Body)
	}
	vendor.WantMade(getSite, 2)

	a, vendor = serve(t, config(), map[string][]answer{getSite: {siteOff, siteOn}, putOn: {{Body: `{"success":true}`}}})
	change, err = a.EnableSite(mutation.NewContext(t.Context(), mutation.NewMemory()), &pb.EnableSiteRequest{Name: demo, Service: pb.Site_DRM})
	wantSwitched(t, "EnableSite", change, err, pb.StatusChange_RESUME)
	vendor.WantMade(putOn, 1)
}

func TestASiteThatIsSwitchedAlreadyIsLeftAlone(t *testing.T) {
	a, vendor := serve(t, config(), map[string][]answer{getSite: {siteOff}})
	change, err := disable(t, a, mutation.NewMemory())
	wantSwitched(t, "DisableSite", change, err, pb.StatusChange_SUSPEND)
	vendor.WantMade(getSite, 1)
	a, _ = serve(t, config(), map[string][]answer{getSite: {siteOn}})
	change, err = a.EnableSite(mutation.NewContext(t.Context(), mutation.NewMemory()), &pb.EnableSiteRequest{Name: demo})
	wantSwitched(t, "EnableSite", change, err, pb.StatusChange_RESUME)
}

func TestASwitchThatSomebodyElseMadeMeanwhileIsASuccess(t *testing.T) {
	for _, status := range []int{200, 400} {
		a, _ := serve(t, config(), map[string][]answer{getSite: {siteOn, siteOff}, putOff: {refusal(status, "281005")}})
		log := mutation.NewMemory()
		for _, what := range []string{"DisableSite", "DisableSite, run again"} {
			change, err := disable(t, a, log)
			wantSwitched(t, what, change, err, pb.StatusChange_SUSPEND)
		}
		a, _ = serve(t, config(), map[string][]answer{getSite: {siteOff, siteOn}, putOn: {refusal(status, "281006")}})
		change, err := a.EnableSite(mutation.NewContext(t.Context(), mutation.NewMemory()), &pb.EnableSiteRequest{Name: demo})
		wantSwitched(t, "EnableSite", change, err, pb.StatusChange_RESUME)
	}
	// The vendor says that the site is off, and shows that it is on: then the refusal stands.
	a, _ := serve(t, config(), map[string][]answer{getSite: {siteOn}, putOff: {refusal(400, "281005")}})
	_, err := disable(t, a, mutation.NewMemory())
	wantError(t, "a refusal that the site belies", err, wrongState.Code, wrongState.Reason)
	// The other call's code is a refusal like any other.
	a, vendor := serve(t, config(), map[string][]answer{getSite: {siteOn, siteOff}, putOff: {refusal(400, "281006")}})
	_, err = disable(t, a, mutation.NewMemory())
	wantError(t, "the other call's code", err, wrongState.Code, wrongState.Reason)
	vendor.WantMade(getSite, 1)
}

func TestASuccessThatTheSiteBeliesIsNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // for the pauses between attempts
		for what, after := range map[string][]answer{
			"the site is still on":    {siteOn, siteOn},
			"the site cannot be read": {siteOn, {Status: 500}},
			"the site is gone":        {siteOn, refusal(404, "281003")},
			"another site is shown":   {siteOn, ok(`{"siteId":"TEST"}`)},
		} {
			a, vendor := serve(t, config(), map[string][]answer{getSite: after, putOff: {{Body: fixture(t, "disable-site.json")}}})
			log := mutation.NewMemory()
			_, err := disable(t, a, log)
			wantError(t, what, err, unknown.Code, unknown.Reason)
			if state := log.Get("off").State; state != mutation.Sent {
				t.Errorf("%s: the step is %v, and nobody knows what became of it", what, state)
			}
			// Run again, the site shows it.
			vendor.Replies[getSite] = []answer{siteOff}
			change, err := disable(t, a, log)
			wantSwitched(t, what+", run again", change, err, pb.StatusChange_SUSPEND)
			vendor.WantMade(putOff, 1)
		}
	})
}

func TestALostSwitchIsSettledByTheSite(t *testing.T) {
	for what, c := range map[string]struct {
		lost  answer
		after answer // what the site shows then
		puts  int
	}{
		"cut, and it took effect":      {cut, siteOff, 1},
		"cut, and it took none":        {cut, siteOn, 2},
		"HTTP 500, and it took effect": {answer{Status: 500}, siteOff, 1},
		"280000, and it took none":     {refusal(400, "280000"), siteOn, 2},
		"280000 in HTTP 200":           {refusal(200, "280000"), siteOff, 1},
		"garbled, and it took effect":  {answer{Body: `{"success":`}, siteOff, 1},
	} {
		a, vendor := serve(t, config(), map[string][]answer{getSite: {siteOn, c.after, siteOff}, putOff: {c.lost, {Body: `{"success":true}`}}})
		log := mutation.NewMemory()
		_, err := disable(t, a, log)
		wantError(t, what, err, unknown.Code, unknown.Reason)
		vendor.WantMade(getSite, 1)
		change, err := disable(t, a, log)
		wantSwitched(t, what+", run again", change, err, pb.StatusChange_SUSPEND)
		vendor.WantMade(putOff, c.puts)
	}
}

func TestOtherServicesAreRefused(t *testing.T) {
	a, vendor := serve(t, config(), nil)
	ctx := mutation.NewContext(t.Context(), mutation.NewMemory())
	_, err := a.DisableSite(ctx, &pb.DisableSiteRequest{Name: demo, Service: pb.Site_FORENSIC_WATERMARKING})
	wantField(t, "DisableSite", err, "service")
	_, err = a.EnableSite(ctx, &pb.EnableSiteRequest{Name: demo, Service: pb.Site_FORENSIC_WATERMARKING})
	wantField(t, "EnableSite", err, "service")
	vendor.WantNothing()
}

func TestATrialOfASwitchShowsTheRequest(t *testing.T) {
	a, vendor := serve(t, config(), map[string][]answer{getSite: {siteOn}})
	ctx, trial := mutation.WithDryRun(t.Context())
	change, err := a.DisableSite(ctx, &pb.DisableSiteRequest{Name: demo})
	wantSwitched(t, "tried", change, err, pb.StatusChange_SUSPEND)
	vendor.WantMade(getSite, 1)
	requests := trial.Requests()
	if len(requests) != 1 {
		t.Fatalf("it would send %q, want one request", requests)
	}
	for _, part := range []string{
		"curl --request PUT 'http://ncp.invalid/api/v1/sites/DEMO/off'", "'Content-Type: application/json'", "'X-Ncp-Apigw-Signature-V2: [redacted]'",
		"'X-Ncp-Apigw-Timestamp: [redacted]'", "'X-Ncp-Iam-Access-Key: [redacted]'", "'X-Ncp-Region_code: KR'",
	} {
		if !strings.Contains(requests[0], part) {
			t.Errorf("it would send %s, without %s", requests[0], part)
		}
	}
}

func TestASwitchOfAnUnknownSiteIsNotFound(t *testing.T) {
	a, _ := serve(t, config(), map[string][]answer{getSite: {refusal(400, "281003")}})
	log := mutation.NewMemory()
	_, err := disable(t, a, log)
	wantError(t, "DisableSite", err, codes.NotFound, pb.ErrorReason_RESOURCE_NOT_FOUND)
	if state := log.Get("off").State; state != mutation.NotSent {
		t.Errorf("the step is %v, and nothing was sent", state)
	}
}
