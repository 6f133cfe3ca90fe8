package adaptertest_test

import (
	"context"

	"google.golang.org/protobuf/proto"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

const updatedSite = "UpdateSite changes what its mask names, and no other site"

// updatesAll gives every site the name that one is to have.
func updatesAll(ctx context.Context, req *pb.UpdateSiteRequest, b *bugged, call callOf) (proto.Message, error) {
	sites, err := b.vendor.Sites.List(ctx)
	if err != nil {
		return nil, err
	}
	for _, s := range sites {
		err := bypassesLog(ctx, func(ctx context.Context) error {
			return b.vendor.Sites.Change(ctx, s.GetName(), func(s *pb.Site) error { s.DisplayName = req.GetSite().GetDisplayName(); return nil })
		})
		if err != nil {
			return nil, err
		}
	}
	return call(ctx)
}

var siteUpdateBugs = []bug{
	{updatedSite, "ignores the mask", requesting(func(req *pb.UpdateSiteRequest) { req.UpdateMask.Paths = []string{"display_name", "policy_id"} })},
	{updatedSite, "changes one field alone", requesting(func(req *pb.UpdateSiteRequest) { req.UpdateMask.Paths = req.UpdateMask.Paths[:1] })},
	{updatedSite, "changes every site", around(updatesAll)},
	{updatedSite, "answers what was asked for", showingInstead(func(req *pb.UpdateSiteRequest, res *pb.Site) {
		proto.Reset(res)
		proto.Merge(res, req.GetSite())
	})},
	{"UpdateSite takes effect once, and says what became of it", "answers the site as it was", showingInstead(func(_ *pb.UpdateSiteRequest, res *pb.Site) { res.DisplayName = "Site_0" })},
}
