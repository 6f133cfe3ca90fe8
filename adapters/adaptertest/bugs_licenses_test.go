package adaptertest_test

import (
	"context"
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// asking changes the request before it is made.
func asking(change func(*pb.ListLicensesRequest)) func(*bugged) {
	return func(b *bugged) {
		b.list = func(ctx context.Context, req *pb.ListLicensesRequest) (*pb.ListLicensesResponse, error) {
			req = proto.CloneOf(req)
			change(req)
			return b.good.ListLicenses(ctx, req)
		}
	}
}

// answering changes each page of ListLicenses.
func answering(change func(*pb.ListLicensesRequest, *pb.ListLicensesResponse, error) (*pb.ListLicensesResponse, error)) func(*bugged) {
	return func(b *bugged) {
		b.list = func(ctx context.Context, req *pb.ListLicensesRequest) (*pb.ListLicensesResponse, error) {
			res, err := b.good.ListLicenses(ctx, req)
			return change(req, res, err)
		}
	}
}

// ignoring leaves a condition out.
func ignoring(drop func(*pb.LicenseFilter)) func(*bugged) {
	return asking(func(req *pb.ListLicensesRequest) {
		if req.Filter != nil {
			drop(req.Filter)
		}
	})
}

// matching compares the content ids of a filter and a row in its own way.
func matching(same func(want, has string) bool) func(*bugged) {
	return func(b *bugged) {
		b.list = func(ctx context.Context, req *pb.ListLicensesRequest) (*pb.ListLicensesResponse, error) {
			req = proto.CloneOf(req)
			want := req.GetFilter().GetContentId()
			if want == "" {
				return b.good.ListLicenses(ctx, req)
			}
			req.Filter.ContentId = ""
			res, err := b.good.ListLicenses(ctx, req)
			if err == nil {
				res.Licenses = slices.DeleteFunc(res.Licenses, func(l *pb.License) bool { return !same(want, l.GetContentId()) })
			}
			return res, err
		}
	}
}

// shifting moves a bound of time.
func shifting(bound func(*pb.LicenseFilter) **timestamppb.Timestamp, by func(time.Time) time.Time) func(*bugged) {
	return ignoring(func(f *pb.LicenseFilter) {
		if at := bound(f); *at != nil {
			*at = timestamppb.New(by((*at).AsTime()))
		}
	})
}

func start(f *pb.LicenseFilter) **timestamppb.Timestamp { return &f.StartTime }

func end(f *pb.LicenseFilter) **timestamppb.Timestamp { return &f.EndTime }

func aMomentLater(t time.Time) time.Time { return t.Add(time.Nanosecond) }

func wholeSeconds(t time.Time) time.Time { return t.Truncate(time.Second) }

// oneConditionOnly passes the vendor's only condition on, and forgets the others.
func oneConditionOnly(f *pb.LicenseFilter) {
	if f.GetContentId() != "" {
		f.DrmType, f.UserId, f.DeviceId, f.DeviceModel = 0, "", "", ""
	}
}

func emptyWhereNotFound(_ *pb.ListLicensesRequest, res *pb.ListLicensesResponse, err error) (*pb.ListLicensesResponse, error) {
	if err != nil && apierror.Convert(err).Code == codes.NotFound {
		return &pb.ListLicensesResponse{}, nil
	}
	return res, err
}

func notFoundWhereEmpty(_ *pb.ListLicensesRequest, res *pb.ListLicensesResponse, err error) (*pb.ListLicensesResponse, error) {
	if err == nil && len(res.GetLicenses()) == 0 {
		return nil, apierror.NotFound("no licenses")
	}
	return res, err
}

// oneSiteOnly answers the licenses of the site that was asked for first.
func oneSiteOnly() func(*bugged) {
	var first string
	return asking(func(req *pb.ListLicensesRequest) {
		if first == "" {
			first = req.GetParent()
		}
		req.Parent = first
	})
}

var licenseBugs = []bug{
	{"a row shows what the vendor holds", "loses a field", showing(func(l *pb.License) { l.ErrorCode = "" })},
	{"a row shows what the vendor holds", "shows rows without their site", showing(func(l *pb.License) { l.Site = "" })},
	{"a row shows what the vendor holds", "shows a failure as a success", showing(func(l *pb.License) { l.Status = pb.License_SUCCESS })},
	{"a site shows its own rows only", "shows one site's rows for all", oneSiteOnly()},
	{"licenses come newest first", "shows the oldest first", answering(func(_ *pb.ListLicensesRequest, res *pb.ListLicensesResponse, err error) (*pb.ListLicensesResponse, error) {
		slices.Reverse(res.GetLicenses())
		return res, err
	})},
	{"a site without rows has an empty list", "finds no rows", answering(notFoundWhereEmpty)},
	{"the licenses of an unknown site are NOT_FOUND", "shows an empty list", answering(emptyWhereNotFound)},
	{"the licenses of an unknown site are NOT_FOUND", "blames the vendor", recoded(codes.FailedPrecondition, pb.ErrorReason_VENDOR_REJECTED)},
}

var filterBugs = []bug{
	{"a text condition chooses exactly, with regard to case", "ignores content_id", ignoring(func(f *pb.LicenseFilter) { f.ContentId = "" })},
	{"a text condition chooses exactly, with regard to case", "ignores user_id", ignoring(func(f *pb.LicenseFilter) { f.UserId = "" })},
	{"a text condition chooses exactly, with regard to case", "ignores device_id", ignoring(func(f *pb.LicenseFilter) { f.DeviceId = "" })},
	{"a text condition chooses exactly, with regard to case", "ignores device_model", ignoring(func(f *pb.LicenseFilter) { f.DeviceModel = "" })},
	{"a text condition chooses exactly, with regard to case", "matches substrings", matching(func(want, has string) bool { return strings.Contains(has, want) })},
	{"a text condition chooses exactly, with regard to case", "matches without regard to case", matching(strings.EqualFold)},
	{"a text condition chooses exactly, with regard to case", "trims spaces", matching(func(want, has string) bool { return strings.TrimSpace(want) == strings.TrimSpace(has) })},
	{"a text condition chooses exactly, with regard to case", "unescapes", matching(func(want, has string) bool { return strings.ReplaceAll(want, "%2D", "-") == has })},
	{"drm_type and status choose exactly", "ignores drm_type", ignoring(func(f *pb.LicenseFilter) { f.DrmType = 0 })},
	{"drm_type and status choose exactly", "ignores status", ignoring(func(f *pb.LicenseFilter) { f.Status = 0 })},
	{"start_time is inclusive and end_time exclusive", "takes start_time as exclusive", shifting(start, aMomentLater)},
	{"start_time is inclusive and end_time exclusive", "takes end_time as inclusive", shifting(end, aMomentLater)},
	{"start_time is inclusive and end_time exclusive", "cuts start_time to seconds", shifting(start, wholeSeconds)},
	{"start_time is inclusive and end_time exclusive", "cuts end_time to seconds", shifting(end, wholeSeconds)},
	{"start_time is inclusive and end_time exclusive", "ignores start_time", ignoring(func(f *pb.LicenseFilter) { f.StartTime = nil })},
	{"all conditions must hold at once", "takes one condition only", ignoring(oneConditionOnly)},
	{"all conditions must hold at once", "ignores status", ignoring(func(f *pb.LicenseFilter) { f.Status = 0 })},
}
