package adaptertest

import (
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

var userReport = report[*pb.LicenseUser]{
	rpc:   "ListLicenseUsers",
	empty: &pb.ListLicenseUsersRequest{},
	takes: []string{"start_date", "end_date", "user_id"},
	id:    func(l *pb.License, id string) { l.UserId = id },
	made: func(site string, of []*pb.License) []*pb.LicenseUser {
		devices := map[[2]string]bool{}
		return grouped(of, (*pb.License).GetUserId, func(u *pb.LicenseUser, l *pb.License) {
			u.Site, u.UserId = site, l.GetUserId()
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
	empty: &pb.ListLicenseDevicesRequest{},
	takes: []string{"start_date", "end_date", "device_id", "device_model"},
	id:    func(l *pb.License, id string) { l.DeviceId = id },
	made: func(site string, of []*pb.License) []*pb.LicenseDevice {
		return grouped(of, (*pb.License).GetDeviceId, func(d *pb.LicenseDevice, l *pb.License) {
			d.Site, d.DeviceId, d.DeviceModel = site, l.GetDeviceId(), l.GetDeviceModel()
			d.LicenseCount++
			d.SuccessCount += one(l.GetStatus() == pb.License_SUCCESS)
			d.FailureCount += one(l.GetStatus() == pb.License_FAILURE)
		})
	},
}

var contentReport = report[*pb.LicenseContent]{
	rpc:   "ListLicenseContents",
	empty: &pb.ListLicenseContentsRequest{},
	takes: []string{"start_date", "end_date", "content_id", "status"},
	id:    func(l *pb.License, id string) { l.ContentId = id },
	made: func(site string, of []*pb.License) []*pb.LicenseContent {
		return grouped(of, (*pb.License).GetContentId, func(c *pb.LicenseContent, l *pb.License) {
			c.Site, c.ContentId = site, l.GetContentId()
			c.LicenseCount++
		})
	},
}

var contentUserReport = report[*pb.ContentUser]{
	rpc:   contentUsers,
	empty: &pb.ListContentUsersRequest{},
	takes: []string{"content_id", "start_date", "end_date", "user_id", "status"},
	id:    func(l *pb.License, id string) { l.UserId = id },
	made: func(site string, of []*pb.License) []*pb.ContentUser {
		return grouped(of, (*pb.License).GetUserId, func(u *pb.ContentUser, l *pb.License) {
			u.Site, u.ContentId, u.UserId = site, l.GetContentId(), l.GetUserId()
			u.LicenseCount++
		})
	},
}

// packagingReport is checked like the reports on licenses: a packaging has one row's content and
// time.
var packagingReport = report[*pb.Packaging]{
	rpc:   "ListPackagings",
	empty: &pb.ListPackagingsRequest{},
	takes: []string{"start_date", "end_date", "content_id"},
	id:    func(l *pb.License, id string) { l.ContentId = id },
	put:   (*site).putPackagings,
	made: func(site string, of []*pb.License) []*pb.Packaging {
		var rows []*pb.Packaging
		for _, l := range of {
			row := packaging(l)
			row.Site = site
			rows = append(rows, row)
		}
		return rows
	},
}

// reports are all lists that take a ReportFilter.
var reports = []interface {
	promises() []Promise
	request(parent string) proto.Message
}{userReport, deviceReport, contentReport, contentUserReport, packagingReport}

// reportPromises returns the promises of all reports.
func reportPromises() []Promise {
	var all []Promise
	for _, r := range reports {
		all = append(all, r.promises()...)
	}
	return all
}

// reportCapabilities are the reports that count licenses.
var reportCapabilities = needs(
	"ListLicenseUsers", "ListLicenseDevices", "ListLicenseContents", contentUsers, "GetUsage")

// grouped counts licenses by a key, into one row for each.
func grouped[Row any](of []*pb.License, key func(*pb.License) string, count func(*Row, *pb.License)) []*Row {
	var rows []*Row
	byKey := map[string]*Row{}
	for _, l := range of {
		if byKey[key(l)] == nil {
			byKey[key(l)] = new(Row)
			rows = append(rows, byKey[key(l)])
		}
		count(byKey[key(l)], l)
	}
	return rows
}

func one(counts bool) int32 {
	if counts {
		return 1
	}
	return 0
}

var packagingPromises = []Promise{
	{"ListPackagings gives packagings of one second as often as the vendor holds them",
		needs("ListPackagings"), packagingsOfOneSecond},
	{"ListPackagings leaves the earlier packagings in their place when others arrive",
		needs("ListPackagings"), packagingsThatArrive},
}

func packaging(l *pb.License) *pb.Packaging {
	return &pb.Packaging{
		ContentId: l.GetContentId(), Track: "HD", CreateTime: l.GetCreateTime(), UpdateTime: l.GetCreateTime(),
	}
}

// putPackagings adds a packaging for each row, of its content and time.
func (s *site) putPackagings(rows ...*pb.License) {
	var arriving []*pb.Packaging
	for _, l := range rows {
		s.rows = append(s.rows, row{seeded: l})
		arriving = append(arriving, packaging(l))
	}
	s.PutPackagings(s.id, arriving...)
}

func packagingsOfOneSecond(t T, h Harness) {
	s := newSite(t, h)
	for i := range 40 {
		at := midnight.Add(time.Duration(i/4) * time.Second)
		s.putPackagings(license(fmt.Sprintf("content-%d", i/2), at)) // two and two are equal
	}
	packagingReport.check(t, s, nil, 1, 3, 4, 39, 1000)
}

func packagingsThatArrive(t T, h Harness) {
	s := newSite(t, h)
	packagingReport.manyRows(s, 40)
	held := packagingReport.want(s, nil)
	got := packagingReport.list(s, nil).from(t, "", func(page int, _ int32) {
		if page < 6 { // or a list that follows the newest rows would never end
			s.putPackagings(license("late", midnight.Add(time.Minute+time.Duration(page)*time.Second)))
		}
	}, 3)
	sameRows(t, "ListPackagings", got, held, packagingReport.want(s, nil)[len(held):]...)
}
