package memory

import (
	"context"

	"github.com/drmhub/drmhub/adapters/names"
	"github.com/drmhub/drmhub/adapters/paging"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// ListSites answers the vendor's sites, a page at a time.
func (a *Adapter) ListSites(ctx context.Context, req *pb.ListSitesRequest) (*pb.ListSitesResponse, error) {
	sites, err := a.sites(ctx)
	if err != nil {
		return nil, err
	}
	page, next, err := paging.Slice(req, sites)
	if err != nil {
		return nil, err
	}
	return &pb.ListSitesResponse{Sites: page, NextPageToken: next, TotalSize: int32(len(sites))}, nil
}

// GetSite looks the site up in the vendor's list.
func (a *Adapter) GetSite(ctx context.Context, req *pb.GetSiteRequest) (*pb.Site, error) {
	sites, err := a.sites(ctx)
	return named(sites, err, req.GetName(), "site")
}

// sites are the vendor's sites, by their names here.
func (a *Adapter) sites(ctx context.Context) ([]*pb.Site, error) {
	sites, err := a.vendor.Sites(ctx)
	if err != nil {
		return nil, a.explain(ctx, err)
	}
	for _, s := range sites {
		s.Name = names.Site.Name(a.id, s.GetSiteId())
	}
	return sites, nil
}
