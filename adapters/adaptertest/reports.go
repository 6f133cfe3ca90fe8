package adaptertest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// A report is a list that takes a ReportFilter. Its rows are made of licenses, which the suite adds
// at the vendor, and counts in the plainest way.
type report[Row proto.Message] struct {
	rpc   string
	empty proto.Message // a request without fields
	takes []string      // the fields of the filter
	// id sets the field of a license that distinguishes rows.
	id func(*pb.License, string)
	// made returns the rows that the vendor makes of these licenses of a site.
	made func(siteName string, of []*pb.License) []Row
	// put adds what the rows are made of; nil is the site's put.
	put func(s *site, rows ...*pb.License)
}

const (
	contentUsers = "ListContentUsers"
	// reportContent is the content that ListContentUsers is asked about.
	reportContent = "content"
)

func (r report[Row]) promises() []Promise {
	needs := needs(r.rpc)
	all := []Promise{
		{r.rpc + " shows what the vendor holds, and of this site only", needs, r.showsWhatIsHeld},
		{r.rpc + " gives every row exactly once, whatever the page sizes", needs, r.everyRowOnce},
		{r.rpc + " chooses exactly, with regard to case", needs, r.choosesExactly},
		{r.rpc + " takes both dates inclusive", needs, r.datesAreInclusive},
		{r.rpc + " refuses conditions that it does not take, and dates that are no days", needs, r.refusesConditions},
		{r.rpc + " is empty for a site without rows, and NOT_FOUND for an unknown site", needs, r.emptyOrNotFound},
		{r.rpc + " goes on with a token of the same request only", needs, r.refusesTokens},
	}
	if r.taking("status") {
		all = append(all, Promise{r.rpc + " counts licenses of one status", needs, r.countsOneOutcome})
	}
	return all
}

func (r report[Row]) taking(field string) bool { return slices.Contains(r.takes, field) }

// request returns the least request about a site.
func (r report[Row]) request(parent string) proto.Message { return r.asking(parent, r.filter()) }

func (r report[Row]) asking(parent string, filter *pb.ReportFilter) proto.Message {
	req := proto.Clone(r.empty)
	setText(req, "parent", parent)
	if filter != nil {
		req.ProtoReflect().Set(fieldOf(req, "filter"), protoreflect.ValueOfMessage(filter.ProtoReflect()))
	}
	return req
}

// list is the report on a site under a filter.
func (r report[Row]) list(s *site, filter *pb.ReportFilter) listing[Row] {
	return listing[Row]{s.Harness, r.asking(s.name, filter)}
}

// check demands what the adapter must show under a filter, with these page sizes.
func (r report[Row]) check(t T, s *site, filter *pb.ReportFilter, sizes ...int32) {
	t.Helper()
	r.list(s, filter).wantRows(t, r.want(s, filter), sizes...)
}

// filter returns the least filter, changed.
func (r report[Row]) filter(change ...func(*pb.ReportFilter)) *pb.ReportFilter {
	f := &pb.ReportFilter{}
	if r.rpc == contentUsers {
		f.ContentId = reportContent
	}
	for _, c := range change {
		c(f)
	}
	return f
}

// hold adds what the rows are made of.
func (r report[Row]) hold(s *site, rows ...*pb.License) {
	if r.put != nil {
		r.put(s, rows...)
		return
	}
	s.put(rows...)
}

// want returns what the adapter must show under a filter.
func (r report[Row]) want(s *site, f *pb.ReportFilter) []Row {
	matching := &pb.LicenseFilter{
		ContentId: f.GetContentId(), UserId: f.GetUserId(), DeviceId: f.GetDeviceId(),
		DeviceModel: f.GetDeviceModel(), Status: f.GetStatus(),
	}
	var of []*pb.License
	for _, row := range s.rows {
		day := row.seeded.GetCreateTime().AsTime().Format(time.DateOnly)
		if matches(matching, row.seeded) && day >= f.GetStartDate() && (f.GetEndDate() == "" || day <= f.GetEndDate()) {
			of = append(of, row.seeded)
		}
	}
	return r.made(s.name, of)
}

func (r report[Row]) showsWhatIsHeld(t T, h Harness) {
	sites := newSites(t, h, 2)
	for i, s := range sites {
		for n := range 40 {
			content := []string{reportContent, "another", "Content"}[n%3]
			row := license(content, midnight.Add(time.Duration(n)*time.Hour))
			row.UserId, row.DeviceId = fmt.Sprintf("viewer-%d", n%(5+i)), fmt.Sprintf("device-%d", n%(7+i))
			row.DeviceModel = fmt.Sprintf("model-%d", n%(7+i)%2)
			if n%4 == 0 {
				row.Status, row.ErrorCode = pb.License_FAILURE, "7011"
			}
			r.hold(s, row)
		}
	}
	for _, s := range sites {
		r.check(t, s, r.filter(), 0)
	}
}

// manyRows adds n rows of a site, three in every second.
func (r report[Row]) manyRows(s *site, n int) {
	var rows []*pb.License
	for i := range n {
		row := license(reportContent, midnight.Add(time.Duration(i/3)*time.Second))
		r.id(row, fmt.Sprintf("id-%d", i))
		rows = append(rows, row)
	}
	r.hold(s, rows...)
}

func (r report[Row]) everyRowOnce(t T, h Harness) {
	s := newSite(t, h)
	r.manyRows(s, 130)
	want := r.want(s, r.filter())
	for _, sizes := range append(pagings, []int32{26, 1, 24}) {
		what := fmt.Sprintf("%s with page sizes %d", r.rpc, sizes)
		sameRows(t, what, r.list(s, r.filter()).all(t, len(want), sizes...), want)
	}
}

func (r report[Row]) choosesExactly(t T, h Harness) {
	s := newSite(t, h)
	conditions := slices.DeleteFunc(slices.Clone(texts), func(field string) bool { return !r.taking(field) })
	var rows []*pb.License
	for i, text := range lookalikes {
		for _, field := range conditions {
			row := license(reportContent, midnight.Add(time.Duration(i)*time.Second))
			r.id(row, fmt.Sprintf("%s-%d", field, i))
			setText(row, field, text)
			rows = append(rows, row)
		}
	}
	r.hold(s, rows...)
	for _, text := range lookalikes {
		for _, field := range conditions {
			r.check(t, s, r.filter(func(f *pb.ReportFilter) { setText(f, field, text) }), 1000)
		}
	}
}

func (r report[Row]) datesAreInclusive(t T, h Harness) {
	s := newSite(t, h)
	for i, at := range []time.Duration{-aDay - time.Second, -aDay, -time.Second, 0, aDay - time.Second, aDay} {
		row := license(reportContent, midnight.Add(at))
		r.id(row, fmt.Sprintf("id-%d", i))
		r.hold(s, row)
	}
	day := func(n int) string { return midnight.AddDate(0, 0, n).Format(time.DateOnly) }
	for _, period := range [][2]string{
		{"", ""}, {day(0), ""}, {"", day(0)}, {day(0), day(0)}, {day(-1), day(0)}, {day(-1), day(1)}, {day(1), ""},
		{"", day(-1)}, {"2023-02-28", "2023-03-01"},
	} {
		r.check(t, s, r.filter(func(f *pb.ReportFilter) { f.StartDate, f.EndDate = period[0], period[1] }), 0)
	}
}

func (r report[Row]) countsOneOutcome(t T, h Harness) {
	s := newSite(t, h)
	for n := range 30 {
		row := license(reportContent, midnight.Add(time.Duration(n)*time.Second))
		r.id(row, reportContent)
		if n%3 == 0 {
			row.Status, row.ErrorCode = pb.License_FAILURE, "7011"
		}
		r.hold(s, row)
	}
	for _, status := range []pb.License_Status{pb.License_SUCCESS, pb.License_FAILURE} {
		r.check(t, s, r.filter(func(f *pb.ReportFilter) { f.Status = status }), 0)
	}
}

func (r report[Row]) refusesConditions(t T, h Harness) {
	s := newSite(t, h)
	r.manyRows(s, 3)
	refused := func(field string, f *pb.ReportFilter) {
		what := fmt.Sprintf("%s with %v", r.rpc, f)
		_, err := h.ask(t.Context(), r.asking(s.name, f))
		e := WantError(t, what, err, codes.InvalidArgument, pb.ErrorReason_REQUEST_INVALID)
		if len(e.Violations) != 1 || e.Violations[0].GetField() != "filter."+field {
			t.Errorf("%s: the field violations are %v, want one for filter.%s", what, e.Violations, field)
		}
		if takes := strings.Join(r.takes, ", "); !r.taking(field) && !strings.Contains(e.Message, takes) {
			t.Errorf("%s: the error does not say that it takes %s; it says: %s", what, takes, e.Message)
		}
	}
	whole := (&pb.ReportFilter{
		ContentId: "x", UserId: "x", DeviceId: "x", DeviceModel: "x",
		DrmType: pb.License_WIDEVINE, Status: pb.License_SUCCESS,
	}).ProtoReflect()
	whole.Range(func(field protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		if name := string(field.Name()); !r.taking(name) {
			f := r.filter()
			f.ProtoReflect().Set(field, v)
			refused(name, f)
		}
		return true
	})
	refused("start_date", r.filter(func(f *pb.ReportFilter) { f.StartDate = "2023-02-29" }))
	refused("end_date", r.filter(func(f *pb.ReportFilter) { f.EndDate = "2024-13-01" }))
}

func (r report[Row]) emptyOrNotFound(t T, h Harness) {
	r.list(newSite(t, h), r.filter()).wantRows(t, nil, 0)
	wantNotFound(t, h, r.rpc, r.request(newUnknownSite(t, h).name))
}

func (r report[Row]) refusesTokens(t T, h Harness) {
	s := newSite(t, h)
	r.manyRows(s, 30)
	period := r.filter(func(f *pb.ReportFilter) { f.StartDate = midnight.Format(time.DateOnly) })
	r.list(s, r.filter()).refusesTokens(t, map[string]listing[Row]{"a condition more": r.list(s, period)})
}
