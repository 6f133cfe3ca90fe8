package main

import (
	"fmt"
	"strconv"
	"strings"

	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/drmhub/drmhub/adapters/ncp/emulator"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// The numbers of sites and policies, which all clients share.
const (
	ncpSites    = 40
	ncpPolicies = 6
)

func ncpKinds() []*opKind {
	const vendor = "ncp"
	return []*opKind{
		newKind(vendor, pb.SiteService_CreateSiteOrder_FullMethodName, planNCPOrder, func(o *op, a *pb.SiteOrder) {
			o.claims[0].key = lastSegment(a.GetName())
		}),
		newKind(vendor, pb.SiteService_UpdateSite_FullMethodName, planNCPUpdate, func(*op, *pb.Site) {}).resting(),
		newKind(vendor, pb.SiteService_DisableSite_FullMethodName, func(_ *testbed, o *op) {
			site := ncpSite(o)
			o.request = &pb.DisableSiteRequest{Name: "vendors/ncp/sites/" + site}
			o.claim(&claim{step: "off", effect: emulator.EffectSiteDisabled, key: site})
			o.sets["ncp "+site+" enabled"] = "false"
		}, func(*op, *pb.StatusChange) {}).resting(),
		newKind(vendor, pb.SiteService_EnableSite_FullMethodName, func(_ *testbed, o *op) {
			site := ncpSite(o)
			o.request = &pb.EnableSiteRequest{Name: "vendors/ncp/sites/" + site}
			o.claim(&claim{step: "on", effect: emulator.EffectSiteEnabled, key: site})
			o.sets["ncp "+site+" enabled"] = "true"
		}, func(*op, *pb.StatusChange) {}).resting(),
	}
}

// ncpSite returns a site that other clients change too, some more often than others.
func ncpSite(o *op) string {
	n := ncpSites
	if o.chance(0.3) {
		n /= 10
	}
	return ncpSiteID(o.random.IntN(n))
}

func ncpSiteID(n int) string { return fmt.Sprintf("drm-20260101000000-%05d", n) }

// planNCPOrder orders sites. Some share a name but are different sites.
func planNCPOrder(_ *testbed, o *op) {
	name, policy := o.token, strconv.Itoa(o.random.IntN(ncpPolicies))
	if o.chance(0.2) {
		name = o.shared(40)
	}
	order := &pb.SiteOrder{DisplayName: name, PolicyId: policy}
	o.request = &pb.CreateSiteOrderRequest{Parent: "vendors/ncp", SiteOrder: order}
	c := claimBy("order", emulator.EffectSiteCreated, "siteName", name)
	c.details["policyId"] = policy
	o.claim(c)
}

// planNCPUpdate changes the name, the policy or both. The vendor takes both at once, so the adapter
// sends the other one as it was read.
func planNCPUpdate(b *testbed, o *op) {
	site := ncpSite(o)
	if s, chosen := oneOfLast(o, b.ncp.Sites()); chosen {
		site = s.SiteID
	}
	s := &pb.Site{Name: "vendors/ncp/sites/" + site}
	c := &claim{step: "update", effect: emulator.EffectSiteUpdated, key: site, details: map[string]string{}}
	which := o.random.IntN(3)
	var mask []string
	if which != 0 {
		s.DisplayName = o.token
		mask = append(mask, "display_name")
		c.details["siteName"] = o.token
	}
	if which != 1 {
		s.PolicyId = strconv.Itoa(o.random.IntN(ncpPolicies))
		mask = append(mask, "policy_id")
		c.details["policyId"] = s.GetPolicyId()
	}
	o.request = &pb.UpdateSiteRequest{Site: s, UpdateMask: &fieldmaskpb.FieldMask{Paths: mask}}
	o.claim(c)
	for name, value := range c.details {
		o.sets["ncp "+site+" "+name] = value
	}
}

// ncpWrite returns the RPC that makes a write, or "" for a read.
func ncpWrite(method, path, _ string) string {
	switch {
	case method == "GET":
		return ""
	case method == "POST":
		return "CreateSiteOrder"
	case strings.HasSuffix(path, "/off"):
		return "DisableSite"
	case strings.HasSuffix(path, "/on"):
		return "EnableSite"
	}
	return "UpdateSite"
}
