package ncp_test

import (
	"strings"
	"testing"
	"testing/synctest"

	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/drmhub/drmhub/adapters/adaptertest/wiretest"
	"github.com/drmhub/drmhub/adapters/mutation"
	"github.com/drmhub/drmhub/adapters/ncp"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// named is the site DEMO with another name and policy.
func named(name, policy string) answer {
	row := strings.Replace(siteRow("RUNNING", true), "Demo_site", name, 1)
	return ok(strings.Replace(row, `"policyId":0`, `"policyId":`+policy, 1))
}

func update(t *testing.T, a *ncp.Adapter, log mutation.Log, site *pb.Site, mask ...string) (*pb.Site, error) {
	t.Helper()
	site.Name = demo
	return a.UpdateSite(mutation.NewContext(t.Context(), log), &pb.UpdateSiteRequest{Site: site, UpdateMask: &fieldmaskpb.FieldMask{Paths: mask}})
}

func TestWhatTheMaskDoesNotNameIsSentAsItWas(t *testing.T) {
	done := answer{Body: `{"success":true,"content":{}}`}
	for what, c := range map[string]struct {
		mask  []string
		after answer
		body  string
	}{
		"display_name":               {[]string{"display_name"}, named("Kids_TV", "3"), `{"siteName":"Kids_TV","policyId":3}`},
		"policy_id":                  {[]string{"policy_id"}, named("Old_name", "0"), `{"siteName":"Old_name","policyId":0}`},
		"display_name and policy_id": {[]string{"display_name", "policy_id"}, named("Kids_TV", "0"), `{"siteName":"Kids_TV","policyId":0}`},
	} {
		a, vendor := serve(t, config(), map[string][]answer{getSite: {named("Old_name", "3"), c.after}, putSite: {done}})
		site, err := update(t, a, mutation.NewMemory(), &pb.Site{DisplayName: "Kids_TV", PolicyId: "0"}, c.mask...)
		if err != nil {
			t.Errorf("%s: %v", what, err)
			continue
		}
		wiretest.SameJSON(t, "the body", vendor.Only(putSite).Body, c.body)
		again, err := a.GetSite(t.Context(), &pb.GetSiteRequest{Name: demo})
		if err != nil {
			t.Fatal(err)
		}
		same(t, what, site, again)
	}
}

func TestAnUpdateThatChangesNothingIsNotSent(t *testing.T) {
	a, vendor := serve(t, config(), map[string][]answer{getSite: {named("Kids_TV", "3")}})
	site, err := update(t, a, mutation.NewMemory(), &pb.Site{DisplayName: "Kids_TV"}, "display_name")
	if err != nil || site.GetDisplayName() != "Kids_TV" || site.GetPolicyId() != "3" {
		t.Errorf("%v, %v", site, err)
	}
	vendor.WantMade(getSite, 1)
}

func TestUpdatesThatTheVendorCannotTakeAreRefused(t *testing.T) {
	a, vendor := serve(t, config(), nil)
	for field, c := range map[string]struct {
		site *pb.Site
		mask []string
	}{
		"update_mask":       {&pb.Site{DisplayName: "Kids_TV"}, nil},
		"site.display_name": {&pb.Site{DisplayName: "TV"}, []string{"display_name"}},
		"site.policy_id":    {&pb.Site{PolicyId: "BASIC"}, []string{"policy_id"}},
	} {
		_, err := update(t, a, mutation.NewMemory(), c.site, c.mask...)
		wantField(t, field, err, field)
	}
	for _, field := range []string{"enabled", "state", "fairplay_certificate", "*", "usage.date"} {
		_, err := update(t, a, mutation.NewMemory(), &pb.Site{Enabled: true}, "display_name", field)
		if field != "enabled" { // of two mistakes, the first one
			_, err = update(t, a, mutation.NewMemory(), &pb.Site{Enabled: true}, field)
			wantField(t, field, err, "update_mask")
			continue
		}
		wantField(t, field, err, "site.display_name")
	}
	for _, name := range []string{"", "ab", strings.Repeat("a", 21), " Kids", "Kids\u00a0"} {
		_, err := update(t, a, mutation.NewMemory(), &pb.Site{DisplayName: name}, "display_name")
		wantField(t, name, err, "site.display_name")
	}
	for _, policy := range []string{"", "-1", "+1", "01", "1.0", "99999999999999999999"} {
		_, err := update(t, a, mutation.NewMemory(), &pb.Site{PolicyId: policy}, "policy_id")
		wantField(t, policy, err, "site.policy_id")
	}
	vendor.WantNothing()
}

func TestAPolicyThatTheVendorDoesNotTellIsNotOverwritten(t *testing.T) {
	a, vendor := serve(t, config(), map[string][]answer{getSite: {ok(`{"siteId":"DEMO","siteName":"Old_name"}`)}})
	_, err := update(t, a, mutation.NewMemory(), &pb.Site{DisplayName: "Kids_TV"}, "display_name")
	wantError(t, "UpdateSite", err, unreadable.Code, unreadable.Reason)
	vendor.WantMade(getSite, 1)
}

func TestAnUpdateThatTheSiteBeliesIsUnknownAndSettles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for what, turns := range map[string]map[string][]answer{
			"the site is as it was":   {getSite: {named("Old_name", "3"), named("Old_name", "3"), named("Kids_TV", "3")}, putSite: {{Body: `{"success":true}`}}},
			"the site cannot be read": {getSite: {named("Old_name", "3"), {Body: "no"}, named("Kids_TV", "3")}, putSite: {{Body: `{"success":true}`}}},
			"the answer is lost":      {getSite: {named("Old_name", "3"), named("Kids_TV", "3")}, putSite: {cut}},
		} {
			a, vendor := serve(t, config(), turns)
			log := mutation.NewMemory()
			_, err := update(t, a, log, &pb.Site{DisplayName: "Kids_TV"}, "display_name")
			wantError(t, what, err, unknown.Code, unknown.Reason)
			site, err := update(t, a, log, &pb.Site{DisplayName: "Kids_TV"}, "display_name")
			if err != nil || site.GetDisplayName() != "Kids_TV" {
				t.Errorf("%s, run again: %v, %v", what, site, err)
			}
			vendor.WantMade(putSite, 1)
		}
	})
}

func TestATrialOfAnUpdateShowsTheSiteAsItWouldBe(t *testing.T) {
	a, vendor := serve(t, config(), map[string][]answer{getSite: {named("Old_name", "3")}})
	ctx, trial := mutation.WithDryRun(t.Context())
	site, err := a.UpdateSite(ctx, &pb.UpdateSiteRequest{Site: &pb.Site{Name: demo, PolicyId: "7"}, UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"policy_id"}}})
	if err != nil || site.GetPolicyId() != "7" || site.GetDisplayName() != "Old_name" || !site.GetEnabled() {
		t.Errorf("tried: %v, %v", site, err)
	}
	if r := trial.Requests(); len(r) != 1 || !strings.Contains(r[0], `--data-raw '{"siteName":"Old_name","policyId":7}'`) {
		t.Errorf("it would send %q", r)
	}
	vendor.WantMade(getSite, 1)
}
