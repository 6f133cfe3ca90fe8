package ncp

import (
	"context"
	"net/http"

	"google.golang.org/protobuf/proto"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/mutation"
	"github.com/drmhub/drmhub/adapters/names"
	"github.com/drmhub/drmhub/adapters/upstream"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// siteSwitch is one of the two calls that switch a site.
type siteSwitch struct {
	call    string // of PUT /sites/{siteId}/…, and the step's name
	kind    pb.StatusChange_Type
	enabled bool   // how the site is afterwards
	already string // the code for a site that was so before
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

// switchSite switches a site, unless it is so already. The vendor's own example of an answer to off
// says that the site is on: what became of it is read from the site, and so is whether a lost
// request took effect.
func (a *Adapter) switchSite(ctx context.Context, name string, service pb.Site_Service, s siteSwitch) (*pb.StatusChange, error) {
	ids, err := names.Site.IDs(name)
	if err != nil {
		return nil, apierror.Invalid("name", "%v", err)
	}
	if service != pb.Site_SERVICE_UNSPECIFIED && service != pb.Site_DRM {
		return nil, apierror.Invalid("service", "must be DRM, or left out: NAVER Cloud's sites have no other service")
	}
	find := func(ctx context.Context) (*pb.Site, error) { return a.findSite(ctx, ids[1]) }
	before, err := mutation.Snapshot(ctx, "before", find)
	if err != nil {
		return nil, err
	}
	if before.GetEnabled() == s.enabled {
		return s.applied(before), nil
	}
	return mutation.Do(ctx, mutation.Write[*pb.StatusChange]{
		Step: s.call,
		Send: func(ctx context.Context, _ mutation.Attempt) (*pb.StatusChange, error) {
			refused := a.change(ctx, a.request(http.MethodPut, "/sites"+upstream.Path(ids[1])+"/"+s.call), nil)
			if refused != nil && apierror.Convert(refused).Metadata[apierror.VendorCode] != s.already {
				return nil, refused
			}
			site, err := find(ctx)
			switch {
			case err == nil && site.GetEnabled() == s.enabled:
				return s.applied(site), nil
			case refused != nil:
				return nil, refused
			case err != nil:
				return nil, errNotReadBack(err)
			}
			return nil, apierror.OutcomeUnknown("NAVER Cloud answers success to %s, and the site, read back, has enabled %t; call again with the same request_id to settle it",
				s.call, site.GetEnabled())
		},
		ReadBack: func(ctx context.Context) (*pb.StatusChange, bool, error) {
			site, err := find(ctx)
			return s.applied(site), err == nil && site.GetEnabled() == s.enabled, err
		},
		Preview: func() *pb.StatusChange {
			site := proto.CloneOf(before)
			site.Enabled = s.enabled
			return s.applied(site)
		},
	})
}

// applied is a change that is in effect. The vendor keeps no record of it, so it has no name.
func (s siteSwitch) applied(site *pb.Site) *pb.StatusChange {
	return &pb.StatusChange{Site: site.GetName(), Service: pb.Site_DRM, Type: s.kind, State: pb.StatusChange_APPLIED, AppliedSite: site}
}

// errNotReadBack is the outcome of an accepted change that could not be read back.
func errNotReadBack(err error) *apierror.Error {
	return apierror.OutcomeUnknown("NAVER Cloud took the change, and what became of it could not be read: %v; call again with the same request_id", err)
}
