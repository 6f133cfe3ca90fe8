package ncp

import (
	"context"
	"net/http"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/mutation"
	"github.com/drmhub/drmhub/adapters/names"
	"github.com/drmhub/drmhub/adapters/upstream"
	"github.com/drmhub/drmhub/adapters/upstream/jsonx"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// siteSwitch is one of the two calls that switch a site.
type siteSwitch struct {
	call        string // the end of PUT /sites/{siteId}/…, and the name of the step
	kind        pb.StatusChange_Type
	enabled     bool   // the state of the site afterwards
	alreadyCode string // the vendor's code if the site already has this state
}

var (
	off = siteSwitch{"off", pb.StatusChange_SUSPEND, false, notOn}
	on  = siteSwitch{"on", pb.StatusChange_RESUME, true, notOff}
)

// DisableSite is PUT /sites/{siteId}/off, which takes no message.
func (a *Adapter) DisableSite(ctx context.Context, req *pb.DisableSiteRequest) (*pb.StatusChange, error) {
	return a.switchSite(ctx, req.GetName(), req.GetService(), off)
}

// EnableSite is PUT /sites/{siteId}/on, which takes no message.
func (a *Adapter) EnableSite(ctx context.Context, req *pb.EnableSiteRequest) (*pb.StatusChange, error) {
	return a.switchSite(ctx, req.GetName(), req.GetService(), on)
}

// switchSite switches a site, unless it already has the wanted state. It reads the outcome from the
// site: in the vendor's own example, the response to off shows the site as on.
func (a *Adapter) switchSite(
	ctx context.Context, name string, service pb.Site_Service, s siteSwitch,
) (*pb.StatusChange, error) {
	ids, err := names.Site.IDs(name)
	if err != nil {
		return nil, apierror.Invalid("name", "%v", err)
	}
	if service != pb.Site_SERVICE_UNSPECIFIED && service != pb.Site_DRM {
		return nil, apierror.Invalid("service", "must be DRM or empty: NAVER Cloud's sites have no other service")
	}
	find := func(ctx context.Context) (*pb.Site, error) {
		row, err := a.findRow(ctx, ids[1])
		switch {
		case err != nil:
			return nil, err
		case row.SiteEnabledYn == nil: // Silence does not say that the site is off.
			silent := &jsonx.Misfit{Path: "siteEnabledYn", Expected: "true or false"}
			return nil, unreadable("content", row.SiteID, silent)
		}
		site := a.site(*row)
		if !s.enabled { // A site that is still CREATING may be on, and will then issue licenses.
			site.Enabled = *row.SiteEnabledYn
		}
		return site, nil
	}
	before, err := mutation.Snapshot(ctx, "before", find)
	if err != nil {
		return nil, err
	}
	site, err := mutation.DoUpdate(ctx, mutation.Update[*pb.Site]{
		Vendor: vendorName, Step: s.call, Before: before, Read: find,
		Change: func(site *pb.Site) { site.Enabled = s.enabled },
		Send: func(ctx context.Context) error {
			err := a.change(ctx, a.request(http.MethodPut, "/sites"+upstream.Path(ids[1])+"/"+s.call), nil)
			if err != nil && apierror.Convert(err).Metadata[apierror.VendorCode] == s.alreadyCode {
				// Somebody else may have switched the site. Its state shows whether that is so.
				if site, unread := find(ctx); unread == nil && site.GetEnabled() == s.enabled {
					return nil
				}
			}
			return err
		},
	})
	if err != nil {
		return nil, err
	}
	return s.applied(site), nil
}

// applied returns a change that is in effect. The vendor keeps no record of it, so it has no name.
func (s siteSwitch) applied(site *pb.Site) *pb.StatusChange {
	return &pb.StatusChange{
		Site: site.GetName(), Service: pb.Site_DRM, Type: s.kind, State: pb.StatusChange_APPLIED, AppliedSite: site,
	}
}
