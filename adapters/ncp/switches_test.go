package ncp_test

import (
	"strings"
	"testing"
	"testing/synctest"

	"github.com/drmhub/drmhub/adapters/mutation"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

var (
	siteOn  = ok(siteRow("RUNNING", true))
	siteOff = ok(siteRow("READY", false))
)

// wantSwitched demands a change that is in effect, with the site as it was read back.
func wantSwitched(t *testing.T, what string, change *pb.StatusChange, err error, kind pb.StatusChange_Type) {
	t.Helper()
	if err != nil {
		t.Errorf("%s: %v", what, err)
		return
	}
	site := change.GetAppliedSite()
	if change.GetName() != "" || change.GetSite() != demo || change.GetService() != pb.Site_DRM ||
		change.GetType() != kind || change.GetState() != pb.StatusChange_APPLIED ||
		site.GetName() != demo || site.GetEnabled() != (kind == pb.StatusChange_RESUME) {
		t.Errorf("%s: %v", what, change)
	}
}

func TestTheSiteShowsWhatBecameOfASwitch(t *testing.T) {
	sample := answer{Body: fixture(t, "disable-site.json")} // which says that the site is on
	a, vendor := serve(t, config(), map[string][]answer{getSite: {siteOn, siteOff}, putOff: {sample}})
	for range 2 { // The second time, the site is off already.
		change, err := disable(t, a, mutation.NewMemory())
		wantSwitched(t, "DisableSite", change, err, pb.StatusChange_SUSPEND)
		if c := vendor.Only(putOff); c.Body != "" || len(c.Query) > 0 {
			t.Errorf("off is called with %q and %q", c.Query, c.Body)
		}
	}
	vendor.WantMade(getSite, 3)

	a, vendor = serve(t, config(), map[string][]answer{getSite: {siteOff, siteOn}, putOn: {ok(`null`)}})
	for range 2 {
		change, err := enable(t, a)
		wantSwitched(t, "EnableSite", change, err, pb.StatusChange_RESUME)
	}
	vendor.WantMade(putOn, 1)
}

func TestASwitchThatSomebodyElseMadeMeanwhileIsASuccess(t *testing.T) {
	for _, status := range []int{200, 400} {
		notOn, notOff := refusal(status, "281005"), refusal(status, "281006")
		a, _ := serve(t, config(), map[string][]answer{getSite: {siteOn, siteOff}, putOff: {notOn}})
		log := mutation.NewMemory()
		for _, what := range []string{"DisableSite", "DisableSite, run again"} {
			change, err := disable(t, a, log)
			wantSwitched(t, what, change, err, pb.StatusChange_SUSPEND)
		}
		a, _ = serve(t, config(), map[string][]answer{getSite: {siteOff, siteOn}, putOn: {notOff}})
		change, err := enable(t, a)
		wantSwitched(t, "EnableSite", change, err, pb.StatusChange_RESUME)

		// A refusal that the site does not confirm stays one, and so does the other call's code.
		for _, refused := range []map[string][]answer{
			{getSite: {siteOn}, putOff: {notOn}}, {getSite: {siteOn, siteOff}, putOff: {notOff}},
		} {
			a, _ := serve(t, config(), refused)
			_, err := disable(t, a, mutation.NewMemory())
			want(t, "a refusal", err, wrongState)
		}
	}
}

func TestASwitchThatTheSiteDoesNotShowIsUnknownAndSettles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // for the pauses between attempts
		done, broken := ok(`null`), answer{Status: 500}
		for what, c := range map[string]struct {
			reply answer
			shown []answer // of the site, after the switch
			puts  int
		}{
			"a success, and the site is on":         {done, []answer{siteOn, siteOff}, 1},
			"a success, and the site is not read":   {done, []answer{broken, broken, broken, siteOff}, 1},
			"a success, and the site is gone":       {done, []answer{refusal(404, "281003"), siteOff}, 1},
			"a success, and another site is shown":  {done, []answer{ok(`{"siteId":"TEST"}`), siteOff}, 1},
			"a cut, and the site is off":            {cut, []answer{siteOff}, 1},
			"a cut, and the site is on":             {cut, []answer{siteOn, siteOff}, 2},
			"HTTP 500, and the site is off":         {answer{Status: 500}, []answer{siteOff}, 1},
			"280000, and the site is on":            {refusal(400, "280000"), []answer{siteOn, siteOff}, 2},
			"280000 in HTTP 200":                    {refusal(200, "280000"), []answer{siteOff}, 1},
			"a garbled answer, and the site is off": {answer{Body: `{"success":`}, []answer{siteOff}, 1},
		} {
			replies := map[string][]answer{getSite: append([]answer{siteOn}, c.shown...), putOff: {c.reply, done}}
			a, vendor := serve(t, config(), replies)
			log := mutation.NewMemory()
			_, err := disable(t, a, log)
			want(t, what, err, unknown)
			if state := log.Get("off").State; state != mutation.Sent {
				t.Errorf("%s: the step is %v, and its outcome is unknown", what, state)
			}
			change, err := disable(t, a, log)
			wantSwitched(t, what+", run again", change, err, pb.StatusChange_SUSPEND)
			vendor.WantMade(putOff, c.puts)
		}
	})
}

func TestSwitchesThatAreNotSent(t *testing.T) {
	for _, silent := range []string{``, `,"siteEnabledYn":null`, `,"siteEnabledYn":""`} {
		body := ok(`{"siteId":"DEMO","siteStatus":"RUNNING"` + silent + `}`)
		a, _ := serve(t, config(), map[string][]answer{getSite: {body}})
		_, err := disable(t, a, mutation.NewMemory())
		wantSaid(t, silent, want(t, silent, err, unreadable), `content "DEMO": siteEnabledYn: expected true or false`)
	}
	a, vendor := serve(t, config(), map[string][]answer{
		getSite: {ok(siteRow("CREATING", true))}, putOff: {refusal(400, "281004")},
	})
	_, err := disable(t, a, mutation.NewMemory())
	want(t, "a site that is CREATING and on", err, wrongState)
	vendor.WantMade(putOff, 1)

	a, vendor = serve(t, config(), nil)
	ctx := mutation.NewContext(t.Context(), mutation.NewMemory())
	_, err = a.DisableSite(ctx, &pb.DisableSiteRequest{Name: demo, Service: pb.Site_FORENSIC_WATERMARKING})
	wantField(t, "DisableSite", err, "service")
	_, err = a.EnableSite(ctx, &pb.EnableSiteRequest{Name: demo, Service: pb.Site_FORENSIC_WATERMARKING})
	wantField(t, "EnableSite", err, "service")
	vendor.WantNothing()

	a, vendor = serve(t, config(), map[string][]answer{getSite: {siteOn}})
	ctx, dryRun := mutation.WithDryRun(t.Context())
	change, err := a.DisableSite(ctx, &pb.DisableSiteRequest{Name: demo, Service: pb.Site_DRM})
	wantSwitched(t, "a dry run", change, err, pb.StatusChange_SUSPEND)
	vendor.WantMade(getSite, 1)
	requests := dryRun.Requests()
	for _, part := range []string{
		"curl --request PUT 'http://ncp.invalid/api/v1/sites/DEMO/off'", "'X-Ncp-Region_code: KR'",
		"'Content-Type: application/json'", "'X-Ncp-Apigw-Signature-V2: [redacted]'",
		"'X-Ncp-Apigw-Timestamp: [redacted]'", "'X-Ncp-Iam-Access-Key: [redacted]'",
	} {
		if len(requests) != 1 || !strings.Contains(requests[0], part) {
			t.Errorf("it would send %q, without %s", requests, part)
		}
	}
}
