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
	req := &pb.UpdateSiteRequest{Site: site, UpdateMask: &fieldmaskpb.FieldMask{Paths: mask}}
	return a.UpdateSite(mutation.NewContext(t.Context(), log), req)
}

func TestWhatTheMaskDoesNotNameIsSentAsItWas(t *testing.T) {
	for mask, c := range map[string]struct {
		after answer
		body  string // empty if nothing is sent
	}{
		"display_name":           {named("Kids_TV", "3"), `{"siteName":"Kids_TV","policyId":3}`},
		"policy_id":              {named("Old_name", "0"), `{"siteName":"Old_name","policyId":0}`},
		"display_name policy_id": {named("Kids_TV", "0"), `{"siteName":"Kids_TV","policyId":0}`},
	} {
		replies := map[string][]answer{getSite: {named("Old_name", "3"), c.after}, putSite: {ok(`{}`)}}
		a, vendor := serve(t, config(), replies)
		wanted := func() *pb.Site { return &pb.Site{DisplayName: "Kids_TV", PolicyId: "0"} }
		for range 2 { // The second update changes nothing, and so sends nothing.
			site, err := update(t, a, mutation.NewMemory(), wanted(), strings.Fields(mask)...)
			if err != nil {
				t.Fatalf("%s: %v", mask, err)
			}
			wiretest.SameJSON(t, "the body", vendor.Only(putSite).Body, c.body)
			again, err := a.GetSite(t.Context(), &pb.GetSiteRequest{Name: demo})
			if err != nil {
				t.Fatal(err)
			}
			same(t, mask, site, again)
		}
	}
}

func TestUpdatesThatTheVendorCannotTakeAreRefused(t *testing.T) {
	a, vendor := serve(t, config(), nil)
	refused := func(field string, site *pb.Site, mask ...string) {
		_, err := update(t, a, mutation.NewMemory(), site, mask...)
		wantField(t, strings.Join(mask, " ")+" of "+site.String(), err, field)
	}
	refused("update_mask", &pb.Site{DisplayName: "Kids_TV"})
	for _, field := range []string{"enabled", "state", "fairplay_certificate", "*", "usage.date"} {
		refused("update_mask", &pb.Site{Enabled: true}, field)
	}
	refused("site.display_name", &pb.Site{Enabled: true}, "display_name", "enabled") // The first mistake is told.
	for _, name := range []string{"", "ab", "TV", strings.Repeat("a", 21), " Kids", "Kids\u00a0"} {
		refused("site.display_name", &pb.Site{DisplayName: name}, "display_name")
	}
	for _, policy := range []string{"", "-1", "+1", "01", "1.0", "99999999999999999999", "BASIC"} {
		refused("site.policy_id", &pb.Site{PolicyId: policy}, "policy_id")
	}
	vendor.WantNothing()

	// A policy or a name that the vendor does not tell would be overwritten.
	lacks := map[string]string{"display_name": "policy_id", "policy_id": "display_name"}
	for row, mask := range map[string]string{
		`{"siteId":"DEMO","siteName":"Old_name"}`:               "display_name",
		`{"siteId":"DEMO","siteName":"Old_name","policyId":""}`: "display_name",
		`{"siteId":"DEMO","policyId":7}`:                        "policy_id",
		`{"siteId":"DEMO","siteName":"Old\ud83d","policyId":7}`: "policy_id",
	} {
		a, vendor = serve(t, config(), map[string][]answer{getSite: {ok(row)}})
		_, err := update(t, a, mutation.NewMemory(), &pb.Site{DisplayName: "Kids_TV", PolicyId: "3"}, mask)
		wantSaid(t, row, want(t, row, err, unreadable), lacks[mask])
		vendor.WantMade(getSite, 1)
	}
	// A policy in another spelling is the same one.
	for _, policy := range []string{`"3"`, `3.0`, `"3.0"`} {
		a, vendor = serve(t, config(), map[string][]answer{getSite: {named("Old_name", policy)}})
		site, err := update(t, a, mutation.NewMemory(), &pb.Site{PolicyId: "3"}, "policy_id")
		if err != nil || site.GetPolicyId() != "3" {
			t.Errorf("policyId %s: %v, %v", policy, site, err)
		}
		vendor.WantMade(putSite, 0)
	}
}

func TestAnUpdateThatTheSiteDoesNotShowIsUnknownAndSettles(t *testing.T) {
	before, after := named("Old_name", "3"), named("Kids_TV", "3")
	synctest.Test(t, func(t *testing.T) {
		for what, replies := range map[string]map[string][]answer{
			"the site is as it was":   {getSite: {before, before, after}, putSite: {ok(`null`)}},
			"the site cannot be read": {getSite: {before, {Body: "no"}, after}, putSite: {ok(`null`)}},
			"the answer is lost":      {getSite: {before, after}, putSite: {cut}},
		} {
			a, vendor := serve(t, config(), replies)
			log := mutation.NewMemory()
			_, err := update(t, a, log, &pb.Site{DisplayName: "Kids_TV"}, "display_name")
			want(t, what, err, unknown)
			site, err := update(t, a, log, &pb.Site{DisplayName: "Kids_TV"}, "display_name")
			if err != nil || site.GetDisplayName() != "Kids_TV" {
				t.Errorf("%s, run again: %v, %v", what, site, err)
			}
			vendor.WantMade(putSite, 1)
		}
	})
}
