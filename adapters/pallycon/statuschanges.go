package pallycon

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/mutation"
	"github.com/drmhub/drmhub/adapters/names"
	"github.com/drmhub/drmhub/adapters/upstream"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// statusChangeRow is data in "Get the status of a service status change request" and "Request service status change". The second has no reg_status.
type statusChangeRow struct {
	SiteID     string `json:"site_id"`
	ReqGroupID string `json:"req_group_id"`
	RegType    string `json:"reg_type"`
	RegStatus  string `json:"reg_status"`
	RegMessage string `json:"reg_message"`
	RegID      string `json:"reg_id"`
	RegDt      string `json:"reg_dt"`
	UpdateDt   string `json:"update_dt"`
}

var changeTypes = map[string]pb.StatusChange_Type{
	"SM001": pb.StatusChange_RESUME,
	"SM002": pb.StatusChange_SUSPEND,
	"SM003": pb.StatusChange_EXTEND_TRIAL,
}

var changeStates = map[string]pb.StatusChange_State{
	"ST001": pb.StatusChange_PENDING,
	"ST002": pb.StatusChange_CANCELLED,
	"ST003": pb.StatusChange_APPROVED,
}

func statusCall(siteID string) call {
	return call{"/plan/request/status" + upstream.Path(siteID), "UC011004100"}
}

// DisableSite is "Request service status change" with SM002. PallyCon decides on it later.
//
// Whether a lost request arrived is read back from the latest change of the service, which is another one than before if it did.
func (a *Adapter) DisableSite(ctx context.Context, req *pb.DisableSiteRequest) (*pb.StatusChange, error) {
	ids, err := names.Site.IDs(req.GetName())
	if err != nil {
		return nil, apierror.Invalid("name", "%v", err)
	}
	siteID, serviceCode := ids[1], code(services, max(req.GetService(), pb.Site_DRM))
	before, err := mutation.Note(ctx, "before", func(ctx context.Context) (*pb.StatusChange, error) { return a.standing(ctx, siteID, serviceCode) })
	if err != nil {
		return nil, err
	}
	if before.GetState() == pb.StatusChange_APPLIED || before.GetState() == pb.StatusChange_PENDING && before.GetType() == pb.StatusChange_SUSPEND {
		return before, nil
	}
	return mutation.Do(ctx, "suspend",
		func(ctx context.Context) (*pb.StatusChange, error) {
			params := url.Values{"service_code": {serviceCode}, "request_type": {"SM002"}}
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
			answer.Data.RegStatus = "ST001" // the answer leaves it out: a change that has just been asked for
			return a.statusChange(siteID, serviceCode, *answer.Data), nil
		},
		func(ctx context.Context) (*pb.StatusChange, bool, error) {
			latest, err := a.latestChange(ctx, siteID, serviceCode)
			return latest, latest.GetName() != before.GetName() && latest.GetType() == pb.StatusChange_SUSPEND, err
		})
}

// standing is the latest change of a service; or, where the service is suspended already, that it is, as a change that is APPLIED.
func (a *Adapter) standing(ctx context.Context, siteID, serviceCode string) (*pb.StatusChange, error) {
	site, err := a.findSite(ctx, siteID)
	if err != nil {
		return nil, err
	}
	for _, s := range site.GetServices() {
		if s.GetVendorService() != serviceCode {
			continue
		}
		if s.GetState() == pb.Site_ServiceState_SUSPENDED {
			return &pb.StatusChange{
				Site: site.GetName(), Service: s.GetService(), VendorService: serviceCode,
				Type: pb.StatusChange_SUSPEND, State: pb.StatusChange_APPLIED, AppliedSite: site,
			}, nil
		}
		return a.latestChange(ctx, siteID, serviceCode)
	}
	return nil, apierror.New(codes.FailedPrecondition, pb.ErrorReason_VENDOR_STATE, "site %q has no service %s", siteID, services[serviceCode])
}

// latestChange is the only change of a service that PallyCon tells of. It is empty where there never was one.
func (a *Adapter) latestChange(ctx context.Context, siteID, serviceCode string) (*pb.StatusChange, error) {
	answer, err := get[*statusChangeRow](ctx, a, statusCall(siteID), url.Values{"service_code": {serviceCode}})
	if err != nil {
		return nil, err
	}
	if answer.Data == nil || answer.Data.ReqGroupID == "" {
		return &pb.StatusChange{}, nil
	}
	return a.statusChange(siteID, serviceCode, *answer.Data), nil
}

func (a *Adapter) statusChange(siteID, serviceCode string, row statusChangeRow) *pb.StatusChange {
	return &pb.StatusChange{
		Name:          names.StatusChange.Name(a.id, siteID, serviceCode+"."+row.ReqGroupID),
		Site:          a.siteName(siteID),
		Service:       services[serviceCode],
		Type:          changeTypes[row.RegType],
		State:         changeStates[row.RegStatus],
		Message:       row.RegMessage,
		Requester:     row.RegID,
		CreateTime:    changeTime(row.RegDt),
		UpdateTime:    changeTime(row.UpdateDt),
		VendorService: serviceCode,
		VendorType:    row.RegType,
		VendorState:   row.RegStatus,
	}
}

// changeTime reads reg_dt and update_dt, which the guide gives in UTC. A time that cannot be read is left out rather than making a change that was
// made look like a failure.
func changeTime(s string) *timestamppb.Timestamp {
	t, err := time.Parse(secondFormat, s)
	if err != nil {
		return nil
	}
	return timestamppb.New(t)
}

// code is the vendor's code for a value.
func code[V comparable](codes map[string]V, value V) string {
	for c, v := range codes {
		if v == value {
			return c
		}
	}
	return ""
}
