package adaptertest_test

import (
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// ignores is a bug that leaves a condition out.
func ignores(drop func(*pb.LicenseFilter)) bug {
	return asks(func(req *pb.ListLicensesRequest) {
		if req.Filter != nil {
			drop(req.Filter)
		}
	})
}

// compares is a bug that compares the content ids of a filter and a row in its own way.
func compares(same func(want, has string) bool) bug {
	return instead(func(c *call, req *pb.ListLicensesRequest) (proto.Message, error) {
		want := req.GetFilter().GetContentId()
		if want == "" {
			return c.run()
		}
		req.Filter.ContentId = ""
		m, err := c.run()
		if res, ok := m.(*pb.ListLicensesResponse); ok && err == nil {
			another := func(l *pb.License) bool { return !same(want, l.GetContentId()) }
			res.Licenses = slices.DeleteFunc(res.Licenses, another)
		}
		return m, err
	})
}

// shifts is a bug that moves a bound of time.
func shifts(bound func(*pb.LicenseFilter) **timestamppb.Timestamp, by func(time.Time) time.Time) bug {
	return ignores(func(f *pb.LicenseFilter) {
		if at := bound(f); *at != nil {
			*at = timestamppb.New(by((*at).AsTime()))
		}
	})
}

func start(f *pb.LicenseFilter) **timestamppb.Timestamp { return &f.StartTime }

func end(f *pb.LicenseFilter) **timestamppb.Timestamp { return &f.EndTime }

func aMomentLater(t time.Time) time.Time { return t.Add(time.Nanosecond) }

func wholeSeconds(t time.Time) time.Time { return t.Truncate(time.Second) }

// showsOneSite is a bug that shows the licenses of the first site for all.
func showsOneSite(b *bugged) {
	var first string
	asks(func(req *pb.ListLicensesRequest) {
		if first == "" {
			first = req.GetParent()
		}
		req.Parent = first
	})(b)
}

var licenseBugs = bugs{
	"a row shows what the vendor holds": {
		"loses a field":                 showsRows(func(l *pb.License) { l.ErrorCode = "" }),
		"shows rows without their site": showsRows(func(l *pb.License) { l.Site = "" }),
		"shows a failure as a success":  showsRows(func(l *pb.License) { l.Status = pb.License_SUCCESS }),
	},
	"a site shows its own rows only": {"shows one site's rows for all": showsOneSite},
	"licenses come newest first": {
		"shows the oldest first": shows(func(res *pb.ListLicensesResponse) { slices.Reverse(res.GetLicenses()) }),
	},
	"a site without rows has an empty list": {"finds no rows": on("ListLicenses", notFoundIfEmpty)},
	"the licenses of an unknown site are NOT_FOUND": {
		"shows an empty list": on("ListLicenses", emptyIfNotFound),
		"blames the vendor":   recodes(codes.FailedPrecondition, pb.ErrorReason_VENDOR_REJECTED),
	},
}

var filterBugs = bugs{
	"a text condition chooses exactly, with regard to case": {
		"ignores content_id":             ignores(func(f *pb.LicenseFilter) { f.ContentId = "" }),
		"ignores user_id":                ignores(func(f *pb.LicenseFilter) { f.UserId = "" }),
		"ignores device_id":              ignores(func(f *pb.LicenseFilter) { f.DeviceId = "" }),
		"ignores device_model":           ignores(func(f *pb.LicenseFilter) { f.DeviceModel = "" }),
		"matches substrings":             compares(func(want, has string) bool { return strings.Contains(has, want) }),
		"matches without regard to case": compares(strings.EqualFold),
		"trims spaces": compares(func(want, has string) bool {
			return strings.TrimSpace(want) == strings.TrimSpace(has)
		}),
		"unescapes": compares(func(want, has string) bool { return strings.ReplaceAll(want, "%2D", "-") == has }),
	},
	"drm_type and status choose exactly": {
		"ignores drm_type": ignores(func(f *pb.LicenseFilter) { f.DrmType = 0 }),
		"ignores status":   ignores(func(f *pb.LicenseFilter) { f.Status = 0 }),
	},
	"start_time is inclusive and end_time exclusive": {
		"takes start_time as exclusive": shifts(start, aMomentLater),
		"takes end_time as inclusive":   shifts(end, aMomentLater),
		"cuts start_time to seconds":    shifts(start, wholeSeconds),
		"cuts end_time to seconds":      shifts(end, wholeSeconds),
		"ignores start_time":            ignores(func(f *pb.LicenseFilter) { f.StartTime = nil }),
	},
	"all conditions must hold at once": {
		"takes one condition only": ignores(func(f *pb.LicenseFilter) {
			if f.GetContentId() != "" {
				f.DrmType, f.UserId, f.DeviceId, f.DeviceModel = 0, "", "", ""
			}
		}),
		"ignores status": ignores(func(f *pb.LicenseFilter) { f.Status = 0 }),
	},
}
