package adaptertest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/drmhub/drmhub/adapters/paging"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// report is a list that takes a ReportFilter: what the suite needs to know to check it like the
// others. Its rows are made of licenses, which are put at the vendor and counted here in the
// plainest way.
type report[Row proto.Message] struct {
	rpc   string
	needs []Capability
	page  func(context.Context, Harness, reportQuery) (reportPage[Row], error)
	takes []string // the fields of the filter
	// id is the field of a license that tells rows apart.
	id func(*pb.License, string)
	// made are the rows that the vendor makes of these licenses of a site.
	made func(siteName string, of []*pb.License) []Row
	// put lets the vendor hold what the rows are made of; nil is the site's put.
	put func(s *site, rows ...*pb.License)
}

type reportQuery struct {
	parent string
	filter *pb.ReportFilter
	size   int32
	token  string
}

type reportPage[Row any] struct {
	answer proto.Message
	rows   []Row
	token  string
	total  int32
}

const (
	contentUsers = "ListContentUsers"
	// reportContent is the content that it is asked about.
	reportContent = "content"
)

func (r report[Row]) promises() []Promise {
	all := []Promise{
		{r.rpc + " shows what the vendor holds, and of this site only", r.needs, r.showsWhatIsHeld},
		{r.rpc + " gives every row exactly once, whatever the page sizes", r.needs, r.everyRowOnce},
		{r.rpc + " chooses exactly, with regard to case", r.needs, r.choosesExactly},
		{r.rpc + " takes both dates inclusive", r.needs, r.datesAreInclusive},
		{r.rpc + " refuses conditions that it does not take, and days that are none", r.needs, r.refusesConditions},
		{r.rpc + " is empty where nothing is held, and NOT_FOUND where there is no site", r.needs, r.emptyOrNotFound},
		{r.rpc + " goes on with a token of the same request only", r.needs, r.refusesTokens},
	}
	if r.taking("status") {
		all = append(all, Promise{r.rpc + " counts requests with one outcome", r.needs, r.countsOneOutcome})
	}
	return all
}

// read is the report as one of the adapter's reads, where it has it.
func (r report[Row]) read(s *site) []read {
	if !r.needs[0].Has(s.Adapter) {
		return nil
	}
	return []read{{r.rpc, func(ctx context.Context) (proto.Message, error) {
		p, err := r.page(ctx, s.Harness, reportQuery{parent: s.name, filter: r.filter()})
		return p.answer, err
	}}}
}

func (r report[Row]) taking(field string) bool { return slices.Contains(r.takes, field) }

// filter is the least that the report must be asked with, changed.
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

// hold lets the vendor hold what the rows are made of.
func (r report[Row]) hold(s *site, rows ...*pb.License) {
	if r.put != nil {
		r.put(s, rows...)
		return
	}
	s.put(rows...)
}

// want is what the adapter must show under a filter.
func (r report[Row]) want(s *site, f *pb.ReportFilter) []Row {
	var of []*pb.License
	for _, row := range s.rows {
		l := row.seeded
		day := l.GetCreateTime().AsTime().Format(time.DateOnly)
		if (f.GetStartDate() == "" || day >= f.GetStartDate()) && (f.GetEndDate() == "" || day <= f.GetEndDate()) &&
			(f.GetStatus() == 0 || f.GetStatus() == l.GetStatus()) &&
			(f.GetContentId() == "" || f.GetContentId() == l.GetContentId()) &&
			(f.GetUserId() == "" || f.GetUserId() == l.GetUserId()) &&
			(f.GetDeviceId() == "" || f.GetDeviceId() == l.GetDeviceId()) &&
			(f.GetDeviceModel() == "" || f.GetDeviceModel() == l.GetDeviceModel()) {
			of = append(of, l)
		}
	}
	return r.made(s.name, of)
}

// list pages through the report, with these page sizes in turn.
func (r report[Row]) list(t T, s *site, f *pb.ReportFilter, sizes ...int32) []Row {
	t.Helper()
	var rows []Row
	q := reportQuery{parent: s.name, filter: f}
	for i := range mostPages {
		q.size = sizes[i%len(sizes)]
		p, err := r.page(t.Context(), s.Harness, q)
		if err != nil {
			t.Fatalf("%s, page %d of size %d: %v", r.rpc, i, q.size, err)
		}
		if len(p.rows) > paging.Size(q.size) {
			t.Errorf("%s answers %d rows for page_size %d", r.rpc, len(p.rows), q.size)
		}
		if n := len(r.want(s, f)); p.total != 0 && int(p.total) != n {
			t.Errorf("%s: total_size is %d, and %d rows match", r.rpc, p.total, n)
		}
		rows = append(rows, p.rows...)
		if q.token = p.token; q.token == "" {
			return rows
		}
	}
	t.Fatalf("%s with page sizes %d does not end", r.rpc, sizes)
	return nil
}

func (r report[Row]) showsWhatIsHeld(t T, h Harness) {
	sites := newSites(t, h, 2)
	for i, s := range sites {
		for n := range 40 {
			row := license([]string{reportContent, "another", "Content"}[n%3], midnight.Add(time.Duration(n)*time.Hour))
			row.UserId, row.DeviceId = fmt.Sprintf("viewer-%d", n%(5+i)), fmt.Sprintf("device-%d", n%(7+i))
			row.DeviceModel = fmt.Sprintf("model-%d", n%(7+i)%2)
			if n%4 == 0 {
				row.Status, row.ErrorCode = pb.License_FAILURE, "7011"
			}
			r.hold(s, row)
		}
	}
	for _, s := range sites {
		sameRows(t, r.rpc, r.list(t, s, r.filter(), 0), r.want(s, r.filter()))
	}
}

// manyRows lets a site have n rows, three in every second.
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
	for _, sizes := range [][]int32{{0}, {1}, {7}, {25}, {129}, {130}, {1000}, {3, 1000}, {26, 1, 24}} {
		sameRows(t, fmt.Sprintf("%s with page sizes %d", r.rpc, sizes), r.list(t, s, r.filter(), sizes...), r.want(s, r.filter()))
	}
}

// reportTexts are the conditions on a text.
var reportTexts = map[string]struct {
	row    func(*pb.License, string)
	filter func(*pb.ReportFilter, string)
}{
	"content_id":   {func(l *pb.License, v string) { l.ContentId = v }, func(f *pb.ReportFilter, v string) { f.ContentId = v }},
	"user_id":      {func(l *pb.License, v string) { l.UserId = v }, func(f *pb.ReportFilter, v string) { f.UserId = v }},
	"device_id":    {func(l *pb.License, v string) { l.DeviceId = v }, func(f *pb.ReportFilter, v string) { f.DeviceId = v }},
	"device_model": {func(l *pb.License, v string) { l.DeviceModel = v }, func(f *pb.ReportFilter, v string) { f.DeviceModel = v }},
}

func (r report[Row]) choosesExactly(t T, h Harness) {
	s := newSite(t, h)
	var rows []*pb.License
	for i, text := range lookalikes {
		for field, c := range reportTexts {
			if r.taking(field) {
				row := license(reportContent, midnight.Add(time.Duration(i)*time.Second))
				r.id(row, fmt.Sprintf("%s-%d", field, i))
				c.row(row, text)
				rows = append(rows, row)
			}
		}
	}
	slices.SortStableFunc(rows, func(a, b *pb.License) int { return a.GetCreateTime().AsTime().Compare(b.GetCreateTime().AsTime()) })
	r.hold(s, rows...)
	for _, text := range lookalikes {
		for field, c := range reportTexts {
			if r.taking(field) {
				f := r.filter(func(f *pb.ReportFilter) { c.filter(f, text) })
				sameRows(t, fmt.Sprintf("%s of %s %q", r.rpc, field, text), r.list(t, s, f, 1000), r.want(s, f))
			}
		}
	}
}

func (r report[Row]) datesAreInclusive(t T, h Harness) {
	s := newSite(t, h)
	for i, at := range []time.Duration{-24*time.Hour - time.Second, -24 * time.Hour, -time.Second, 0, 24*time.Hour - time.Second, 24 * time.Hour} {
		row := license(reportContent, midnight.Add(at))
		r.id(row, fmt.Sprintf("id-%d", i))
		r.hold(s, row)
	}
	before, day, after := midnight.AddDate(0, 0, -1).Format(time.DateOnly), midnight.Format(time.DateOnly), midnight.AddDate(0, 0, 1).Format(time.DateOnly)
	for _, period := range [][2]string{{"", ""}, {day, ""}, {"", day}, {day, day}, {before, day}, {before, after}, {after, ""}, {"", before}, {"2023-02-28", "2023-03-01"}} {
		f := r.filter(func(f *pb.ReportFilter) { f.StartDate, f.EndDate = period[0], period[1] })
		sameRows(t, fmt.Sprintf("%s from %q to %q", r.rpc, period[0], period[1]), r.list(t, s, f, 0), r.want(s, f))
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
		f := r.filter(func(f *pb.ReportFilter) { f.Status = status })
		sameRows(t, fmt.Sprintf("%s of %s", r.rpc, status), r.list(t, s, f, 0), r.want(s, f))
	}
}

func (r report[Row]) refusesConditions(t T, h Harness) {
	s := newSite(t, h)
	r.manyRows(s, 3)
	refused := func(field string, f *pb.ReportFilter) {
		_, err := r.page(t.Context(), h, reportQuery{parent: s.name, filter: f})
		e := wantError(t, fmt.Sprintf("%s with %v", r.rpc, f), err, codes.InvalidArgument, pb.ErrorReason_REQUEST_INVALID)
		if len(e.Violations) != 1 || e.Violations[0].GetField() != "filter."+field {
			t.Errorf("%s with %v: the field violations are %v, want one for filter.%s", r.rpc, f, e.Violations, field)
		}
		if !r.taking(field) && !strings.Contains(e.Message, strings.Join(r.takes, ", ")) {
			t.Errorf("%s with %s: it does not say that it takes %s: %s", r.rpc, field, strings.Join(r.takes, ", "), e.Message)
		}
	}
	whole := (&pb.ReportFilter{
		ContentId: "x", UserId: "x", DeviceId: "x", DeviceModel: "x", DrmType: pb.License_WIDEVINE, Status: pb.License_SUCCESS,
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
	s := newSite(t, h)
	if rows := r.list(t, s, r.filter(), 0); len(rows) != 0 {
		t.Errorf("%s gives %v, and the site holds nothing", r.rpc, rows)
	}
	_, err := r.page(t.Context(), h, reportQuery{parent: newUnknownSite(t, h).name, filter: r.filter()})
	wantError(t, r.rpc, err, codes.NotFound, pb.ErrorReason_RESOURCE_NOT_FOUND)
}

func (r report[Row]) refusesTokens(t T, h Harness) {
	s := newSite(t, h)
	r.manyRows(s, 30)
	first, err := r.page(t.Context(), h, reportQuery{parent: s.name, filter: r.filter(), size: 5})
	if err != nil || first.token == "" {
		t.Fatalf("%s, page 0 of size 5 of 30 rows: the token is %q, %v", r.rpc, first.token, err)
	}
	for what, token := range noTokens(first.token) {
		_, err := r.page(t.Context(), h, reportQuery{parent: s.name, filter: r.filter(), size: 5, token: token})
		wantTokenRefused(t, r.rpc+" with "+what, err)
	}
	period := r.filter(func(f *pb.ReportFilter) { f.StartDate = midnight.Format(time.DateOnly) })
	_, err = r.page(t.Context(), h, reportQuery{parent: s.name, filter: period, size: 5, token: first.token})
	wantTokenRefused(t, r.rpc+" with a condition more", err)
}
