package memory

import (
	"context"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/mutation"
	"github.com/drmhub/drmhub/adapters/names"
	"github.com/drmhub/drmhub/adapters/paging"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// DisableSite switches a site off, which this vendor does at once.
func (a *Adapter) DisableSite(ctx context.Context, req *pb.DisableSiteRequest) (*pb.StatusChange, error) {
	return a.turn(ctx, req.GetName(), req.GetService(), pb.StatusChange_SUSPEND, a.vendor.SwitchOff)
}

// EnableSite switches a site on, which this vendor does at once.
func (a *Adapter) EnableSite(ctx context.Context, req *pb.EnableSiteRequest) (*pb.StatusChange, error) {
	return a.turn(ctx, req.GetName(), req.GetService(), pb.StatusChange_RESUME, a.vendor.SwitchOn)
}

func (a *Adapter) turn(ctx context.Context, name string, service pb.Site_Service, kind pb.StatusChange_Type, turn func(context.Context, string) error) (*pb.StatusChange, error) {
	siteID, err := idOfSite(name, service)
	if err != nil {
		return nil, err
	}
	read := func(ctx context.Context) (*pb.Site, error) {
		return a.GetSite(ctx, &pb.GetSiteRequest{Name: name})
	}
	stands := func(site *pb.Site) bool { return site.GetEnabled() == (kind == pb.StatusChange_RESUME) }
	// What stood before is noted, since a method that runs again after its write would find the
	// site as it is wanted, and leave the write unsettled.
	before, err := mutation.Snapshot(ctx, "before", read)
	if err != nil {
		return nil, err
	}
	if stands(before) {
		return turned(before, kind), nil
	}
	send := func(ctx context.Context, _ mutation.Attempt) (*pb.StatusChange, error) {
		if err := turn(ctx, siteID); err != nil {
			return nil, a.explainWrite(ctx, err)
		}
		site, err := read(ctx)
		if err != nil {
			return nil, apierror.OutcomeUnknown("the vendor took the change, but the site could not be read back: %v", err)
		}
		return turned(site, kind), nil
	}
	check := func(ctx context.Context) (*pb.StatusChange, bool, error) {
		site, err := read(ctx)
		return turned(site, kind), stands(site), err
	}
	expect := func() *pb.StatusChange {
		before.Enabled, before.State = stateAfter(kind)
		return turned(before, kind)
	}
	return mutation.Do(ctx, mutation.Write[*pb.StatusChange]{Step: "turn", Send: send, ReadBack: check, Preview: expect})
}

func stateAfter(kind pb.StatusChange_Type) (enabled bool, state pb.Site_State) {
	if kind == pb.StatusChange_RESUME {
		return true, pb.Site_RUNNING
	}
	return false, pb.Site_SUSPENDED
}

// turned is the change that stands where a site is as it was to be. This vendor keeps no record of
// it, so it has no name.
func turned(site *pb.Site, kind pb.StatusChange_Type) *pb.StatusChange {
	return &pb.StatusChange{
		Site:        site.GetName(),
		Service:     pb.Site_DRM,
		Type:        kind,
		State:       pb.StatusChange_APPLIED,
		AppliedSite: site,
	}
}

func idOfSite(name string, service pb.Site_Service) (string, error) {
	if service != pb.Site_SERVICE_UNSPECIFIED && service != pb.Site_DRM {
		return "", apierror.Invalid("service", "must be DRM: this vendor has no other service")
	}
	ids, err := names.Site.IDs(name)
	if err != nil {
		return "", apierror.Invalid("name", "%v", err)
	}
	return ids[1], nil
}

// ExtendTrial asks for an extension, on which this vendor decides later.
func (a *Adapter) ExtendTrial(ctx context.Context, req *pb.ExtendTrialRequest) (*pb.StatusChange, error) {
	siteID, err := idOfSite(req.GetName(), req.GetService())
	if err != nil {
		return nil, err
	}
	latest := func(ctx context.Context) (*pb.StatusChange, error) { return a.trial(ctx, siteID) }
	before, err := mutation.Snapshot(ctx, "before", latest)
	if err != nil {
		return nil, err
	}
	if before.GetState() == pb.StatusChange_PENDING {
		return before, nil
	}
	send := func(ctx context.Context, _ mutation.Attempt) (*pb.StatusChange, error) {
		asked, err := a.vendor.AskForTrial(ctx, siteID, req.GetMessage())
		return a.change(siteID, asked), a.explainWrite(ctx, err)
	}
	check := func(ctx context.Context) (*pb.StatusChange, bool, error) {
		now, err := latest(ctx)
		return now, now.GetName() != before.GetName(), err
	}
	expect := func() *pb.StatusChange {
		return &pb.StatusChange{Site: req.GetName(), Service: pb.Site_DRM, Type: pb.StatusChange_EXTEND_TRIAL, State: pb.StatusChange_PENDING, Message: req.GetMessage()}
	}
	return mutation.Do(ctx, mutation.Write[*pb.StatusChange]{Step: "extend", Send: send, ReadBack: check, Preview: expect})
}

// ListStatusChanges answers the latest request to extend the trial: the vendor keeps no others.
func (a *Adapter) ListStatusChanges(ctx context.Context, req *pb.ListStatusChangesRequest) (*pb.ListStatusChangesResponse, error) {
	siteID, err := idOfSite(req.GetParent(), pb.Site_DRM)
	if err != nil {
		return nil, err
	}
	latest, err := a.trial(ctx, siteID)
	if err != nil {
		return nil, err
	}
	var all []*pb.StatusChange
	if s := req.GetFilter().GetService(); latest.GetName() != "" && (s == pb.Site_SERVICE_UNSPECIFIED || s == latest.GetService()) {
		all = append(all, latest)
	}
	page, next, err := paging.Slice(req, all)
	return &pb.ListStatusChangesResponse{StatusChanges: page, NextPageToken: next, TotalSize: int32(len(all))}, err
}

// CancelStatusChange takes back the request that is pending.
func (a *Adapter) CancelStatusChange(ctx context.Context, req *pb.CancelStatusChangeRequest) (*pb.StatusChange, error) {
	ids, err := names.StatusChange.IDs(req.GetName())
	if err != nil {
		return nil, apierror.Invalid("name", "%v", err)
	}
	latest := func(ctx context.Context) (*pb.StatusChange, error) { return a.trial(ctx, ids[1]) }
	before, err := mutation.Snapshot(ctx, "before", latest)
	switch {
	case err != nil:
		return nil, err
	case before.GetName() != req.GetName():
		return nil, apierror.NotFound("the vendor holds no status change %q", req.GetName())
	case before.GetState() == pb.StatusChange_CANCELLED:
		return before, nil
	}
	send := func(ctx context.Context, _ mutation.Attempt) (*pb.StatusChange, error) {
		canceled, err := a.vendor.CancelTrial(ctx, ids[1])
		return a.change(ids[1], canceled), a.explainWrite(ctx, err)
	}
	check := func(ctx context.Context) (*pb.StatusChange, bool, error) {
		now, err := latest(ctx)
		return now, now.GetState() == pb.StatusChange_CANCELLED, err
	}
	expect := func() *pb.StatusChange {
		before.State = pb.StatusChange_CANCELLED
		return before
	}
	return mutation.Do(ctx, mutation.Write[*pb.StatusChange]{Step: "cancel", Send: send, ReadBack: check, Preview: expect})
}

// trial is the latest request to extend a site's trial; empty where there never was one.
func (a *Adapter) trial(ctx context.Context, siteID string) (*pb.StatusChange, error) {
	latest, err := a.vendor.Trial(ctx, siteID)
	if err != nil {
		return nil, a.explain(ctx, err)
	}
	return a.change(siteID, latest), nil
}

func (a *Adapter) change(siteID string, held *pb.StatusChange) *pb.StatusChange {
	if held == nil {
		return &pb.StatusChange{}
	}
	held.Name, held.Site = names.StatusChange.Name(a.id, siteID, held.GetName()), names.Site.Name(a.id, siteID)
	return held
}
