package memory

import (
	"context"
	"slices"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/names"
	"github.com/drmhub/drmhub/adapters/paging"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// position is where a list stands: how many rows the vendor held when it began, and how many of
// those that match have been answered. Rows that arrive later are left out, so nothing moves. The
// numbers have no sign, so that no made-up token reaches before the first row.
type position struct{ Held, Answered uint }

// ListLicenses answers one page.
func (a *Adapter) ListLicenses(ctx context.Context, req *pb.ListLicensesRequest) (*pb.ListLicensesResponse, error) {
	rows, total, next, err := a.page(ctx, req, paging.Size(req.GetPageSize()))
	if err != nil {
		return nil, err
	}
	return &pb.ListLicensesResponse{Licenses: rows, NextPageToken: next, TotalSize: int32(total)}, nil
}

// StreamLicenses answers page after page.
func (a *Adapter) StreamLicenses(req *pb.StreamLicensesRequest, to grpc.ServerStreamingServer[pb.StreamLicensesResponse]) error {
	req = proto.CloneOf(req)
	for {
		rows, _, next, err := a.page(to.Context(), req, paging.MaxSize)
		if err != nil {
			return err
		}
		if err := to.Send(&pb.StreamLicensesResponse{Licenses: rows, NextPageToken: next}); err != nil {
			return err
		}
		if next == "" {
			return nil
		}
		req.PageToken = next
	}
}

// page answers up to size rows from where the request's token stands, how many rows match in all,
// and the token to go on with.
func (a *Adapter) page(ctx context.Context, req interface {
	paging.Request
	GetParent() string
	GetFilter() *pb.LicenseFilter
}, size int) (rows []*pb.License, total int, next string, err error) {
	var at position
	resumed, err := paging.Resume(req, &at)
	if err != nil {
		return nil, 0, "", err
	}
	ids, err := names.Site.IDs(req.GetParent())
	if err != nil {
		return nil, 0, "", apierror.Invalid("parent", "%v", err)
	}
	held, err := a.vendor.Licenses(ctx, ids[1])
	if err != nil {
		return nil, 0, "", a.explain(ctx, err)
	}
	if !resumed {
		at.Held = uint(len(held))
	}
	chosen := choose(held[:min(at.Held, uint(len(held)))], req.GetFilter())
	for _, l := range chosen[min(at.Answered, uint(len(chosen))):] {
		if len(rows) == size {
			break
		}
		row := proto.CloneOf(l) // an answer belongs to the caller
		row.Site = req.GetParent()
		rows = append(rows, row)
	}
	at.Answered += uint(len(rows))
	if at.Answered < uint(len(chosen)) {
		next, err = paging.Token(req, at)
	}
	return rows, len(chosen), next, err
}

// choose answers the rows that match, newest first. Of the rows of one second, the last to arrive
// comes first.
func choose(held []*pb.License, filter *pb.LicenseFilter) []*pb.License {
	var chosen []*pb.License
	for _, l := range slices.Backward(held) {
		if matches(filter, l) {
			chosen = append(chosen, l)
		}
	}
	slices.SortStableFunc(chosen, func(a, b *pb.License) int {
		return b.GetCreateTime().AsTime().Compare(a.GetCreateTime().AsTime())
	})
	return chosen
}

// matches reports whether every condition of the filter holds. A condition that is not set holds.
func matches(f *pb.LicenseFilter, l *pb.License) bool {
	created := l.GetCreateTime().AsTime()
	switch {
	case f.GetContentId() != "" && f.GetContentId() != l.GetContentId():
	case f.GetDrmType() != pb.License_DRM_TYPE_UNSPECIFIED && f.GetDrmType() != l.GetDrmType():
	case f.GetUserId() != "" && f.GetUserId() != l.GetUserId():
	case f.GetDeviceId() != "" && f.GetDeviceId() != l.GetDeviceId():
	case f.GetDeviceModel() != "" && f.GetDeviceModel() != l.GetDeviceModel():
	case f.GetStatus() != pb.License_STATUS_UNSPECIFIED && f.GetStatus() != l.GetStatus():
	case f.GetStartTime() != nil && created.Before(f.GetStartTime().AsTime()):
	case f.GetEndTime() != nil && !created.Before(f.GetEndTime().AsTime()):
	default:
		return true
	}
	return false
}
