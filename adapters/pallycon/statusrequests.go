package pallycon

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/mutation"
	"github.com/drmhub/drmhub/adapters/names"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// DisableSite is "Request service status change" with SM002. PallyCon decides on it later.
func (a *Adapter) DisableSite(ctx context.Context, req *pb.DisableSiteRequest) (*pb.StatusChange, error) {
	return a.requestChange(ctx, req, pb.StatusChange_SUSPEND)
}

// EnableSite is "Request service status change" with SM001. PallyCon decides on it later.
func (a *Adapter) EnableSite(ctx context.Context, req *pb.EnableSiteRequest) (*pb.StatusChange, error) {
	return a.requestChange(ctx, req, pb.StatusChange_RESUME)
}

// ExtendTrial is "Request service status change" with SM003. PallyCon decides on it later.
func (a *Adapter) ExtendTrial(ctx context.Context, req *pb.ExtendTrialRequest) (*pb.StatusChange, error) {
	return a.requestChange(ctx, req, pb.StatusChange_EXTEND_TRIAL)
}

// A serviceRequest asks for a change of one service of a site.
type serviceRequest interface {
	GetName() string
	GetService() pb.Site_Service
	GetMessage() string
}

// requestChange asks for a change. It sends nothing if the service is as wanted, or if the same
// change is pending.
//
// A lost request is read back from the latest change of the service, as changeRequest says.
func (a *Adapter) requestChange(
	ctx context.Context, req serviceRequest, kind pb.StatusChange_Type,
) (*pb.StatusChange, error) {
	ids, err := names.Site.IDs(req.GetName())
	if err != nil {
		return nil, apierror.Invalid("name", "%v", err)
	}
	siteID, serviceCode := ids[1], code(services, max(req.GetService(), pb.Site_DRM))
	before, err := mutation.Snapshot(ctx, "before", func(ctx context.Context) (*pb.StatusChange, error) {
		return a.changeBefore(ctx, siteID, serviceCode, kind)
	})
	if err != nil {
		return nil, err
	}
	pending := before.GetState() == pb.StatusChange_PENDING && before.GetType() == kind
	if pending || before.GetState() == pb.StatusChange_APPLIED {
		return before, nil
	}
	r := &changeRequest{adapter: a, siteID: siteID, serviceCode: serviceCode, kind: kind,
		message: req.GetMessage(), before: before}
	return mutation.DoCreate(ctx, mutation.Create[*pb.StatusChange]{
		Step:   strings.ToLower(kind.String()),
		Before: []string{before.GetName()},
		List:   r.arrived,
		Send: func(ctx context.Context, _ mutation.Attempt) (*pb.StatusChange, error) {
			made, err := r.send(ctx)
			r.refused = err != nil && isRefusal(err)
			return made, err
		},
		Preview: func() *pb.StatusChange {
			return &pb.StatusChange{
				Site: a.siteName(siteID), Service: services[serviceCode], VendorService: serviceCode,
				Type: kind, VendorType: code(changeTypes, kind),
				State: pb.StatusChange_PENDING, VendorState: pendingCode, Message: req.GetMessage(),
			}
		},
	})
}

// send asks for the change once.
func (r *changeRequest) send(ctx context.Context) (*pb.StatusChange, error) {
	a, wanted := r.adapter, code(changeTypes, r.kind)
	params := url.Values{"service_code": {r.serviceCode}, "request_type": {wanted}}
	if r.message != "" {
		params.Set("request_message", r.message)
	}
	response, err := change[*statusChangeRow](ctx, a, http.MethodPost, statusCall(r.siteID), params)
	if err != nil {
		return nil, err
	}
	row := response.Data
	if row == nil || row.check(r.siteID, r.serviceCode) != nil || cmp.Or(row.RegType, wanted) != wanted {
		return nil, apierror.OutcomeUnknown(
			"Outcome unknown: PallyCon reported success without the requested change" + mutation.RetryAdvice)
	}
	row.RegType, row.RegStatus = wanted, pendingCode // The response leaves out the status.
	made := a.statusChange(r.siteID, r.serviceCode, *row)
	if made.GetName() == r.before.GetName() {
		return nil, apierror.OutcomeUnknown(
			"Outcome unknown: PallyCon reported success with the change of before" + mutation.RetryAdvice)
	}
	return made, nil
}

// inEffect are the changes that a service's state shows. It does not show how long a trial is.
var inEffect = map[pb.StatusChange_Type]pb.Site_ServiceState_State{
	pb.StatusChange_SUSPEND: pb.Site_ServiceState_SUSPENDED,
	pb.StatusChange_RESUME:  pb.Site_ServiceState_ACTIVE,
}

// changeBefore returns the latest change of a service, or a noChange. If the service is already as
// the change would make it, it returns an APPLIED change instead.
func (a *Adapter) changeBefore(
	ctx context.Context, siteID, serviceCode string, kind pb.StatusChange_Type,
) (*pb.StatusChange, error) {
	site, err := a.findSite(ctx, siteID)
	if err != nil {
		return nil, err
	}
	for _, s := range site.GetServices() {
		if s.GetVendorService() != serviceCode {
			continue
		}
		if state, shows := inEffect[kind]; shows && s.GetState() == state {
			return &pb.StatusChange{
				Site: site.GetName(), Service: s.GetService(), VendorService: serviceCode,
				Type: kind, State: pb.StatusChange_APPLIED, AppliedSite: site,
			}, nil
		}
		began := time.Now()
		latest, err := a.latest(ctx, siteID, serviceCode)
		switch {
		case err != nil:
			return nil, err
		case latest.row == nil:
			return latest.noChange(began), nil
		}
		return latest.change(a, siteID, serviceCode), nil
	}
	return nil, noService(siteID, serviceCode)
}

// CancelStatusChange is "Cancel service status change request". PallyCon accepts it while the
// change is pending.
func (a *Adapter) CancelStatusChange(
	ctx context.Context, req *pb.CancelStatusChangeRequest,
) (*pb.StatusChange, error) {
	ids, err := names.StatusChange.IDs(req.GetName())
	if err != nil {
		return nil, apierror.Invalid("name", "%v", err)
	}
	siteID := ids[1]
	serviceCode, groupID, _ := strings.Cut(ids[2], ".")
	if services[serviceCode] == pb.Site_SERVICE_UNSPECIFIED || groupID == "" {
		return nil, apierror.NotFound("site %q has no status change %q: "+
			"use an id from ListStatusChanges, {service_code}.{req_group_id}", siteID, ids[2])
	}
	before, err := mutation.Snapshot(ctx, "before", func(ctx context.Context) (*pb.StatusChange, error) {
		return a.changeOfSite(ctx, siteID, serviceCode)
	})
	switch {
	case err != nil:
		return nil, err
	case before.GetName() != req.GetName():
		return nil, apierror.NotFound(
			"site %q has no status change %q: PallyCon shows only the latest change of a service", siteID, ids[2])
	case before.GetState() == pb.StatusChange_CANCELLED:
		return before, nil
	case before.GetState() != pb.StatusChange_PENDING:
		return nil, apierror.New(codes.FailedPrecondition, pb.ErrorReason_VENDOR_STATE,
			"status change %q is %s (%s): only a pending change can be canceled",
			ids[2], before.GetState(), before.GetVendorState())
	}
	return mutation.Do(ctx, mutation.Write[*pb.StatusChange]{
		Step: "cancel",
		Send: func(ctx context.Context, _ mutation.Attempt) (*pb.StatusChange, error) {
			return a.sendCancellation(ctx, siteID, serviceCode, groupID)
		},
		ReadBack: func(ctx context.Context) (*pb.StatusChange, bool, error) {
			shown, err := a.latest(ctx, siteID, serviceCode)
			if err != nil {
				return nil, false, err
			}
			latest := shown.change(a, siteID, serviceCode)
			switch {
			case shown.row == nil:
				err = unproven("PallyCon shows no change of the service at the moment%s", because(shown.refusal))
			case latest.GetName() != req.GetName():
				err = apierror.New(codes.FailedPrecondition, pb.ErrorReason_VENDOR_STATE,
					"PallyCon shows only the latest change of a service, and there is a newer one")
			}
			return latest, latest.GetState() == pb.StatusChange_CANCELLED, err
		},
		Preview: func() *pb.StatusChange {
			before.State, before.VendorState = pb.StatusChange_CANCELLED, code(changeStates, pb.StatusChange_CANCELLED)
			return before
		},
	})
}

// changeOfSite returns the latest change of a service. If PallyCon refuses to show it, changeOfSite
// checks that PallyCon has the site.
func (a *Adapter) changeOfSite(ctx context.Context, siteID, serviceCode string) (*pb.StatusChange, error) {
	latest, err := a.latest(ctx, siteID, serviceCode)
	if err != nil {
		return nil, err
	}
	if latest.refusal != "" { // It may be due to the site.
		_, err = a.findSite(ctx, siteID)
	}
	return latest.change(a, siteID, serviceCode), err
}

// sendCancellation cancels a change once.
func (a *Adapter) sendCancellation(
	ctx context.Context, siteID, serviceCode, groupID string,
) (*pb.StatusChange, error) {
	params := url.Values{
		"service_code": {serviceCode}, "request_type": {"SM004"}, "request_group_id": {groupID},
	}
	response, err := change[*statusChangeRow](ctx, a, http.MethodPut, statusCall(siteID), params)
	if err != nil {
		return nil, err
	}
	row := response.Data
	if row == nil || row.ReqGroupID != groupID || changeStates[row.RegStatus] != pb.StatusChange_CANCELLED {
		return nil, apierror.OutcomeUnknown(
			"Outcome unknown: PallyCon reported success without the canceled change (ST002)" + mutation.RetryAdvice)
	}
	return a.statusChange(siteID, serviceCode, *row), nil
}
