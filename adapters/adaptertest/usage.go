package adaptertest

import (
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

var usagePromises = []Promise{
	{"GetUsage counts the licenses, users and devices of a site", needs("GetUsage"), usageOfADay},
	{"GetUsage without a date says which day it measured", needs("GetUsage"), usageOfToday},
	{"GetUsage of a date that is no day is refused", needs("GetUsage"), usageOfNoDay},
	{"GetUsage of an unknown site is NOT_FOUND", needs("GetUsage"), notFound(usageOfUnknownSite)},
}

// usage returns the request for a day's usage.
func (s *site) usage(date string) *pb.GetUsageRequest {
	return &pb.GetUsageRequest{Name: s.name + "/usage", Date: date}
}

// usageOfADay has all licenses on one day, and all of them issued. Vendors differ in what a month
// is, and in whether a refusal counts.
func usageOfADay(t T, h Harness) {
	sites := newSites(t, h, 2)
	s, day := sites[0], midnight.Format(time.DateOnly)
	want := h.ShowUsage(&pb.Usage{
		Name: s.name + "/usage", Date: day,
		MonthlyActiveLicenses: 30, MonthlyActiveUsers: 4, MonthlyActiveDevices: 7,
	})
	if want == nil {
		t.Logf("not checked: the vendor does not tell the usage of %s", day)
		return
	}
	for i := range 30 {
		row := license("content", midnight.Add(time.Duration(i)*time.Minute))
		row.UserId, row.DeviceId = fmt.Sprintf("viewer-%d", i%4), fmt.Sprintf("device-%d", i%7)
		s.put(row)
	}
	same(t, "GetUsage", get[*pb.Usage](t, h, s.usage(day)), want)
	if len(sites) > 1 {
		other := get[*pb.Usage](t, h, sites[1].usage(day))
		sum := other.GetMonthlyActiveLicenses() + other.GetMonthlyActiveUsers() + other.GetMonthlyActiveDevices()
		if sum != 0 {
			t.Errorf("GetUsage of a site without licenses: %v", other)
		}
	}
}

func usageOfToday(t T, h Harness) {
	s := newSite(t, h)
	s.put(history(3)...)
	usage := get[*pb.Usage](t, h, s.usage(""))
	if _, err := time.Parse(time.DateOnly, usage.GetDate()); err != nil || usage.GetName() != s.name+"/usage" {
		t.Errorf("GetUsage without a date is %v, want its name and a day such as 2024-03-01", usage)
	}
}

func usageOfNoDay(t T, h Harness) {
	s := newSite(t, h)
	for _, date := range []string{"2023-02-29", "2024-00-10"} {
		_, err := h.ask(t.Context(), s.usage(date))
		wantViolations(t, "GetUsage of "+date, err, "date")
	}
}

func usageOfUnknownSite(t T, h Harness) []proto.Message {
	name := newUnknownSite(t, h).name + "/usage"
	return []proto.Message{&pb.GetUsageRequest{Name: name, Date: midnight.Format(time.DateOnly)}}
}
