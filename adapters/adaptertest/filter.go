package adaptertest

import (
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

var filterPromises = []Promise{
	{"a text condition chooses exactly, with regard to case", needs("ListLicenses"), textConditions},
	{"drm_type and status choose exactly", needs("ListLicenses"), enumConditions},
	{"start_time is inclusive and end_time exclusive", needs("ListLicenses"), timeConditions},
	{"all conditions must hold at once", needs("ListLicenses"), allConditions},
}

// lookalikes are texts that a vendor's search, a query string or a database may mistake for one
// another.
var lookalikes = []string{
	"Movie-1", "movie-1", "MOVIE-1", "Movie-10", "A Movie-1", "Movie-1 b", "Movie-1 ", "Movie_1", "Movie%",
	"Movie%2D1", "Movie+1", "Movie 1", "*", "a/b?c=d&e#f", "Möwe", "Mo\u0308we", "영화-1",
	`"quoted" '--`, `back\slash`,
}

// texts are the conditions on a text. A row has a field of the same name.
var texts = []string{"content_id", "user_id", "device_id", "device_model"}

func textConditions(t T, h Harness) {
	s := newSite(t, h)
	for i, text := range lookalikes {
		for _, field := range texts {
			row := license("content", midnight.Add(time.Duration(i)*time.Second))
			setText(row, field, text)
			s.put(row)
		}
	}
	for _, text := range lookalikes {
		for _, field := range texts {
			filter := &pb.LicenseFilter{}
			setText(filter, field, text)
			s.check(t, filter, 1000)
		}
	}
}

func enumConditions(t T, h Harness) {
	s := newSite(t, h)
	for drm := pb.License_WIDEVINE; drm <= pb.License_NCG; drm++ {
		for status := pb.License_SUCCESS; status <= pb.License_FAILURE; status++ {
			row := license("content", midnight)
			row.DrmType, row.Status = drm, status
			s.put(row)
		}
	}
	for drm := pb.License_WIDEVINE; drm <= pb.License_NCG; drm++ {
		filter := &pb.LicenseFilter{DrmType: drm}
		if len(s.held(filter)) > 0 { // else the vendor has no such DRM system
			s.check(t, filter, 0)
		}
	}
	for status := pb.License_SUCCESS; status <= pb.License_FAILURE; status++ {
		filter := &pb.LicenseFilter{Status: status}
		s.check(t, filter, 0)
	}
}

func timeConditions(t T, h Harness) {
	s := newSite(t, h)
	const korea = 9 * time.Hour // where vendors' days turn earlier
	var at []time.Time
	for _, d := range []time.Duration{
		-24 * time.Hour, -korea - time.Second, -korea, -time.Second, 0, time.Second,
		24*time.Hour - korea, 24 * time.Hour,
	} {
		at = append(at, midnight.Add(d))
		s.put(license("content", midnight.Add(d)), license("content", midnight.Add(d)))
	}
	for _, a := range at {
		for _, shift := range []time.Duration{-time.Millisecond, 0, time.Millisecond, 500 * time.Millisecond} {
			edge := timestamppb.New(a.Add(shift))
			after := timestamppb.New(a.Add(shift + time.Second))
			for _, filter := range []*pb.LicenseFilter{
				{StartTime: edge}, {EndTime: edge}, {StartTime: edge, EndTime: after},
			} {
				s.check(t, filter, 0)
			}
		}
	}
}

func allConditions(t T, h Harness) {
	s := newSite(t, h)
	row := func(change func(*pb.License)) *pb.License {
		l := license("Movie-1", midnight)
		change(l)
		return l
	}
	whole := row(func(*pb.License) {})
	s.put(
		row(func(l *pb.License) { l.CreateTime = timestamppb.New(midnight.Add(-time.Second)) }),
		whole,
		row(func(l *pb.License) { l.ContentId = "Movie-10" }),
		row(func(l *pb.License) { l.DrmType = pb.License_PLAYREADY }),
		row(func(l *pb.License) { l.UserId = "Viewer" }),
		row(func(l *pb.License) { l.DeviceId += "0" }),
		row(func(l *pb.License) { l.DeviceModel = "ChromeCDM-Windows" }),
		row(func(l *pb.License) { l.Status, l.ErrorCode = pb.License_FAILURE, "1003" }),
		row(func(*pb.License) {}),
		row(func(l *pb.License) { l.CreateTime = timestamppb.New(midnight.Add(time.Second)) }),
	)
	all := &pb.LicenseFilter{
		ContentId: whole.GetContentId(), DrmType: whole.GetDrmType(), UserId: whole.GetUserId(),
		DeviceId: whole.GetDeviceId(), DeviceModel: whole.GetDeviceModel(), Status: whole.GetStatus(),
		StartTime: timestamppb.New(midnight), EndTime: timestamppb.New(midnight.Add(time.Second)),
	}
	s.check(t, all, 0)
	// Each two conditions: a vendor that takes one leaves the other to the adapter.
	conditions := []*pb.LicenseFilter{
		{ContentId: all.ContentId}, {DrmType: all.DrmType}, {UserId: all.UserId}, {DeviceId: all.DeviceId},
		{DeviceModel: all.DeviceModel}, {Status: all.Status}, {StartTime: all.StartTime}, {EndTime: all.EndTime},
	}
	for i, a := range conditions {
		for _, b := range conditions[:i] {
			both := proto.CloneOf(a)
			proto.Merge(both, b)
			s.check(t, both, 0)
		}
	}
}
