package memory

import (
	"context"
	"slices"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"github.com/drmhub/drmhub/adapters/paging"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// position is where a list is: how many rows the vendor held when it began, and how many of those
// that match have been returned. Rows that arrive later are left out, so that nothing moves. The
// numbers have no sign, so that no token reaches before the first row.
type position struct{ Held, Returned uint }

// ListLicenses returns one page.
func (a *Adapter) ListLicenses(
	ctx context.Context, req *pb.ListLicensesRequest,
) (*pb.ListLicensesResponse, error) {
	rows, total, next, err := a.page(ctx, req, paging.Size(req.GetPageSize()))
	if err != nil {
		return nil, err
	}
	return &pb.ListLicensesResponse{Licenses: rows, NextPageToken: next, TotalSize: int32(total)}, nil
}

// StreamLicenses sends page after page.
func (a *Adapter) StreamLicenses(
	req *pb.StreamLicensesRequest, to grpc.ServerStreamingServer[pb.StreamLicensesResponse],
) error {
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

// page returns up to size rows that follow the request's token, how many rows match in all, and the
// token of the next page.
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
	held, err := a.vendor.Licenses.of(ctx, req.GetParent())
	if err != nil {
		return nil, 0, "", err
	}
	if !resumed {
		at.Held = uint(len(held))
	}
	chosen := choose(held[:min(at.Held, uint(len(held)))], req.GetFilter())
	rest := chosen[min(at.Returned, uint(len(chosen))):]
	for _, l := range rest[:min(size, len(rest))] {
		rows = append(rows, proto.CloneOf(l)) // a response belongs to the caller
	}
	at.Returned += uint(len(rows))
	if at.Returned < uint(len(chosen)) {
		next, err = paging.Token(req, at)
	}
	return rows, len(chosen), next, err
}

// choose returns the rows that match, newest first. Of the rows of one second, the latest comes
// first.
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
	return unsetOr(f.GetContentId(), l.GetContentId()) &&
		unsetOr(f.GetDrmType(), l.GetDrmType()) &&
		unsetOr(f.GetUserId(), l.GetUserId()) &&
		unsetOr(f.GetDeviceId(), l.GetDeviceId()) &&
		unsetOr(f.GetDeviceModel(), l.GetDeviceModel()) &&
		unsetOr(f.GetStatus(), l.GetStatus()) &&
		(f.GetStartTime() == nil || !created.Before(f.GetStartTime().AsTime())) &&
		(f.GetEndTime() == nil || created.Before(f.GetEndTime().AsTime()))
}
