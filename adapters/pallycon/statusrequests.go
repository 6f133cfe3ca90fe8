package pallycon

import (
	"context"
	"net/http"
	"net/url"
	"strings"

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

// serviceRequest asks for a change of one service of a site.
type serviceRequest interface {
	GetName() string
	GetService() pb.Site_Service
	GetMessage() string
}

// requestChange asks for a change, unless it stands already.
//
// Whether a lost request arrived is read back from the latest change of the service, which is
// another one than before if it did.
func (a *Adapter) requestChange(ctx context.Context, req serviceRequest, kind pb.StatusChange_Type) (*pb.StatusChange, error) {
	ids, err := names.Site.IDs(req.GetName())
	if err != nil {
		return nil, apierror.Invalid("name", "%v", err)
	}
	siteID, serviceCode := ids[1], code(services, max(req.GetService(), pb.Site_DRM))
	before, err := mutation.Snapshot(ctx, "before", func(ctx context.Context) (*pb.StatusChange, error) {
		return a.standing(ctx, siteID, serviceCode, kind)
	})
	if err != nil {
		return nil, err
	}
	if before.GetState() == pb.StatusChange_APPLIED || before.GetState() == pb.StatusChange_PENDING && before.GetType() == kind {
		return before, nil
	}
	return mutation.Do(ctx, mutation.Write[*pb.StatusChange]{
		Step: strings.ToLower(kind.String()),
		Send: func(ctx context.Context, _ mutation.Attempt) (*pb.StatusChange, error) {
			params := url.Values{"service_code": {serviceCode}, "request_type": {code(changeTypes, kind)}}
			if req.GetMessage() != "" {
				params.Set("request_message", req.GetMessage())
			}
			answer, err := change[*statusChangeRow](ctx, a, http.MethodPost, statusCall(siteID), params)
			if err != nil {
				return nil, err
			}
			if answer.Data == nil || answer.Data.ReqGroupID == "" {
				return nil, apierror.OutcomeUnknown("PallyCon answers success and no req_group_id")
			}
			// the answer leaves it out: a change that has just been asked for
			answer.Data.RegStatus = "ST001"
			return a.statusChange(siteID, serviceCode, *answer.Data), nil
		},
		ReadBack: func(ctx context.Context) (*pb.StatusChange, bool, error) {
			latest, err := a.latestChange(ctx, siteID, serviceCode)
			return latest, latest.GetName() != before.GetName() && latest.GetType() == kind, err
		},
		Preview: func() *pb.StatusChange {
			return &pb.StatusChange{
				Site: a.siteName(siteID), Service: services[serviceCode], VendorService: serviceCode,
				Type: kind, VendorType: code(changeTypes, kind), State: pb.StatusChange_PENDING, VendorState: "ST001", Message: req.GetMessage(),
			}
		},
	})
}

// inEffect are the changes that a service's state shows to have been made. Of a trial, nothing
// tells how long it is.
var inEffect = map[pb.StatusChange_Type]pb.Site_ServiceState_State{
	pb.StatusChange_SUSPEND: pb.Site_ServiceState_SUSPENDED,
	pb.StatusChange_RESUME:  pb.Site_ServiceState_ACTIVE,
}

// standing is the latest change of a service; or, where the service is already as the change would
// make it, that it is, as a change that is APPLIED.
func (a *Adapter) standing(ctx context.Context, siteID, serviceCode string, kind pb.StatusChange_Type) (*pb.StatusChange, error) {
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
		return a.latestChange(ctx, siteID, serviceCode)
	}
	return nil, apierror.New(codes.FailedPrecondition, pb.ErrorReason_VENDOR_STATE, "site %q has no service %s", siteID, services[serviceCode])
}

// CancelStatusChange is "Cancel service status change request", which PallyCon takes while the
// request waits for approval.
func (a *Adapter) CancelStatusChange(ctx context.Context, req *pb.CancelStatusChangeRequest) (*pb.StatusChange, error) {
	ids, err := names.StatusChange.IDs(req.GetName())
	if err != nil {
		return nil, apierror.Invalid("name", "%v", err)
	}
	siteID := ids[1]
	serviceCode, groupID, _ := strings.Cut(ids[2], ".")
	if services[serviceCode] == pb.Site_SERVICE_UNSPECIFIED || groupID == "" {
		return nil, apierror.NotFound("site %q has no status change %q: the id is {service_code}.{req_group_id}, as ListStatusChanges tells it", siteID, ids[2])
	}
	before, err := mutation.Snapshot(ctx, "before", func(ctx context.Context) (*pb.StatusChange, error) {
		latest, err := a.latestChange(ctx, siteID, serviceCode)
		return latest, a.orNoSite(ctx, siteID, err)
	})
	switch {
	case err != nil:
		return nil, err
	case before.GetName() != req.GetName():
		return nil, apierror.NotFound("site %q has no status change %q; PallyCon knows the latest one of a service alone", siteID, ids[2])
	case before.GetState() == pb.StatusChange_CANCELLED:
		return before, nil
	case before.GetState() != pb.StatusChange_PENDING:
		return nil, apierror.New(codes.FailedPrecondition, pb.ErrorReason_VENDOR_STATE,
			"status change %q is %s (%s): only one that waits for approval can be taken back", ids[2], before.GetState(), before.GetVendorState())
	}
	return mutation.Do(ctx, mutation.Write[*pb.StatusChange]{
		Step: "cancel",
		Send: func(ctx context.Context, _ mutation.Attempt) (*pb.StatusChange, error) {
			params := url.Values{"service_code": {serviceCode}, "request_type": {"SM004"}, "request_group_id": {groupID}}
			answer, err := change[*statusChangeRow](ctx, a, http.MethodPut, statusCall(siteID), params)
			if err != nil {
				return nil, err
			}
			if answer.Data == nil || answer.Data.ReqGroupID != groupID || changeStates[answer.Data.RegStatus] != pb.StatusChange_CANCELLED {
				return nil, apierror.OutcomeUnknown("PallyCon answers success, and not that the request is canceled (ST002)")
			}
			return a.statusChange(siteID, serviceCode, *answer.Data), nil
		},
		ReadBack: func(ctx context.Context) (*pb.StatusChange, bool, error) {
			latest, err := a.latestChange(ctx, siteID, serviceCode)
			if err == nil && latest.GetName() != req.GetName() {
				err = apierror.New(codes.FailedPrecondition, pb.ErrorReason_VENDOR_STATE, "PallyCon tells of the latest change alone, and that is another one by now")
			}
			return latest, latest.GetState() == pb.StatusChange_CANCELLED, err
		},
		Preview: func() *pb.StatusChange {
			before.State, before.VendorState = pb.StatusChange_CANCELLED, code(changeStates, pb.StatusChange_CANCELLED)
			return before
		},
	})
}
