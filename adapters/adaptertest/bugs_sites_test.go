package adaptertest_test

import (
	"context"

	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/paging"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// pagingSites changes each page of ListSites.
func pagingSites(change func(*pb.ListSitesRequest, *pb.ListSitesResponse)) func(*bugged) {
	return func(b *bugged) {
		b.sites = func(ctx context.Context, req *pb.ListSitesRequest) (*pb.ListSitesResponse, error) {
			res, err := b.good.ListSites(ctx, req)
			if err == nil {
				change(req, res)
			}
			return res, err
		}
	}
}

func getting(change func(*pb.Site, error) (*pb.Site, error)) func(*bugged) {
	return func(b *bugged) {
		b.site = func(ctx context.Context, req *pb.GetSiteRequest) (*pb.Site, error) {
			return change(b.good.GetSite(ctx, req))
		}
	}
}

// unsized forgets that there can be more sites than fit on a page.
func unsized(b *bugged) {
	b.sites = func(ctx context.Context, req *pb.ListSitesRequest) (*pb.ListSitesResponse, error) {
		return b.good.ListSites(ctx, &pb.ListSitesRequest{Parent: req.GetParent(), PageSize: paging.MaxSize})
	}
}

var siteBugs = []bug{
	{"ListSites gives every site exactly once, whatever the page size", "ends after the first page", pagingSites(func(_ *pb.ListSitesRequest, res *pb.ListSitesResponse) {
		res.NextPageToken = ""
	})},
	{"ListSites gives every site exactly once, whatever the page size", "ignores the page size", unsized},
	{"ListSites gives every site exactly once, whatever the page size", "loses a site between pages", pagingSites(func(req *pb.ListSitesRequest, res *pb.ListSitesResponse) {
		if req.GetPageToken() != "" {
			res.Sites = res.Sites[1:]
		}
	})},
	{"ListSites shows a site as the vendor holds it", "shows every site as enabled", showingSites(func(s *pb.Site) { s.Enabled = true })},
	{"ListSites shows a site as the vendor holds it", "shows an id for a name", showingSites(func(s *pb.Site) { s.DisplayName = s.GetSiteId() })},
	{"a vendor without sites has an empty list", "finds nothing", func(b *bugged) {
		b.sites = func(ctx context.Context, req *pb.ListSitesRequest) (*pb.ListSitesResponse, error) {
			res, err := b.good.ListSites(ctx, req)
			if len(res.GetSites()) == 0 {
				return nil, apierror.NotFound("no sites")
			}
			return res, err
		}
	}},
	{"GetSite shows what ListSites shows", "shows less", getting(func(s *pb.Site, err error) (*pb.Site, error) {
		return &pb.Site{Name: s.GetName(), SiteId: s.GetSiteId()}, err
	})},
	{"GetSite of an unknown site is NOT_FOUND", "shows an empty site", getting(func(s *pb.Site, err error) (*pb.Site, error) {
		if err != nil {
			return &pb.Site{}, nil
		}
		return s, nil
	})},
	{"GetSite of an unknown site is NOT_FOUND", "says INVALID_ARGUMENT", recoded(codes.InvalidArgument, pb.ErrorReason_REQUEST_INVALID)},
}
