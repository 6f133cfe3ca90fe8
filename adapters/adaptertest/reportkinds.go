package adaptertest

import (
	"context"
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/drmhub/drmhub/adapters"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

var userReport = report[*pb.LicenseUser]{
	rpc:   "ListLicenseUsers",
	needs: needs(capability[adapters.LicenseUserLister]()),
	takes: []string{"start_date", "end_date", "user_id"},
	page: func(ctx context.Context, h Harness, q reportQuery) (reportPage[*pb.LicenseUser], error) {
		req := &pb.ListLicenseUsersRequest{Parent: q.parent, Filter: proto.CloneOf(q.filter), PageSize: q.size, PageToken: q.token}
		res, err := h.Adapter.(adapters.LicenseUserLister).ListLicenseUsers(ctx, req)
		return reportPage[*pb.LicenseUser]{res, res.GetLicenseUsers(), res.GetNextPageToken(), res.GetTotalSize()}, err
	},
	id: func(l *pb.License, id string) { l.UserId = id },
	made: func(siteName string, of []*pb.License) []*pb.LicenseUser {
		devices := map[[2]string]bool{}
		return grouped(of, (*pb.License).GetUserId, func(id string) *pb.LicenseUser { return &pb.LicenseUser{Site: siteName, UserId: id} }, func(u *pb.LicenseUser, l *pb.License) {
			u.LicenseCount++
			u.SuccessCount += one(l.GetStatus() == pb.License_SUCCESS)
			u.FailureCount += one(l.GetStatus() == pb.License_FAILURE)
			device := [2]string{l.GetUserId(), l.GetDeviceId()}
			u.DeviceCount += one(!devices[device])
			devices[device] = true
		})
	},
}

var deviceReport = report[*pb.LicenseDevice]{
	rpc:   "ListLicenseDevices",
	needs: needs(capability[adapters.LicenseDeviceLister]()),
	takes: []string{"start_date", "end_date", "device_id", "device_model"},
	page: func(ctx context.Context, h Harness, q reportQuery) (reportPage[*pb.LicenseDevice], error) {
		req := &pb.ListLicenseDevicesRequest{Parent: q.parent, Filter: proto.CloneOf(q.filter), PageSize: q.size, PageToken: q.token}
		res, err := h.Adapter.(adapters.LicenseDeviceLister).ListLicenseDevices(ctx, req)
		return reportPage[*pb.LicenseDevice]{res, res.GetLicenseDevices(), res.GetNextPageToken(), res.GetTotalSize()}, err
	},
	id: func(l *pb.License, id string) { l.DeviceId = id },
	made: func(siteName string, of []*pb.License) []*pb.LicenseDevice {
		return grouped(of, (*pb.License).GetDeviceId, func(id string) *pb.LicenseDevice { return &pb.LicenseDevice{Site: siteName, DeviceId: id} }, func(d *pb.LicenseDevice, l *pb.License) {
			d.DeviceModel = l.GetDeviceModel()
			d.LicenseCount++
			d.SuccessCount += one(l.GetStatus() == pb.License_SUCCESS)
			d.FailureCount += one(l.GetStatus() == pb.License_FAILURE)
		})
	},
}

var contentReport = report[*pb.LicenseContent]{
	rpc:   "ListLicenseContents",
	needs: needs(capability[adapters.LicenseContentLister]()),
	takes: []string{"start_date", "end_date", "content_id", "status"},
	page: func(ctx context.Context, h Harness, q reportQuery) (reportPage[*pb.LicenseContent], error) {
		req := &pb.ListLicenseContentsRequest{Parent: q.parent, Filter: proto.CloneOf(q.filter), PageSize: q.size, PageToken: q.token}
		res, err := h.Adapter.(adapters.LicenseContentLister).ListLicenseContents(ctx, req)
		return reportPage[*pb.LicenseContent]{res, res.GetLicenseContents(), res.GetNextPageToken(), res.GetTotalSize()}, err
	},
	id: func(l *pb.License, id string) { l.ContentId = id },
	made: func(siteName string, of []*pb.License) []*pb.LicenseContent {
		return grouped(of, (*pb.License).GetContentId, func(id string) *pb.LicenseContent { return &pb.LicenseContent{Site: siteName, ContentId: id} },
			func(c *pb.LicenseContent, _ *pb.License) { c.LicenseCount++ })
	},
}

var contentUserReport = report[*pb.ContentUser]{
	rpc:   contentUsers,
	needs: needs(capability[adapters.ContentUserLister]()),
	takes: []string{"content_id", "start_date", "end_date", "user_id", "status"},
	page: func(ctx context.Context, h Harness, q reportQuery) (reportPage[*pb.ContentUser], error) {
		req := &pb.ListContentUsersRequest{Parent: q.parent, Filter: proto.CloneOf(q.filter), PageSize: q.size, PageToken: q.token}
		res, err := h.Adapter.(adapters.ContentUserLister).ListContentUsers(ctx, req)
		return reportPage[*pb.ContentUser]{res, res.GetContentUsers(), res.GetNextPageToken(), res.GetTotalSize()}, err
	},
	id: func(l *pb.License, id string) { l.UserId = id },
	made: func(siteName string, of []*pb.License) []*pb.ContentUser {
		return grouped(of, (*pb.License).GetUserId, func(id string) *pb.ContentUser { return &pb.ContentUser{Site: siteName, UserId: id} }, func(u *pb.ContentUser, l *pb.License) {
			u.ContentId = l.GetContentId() // the filter has let only one through
			u.LicenseCount++
		})
	},
}

// reportPromises are the promises of all lists that take a ReportFilter.
func reportPromises() []Promise {
	return slices.Concat(userReport.promises(), deviceReport.promises(), contentReport.promises(), contentUserReport.promises(), packagingReport.promises())
}

// reportCapabilities are the reports that count licenses.
var reportCapabilities = needs(
	capability[adapters.LicenseUserLister](), capability[adapters.LicenseDeviceLister](),
	capability[adapters.LicenseContentLister](), capability[adapters.ContentUserLister](), usageGetter,
)

// reportReads are the reports about a site, its packagings and its usage.
func (s *site) reportReads() []read {
	all := slices.Concat(userReport.read(s), deviceReport.read(s), contentReport.read(s), contentUserReport.read(s), packagingReport.read(s))
	if has[adapters.UsageGetter](s.Adapter) {
		all = append(all, read{"GetUsage", func(ctx context.Context) (proto.Message, error) { return s.usage(ctx, "") }})
	}
	return all
}

// grouped counts licenses by a key, into one row for each.
func grouped[Row any](of []*pb.License, key func(*pb.License) string, first func(id string) Row, count func(Row, *pb.License)) []Row {
	var rows []Row
	byKey := map[string]Row{}
	for _, l := range of {
		row, ok := byKey[key(l)]
		if !ok {
			row = first(key(l))
			byKey[key(l)] = row
			rows = append(rows, row)
		}
		count(row, l)
	}
	return rows
}

func one(counts bool) int32 {
	if counts {
		return 1
	}
	return 0
}
