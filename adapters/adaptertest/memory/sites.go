package memory

import (
	"context"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/mutation"
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
	if err != nil {
		return nil, err
	}
	for _, s := range sites {
		if s.GetName() == req.GetName() {
			return s, nil
		}
	}
	return nil, apierror.NotFound("the vendor holds no site %q; ListSites tells which it holds", req.GetName())
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

// DisableSite switches a site off, which this vendor does at once.
func (a *Adapter) DisableSite(ctx context.Context, req *pb.DisableSiteRequest) (*pb.StatusChange, error) {
	if s := req.GetService(); s != pb.Site_SERVICE_UNSPECIFIED && s != pb.Site_DRM {
		return nil, apierror.Invalid("service", "must be DRM: this vendor has no other service")
	}
	ids, err := names.Site.IDs(req.GetName())
	if err != nil {
		return nil, apierror.Invalid("name", "%v", err)
	}
	read := func(ctx context.Context) (*pb.Site, error) {
		return a.GetSite(ctx, &pb.GetSiteRequest{Name: req.GetName()})
	}
	// What stood before is noted, since a method that runs again after its write would find the site off, and leave the write unsettled.
	before, err := mutation.Note(ctx, "before", read)
	if err != nil {
		return nil, err
	}
	if !before.GetEnabled() {
		return switchedOff(before), nil
	}
	send := func(ctx context.Context) (*pb.StatusChange, error) {
		if err := a.vendor.SwitchOff(ctx, ids[1]); err != nil {
			return nil, a.explainWrite(ctx, err)
		}
		site, err := read(ctx)
		if err != nil {
			return nil, apierror.OutcomeUnknown("the vendor took the change, but the site could not be read back: %v", err)
		}
		return switchedOff(site), nil
	}
	check := func(ctx context.Context) (*pb.StatusChange, bool, error) {
		site, err := read(ctx)
		return switchedOff(site), !site.GetEnabled(), err
	}
	return mutation.Do(ctx, "switch off", send, check)
}

// switchedOff is the change that stands where a site is off. This vendor keeps no record of it, so it has no name.
func switchedOff(site *pb.Site) *pb.StatusChange {
	return &pb.StatusChange{
		Site:        site.GetName(),
		Service:     pb.Site_DRM,
		Type:        pb.StatusChange_SUSPEND,
		State:       pb.StatusChange_APPLIED,
		AppliedSite: site,
	}
}
