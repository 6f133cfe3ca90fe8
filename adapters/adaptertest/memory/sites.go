package memory

import (
	"context"

	"github.com/drmhub/drmhub/adapters/mutation"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// ListSites returns a page of the vendor's sites.
func (a *Adapter) ListSites(ctx context.Context, req *pb.ListSitesRequest) (*pb.ListSitesResponse, error) {
	sites, next, total, err := page(ctx, req, a.vendor.Sites.List)
	return &pb.ListSitesResponse{Sites: sites, NextPageToken: next, TotalSize: total}, err
}

// GetSite looks the site up in the vendor's list.
func (a *Adapter) GetSite(ctx context.Context, req *pb.GetSiteRequest) (*pb.Site, error) {
	return a.vendor.Sites.Get(ctx, req.GetName())
}

// UpdateSite changes what the mask names.
func (a *Adapter) UpdateSite(ctx context.Context, req *pb.UpdateSiteRequest) (*pb.Site, error) {
	wanted, sites := req.GetSite(), a.vendor.Sites
	change := fields(wanted, req.GetUpdateMask().GetPaths())
	return update(ctx, sites, sites.Named(wanted.GetName()), change, wanted)
}

// DisableSite switches a site off. This vendor does so at once.
func (a *Adapter) DisableSite(ctx context.Context, req *pb.DisableSiteRequest) (*pb.StatusChange, error) {
	return a.turn(ctx, req.GetName(), req.GetService(), pb.StatusChange_SUSPEND)
}

// EnableSite switches a site on. This vendor does so at once.
func (a *Adapter) EnableSite(ctx context.Context, req *pb.EnableSiteRequest) (*pb.StatusChange, error) {
	return a.turn(ctx, req.GetName(), req.GetService(), pb.StatusChange_RESUME)
}

// turn switches a site on or off. The change has no name, because the vendor keeps no record of it.
func (a *Adapter) turn(
	ctx context.Context, name string, service pb.Site_Service, kind pb.StatusChange_Type,
) (*pb.StatusChange, error) {
	if err := onlyDRM(service); err != nil {
		return nil, err
	}
	turned, err := update(ctx, a.vendor.Sites, a.vendor.Sites.Named(name), func(s *pb.Site) {
		Turn(s, kind == pb.StatusChange_RESUME)
	})
	if err != nil {
		return nil, err
	}
	return &pb.StatusChange{
		Site: name, Service: pb.Site_DRM, Type: kind, State: pb.StatusChange_APPLIED, AppliedSite: turned,
	}, nil
}

// Turn switches a site on or off, unless it is.
func Turn(s *pb.Site, on bool) {
	if s.GetEnabled() == on {
		return
	}
	s.Enabled, s.State = on, pb.Site_SUSPENDED
	if on {
		s.State = pb.Site_RUNNING
	}
}

// ExtendTrial asks for an extension. This vendor decides on it later.
func (a *Adapter) ExtendTrial(ctx context.Context, req *pb.ExtendTrialRequest) (*pb.StatusChange, error) {
	if err := onlyDRM(req.GetService()); err != nil {
		return nil, err
	}
	ofSite := func(c *pb.StatusChange) bool { return c.GetSite() == req.GetName() }
	pending, err := mutation.Snapshot(ctx, "pending", func(ctx context.Context) (*pb.StatusChange, error) {
		changes, err := a.changes(ctx, req.GetName())
		for _, c := range changes {
			if c.GetState() == pb.StatusChange_PENDING {
				return c, err
			}
		}
		return &pb.StatusChange{}, err
	})
	if err != nil || pending.GetName() != "" {
		return pending, err
	}
	return create(ctx, a.vendor.Changes, &pb.StatusChange{
		Site: req.GetName(), Service: pb.Site_DRM, Type: pb.StatusChange_EXTEND_TRIAL,
		State: pb.StatusChange_PENDING, Message: req.GetMessage(),
	}, ofSite)
}

// changes reads the status changes of a site.
func (a *Adapter) changes(ctx context.Context, site string) ([]*pb.StatusChange, error) {
	if _, err := a.vendor.Sites.Get(ctx, site); err != nil {
		return nil, err
	}
	return a.vendor.Changes.Where(func(c *pb.StatusChange) bool { return c.GetSite() == site })(ctx)
}

// ListStatusChanges returns a page of the requests to extend the trial.
func (a *Adapter) ListStatusChanges(
	ctx context.Context, req *pb.ListStatusChangesRequest,
) (*pb.ListStatusChangesResponse, error) {
	service := req.GetFilter().GetService()
	changes, next, total, err := page(ctx, req, func(ctx context.Context) ([]*pb.StatusChange, error) {
		if service != pb.Site_SERVICE_UNSPECIFIED && service != pb.Site_DRM {
			return nil, nil
		}
		return a.changes(ctx, req.GetParent())
	})
	return &pb.ListStatusChangesResponse{StatusChanges: changes, NextPageToken: next, TotalSize: total}, err
}

// CancelStatusChange takes a request back, unless the vendor has approved it.
func (a *Adapter) CancelStatusChange(
	ctx context.Context, req *pb.CancelStatusChangeRequest,
) (*pb.StatusChange, error) {
	read := func(ctx context.Context) (*pb.StatusChange, error) {
		c, err := a.vendor.Changes.Get(ctx, req.GetName())
		if c.GetState() == pb.StatusChange_APPROVED {
			return nil, a.vendor.explain(tooLate)
		}
		return c, err
	}
	cancel := func(c *pb.StatusChange) { c.State = pb.StatusChange_CANCELLED }
	return update(ctx, a.vendor.Changes, read, cancel)
}
