package pallycon

import (
	"context"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/names"
	"github.com/drmhub/drmhub/adapters/paging"
	"github.com/drmhub/drmhub/adapters/upstream"
	"github.com/drmhub/drmhub/adapters/upstream/jsonx"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// statusChangeRow is data in the three calls about a service status change. The response to
// "Request service status change" has no reg_status.
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

// pendingCode is the reg_status of a pending change.
const pendingCode = "ST001"

var changeStates = map[string]pb.StatusChange_State{
	pendingCode: pb.StatusChange_PENDING,
	"ST002":     pb.StatusChange_CANCELLED,
	"ST003":     pb.StatusChange_APPROVED,
}

func statusCall(siteID string) call {
	return call{"/plan/request/status" + upstream.Path(siteID), "UC011004100"}
}

// ListStatusChanges is "Get the status of a service status change request" for every service of the
// site. PallyCon shows the latest change of each.
func (a *Adapter) ListStatusChanges(
	ctx context.Context, req *pb.ListStatusChangesRequest,
) (*pb.ListStatusChangesResponse, error) {
	ids, err := names.Site.IDs(req.GetParent())
	if err != nil {
		return nil, apierror.Invalid("parent", "%v", err)
	}
	site, err := a.findSite(ctx, ids[1])
	if err != nil {
		return nil, err
	}
	var all []*pb.StatusChange
	for _, s := range site.GetServices() {
		// PallyCon's call takes only the services of the guide.
		if s.GetService() == pb.Site_SERVICE_UNSPECIFIED {
			continue
		}
		if wanted := req.GetFilter().GetService(); wanted != pb.Site_SERVICE_UNSPECIFIED && wanted != s.GetService() {
			continue
		}
		latest, err := a.latest(ctx, ids[1], s.GetVendorService())
		if err != nil {
			return nil, err
		}
		row := latest.row
		if row == nil {
			continue
		}
		thing := "the status change " + s.GetVendorService() + "." + row.ReqGroupID
		if err := checkTimes(thing,
			jsonx.Time{Text: row.RegDt, Path: "data.reg_dt"},
			jsonx.Time{Text: row.UpdateDt, Path: "data.update_dt"},
		); err != nil {
			return nil, err
		}
		all = append(all, a.statusChange(ids[1], s.GetVendorService(), *row))
	}
	page, next, err := paging.Slice(req, all)
	if err != nil {
		return nil, err
	}
	return &pb.ListStatusChangesResponse{StatusChanges: page, NextPageToken: next, TotalSize: int32(len(all))}, nil
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

// changeTime reads reg_dt and update_dt, which the guide gives in UTC. It returns nil for an
// unreadable time, because a change that was made must not look like a failure.
func changeTime(s string) *timestamppb.Timestamp {
	t, ok := jsonx.ParseTime(s, time.UTC)
	if !ok || t.IsZero() {
		return nil
	}
	return timestamppb.New(t)
}
