package services_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/drmhub/drmhub/adapters"
	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/paging"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/archive"
	"github.com/drmhub/drmhub/server/internal/archive/archivetest"
	"github.com/drmhub/drmhub/server/internal/auth"
	"github.com/drmhub/drmhub/server/internal/inproc"
	"github.com/drmhub/drmhub/server/internal/services"
	"github.com/drmhub/drmhub/server/internal/vendors"
)

// historical is an adapter with a license history. It names these sites, or fails.
type historical struct {
	sites []string
	err   error
}

func (historical) Describe() adapters.Description {
	return adapters.Description{History: &adapters.History{TimeZone: time.UTC}}
}
func (historical) Check(context.Context) (level string, _ error) { return "", nil }
func (h historical) SiteNames(context.Context) ([]string, error) { return slices.Clone(h.sites), h.err }

var errDown = apierror.New(codes.Unavailable, pb.ErrorReason_VENDOR_UNAVAILABLE, "down")

// archiveOf returns the client of a service over an archive, for a caller.
func archiveOf(
	t *testing.T, engine archive.Engine, caller auth.Identity, all ...vendors.Vendor,
) pb.ArchiveServiceClient {
	t.Helper()
	registry, err := vendors.New(all...)
	if err != nil {
		t.Fatal(err)
	}
	caller.Subject, caller.Scopes = "s", []string{"licenses:read"}
	a := &auth.Authenticator{Identify: func(context.Context) (*auth.Caller, error) {
		return auth.Directory{}.Caller(caller), nil
	}}
	conn := inproc.New([]grpc.UnaryServerInterceptor{a.Unary, (&auth.Confinement{}).Unary},
		[]grpc.StreamServerInterceptor{a.Stream, (&auth.Confinement{}).Stream})
	services.Register(conn, services.Parts{Vendors: registry, Archive: engine})
	return pb.NewArchiveServiceClient(conn)
}

// begin is the second of the first row of fill.
const begin = 1_790_000_000

// fill puts a row a second into each of these sites, which are complete up to the last row. The
// contents are named "{last segment of the site}{n}", and the newest is the greatest n.
func fill(t *testing.T, m *archivetest.Memory, rows int, sites ...string) {
	t.Helper()
	for _, site := range sites {
		r := archive.Replacement{Site: site, Span: archive.Span{From: begin, To: begin + int64(rows)}, Final: true}
		for n := range rows {
			row := archive.Row{Site: site, Second: begin + int64(n), Status: pb.License_SUCCESS}
			row.Content, row.User = fmt.Sprintf("%s%d", site[strings.LastIndex(site, "/")+1:], n), fmt.Sprint("u", n%2)
			r.Rows = append(r.Rows, row)
		}
		if err := m.SetZone(t.Context(), site, time.UTC); err != nil {
			t.Fatal(err)
		}
		if _, err := m.Replace(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
}

// world has a vendor that does not respond, one whose second site the archive does not know yet, one
// without a history, and one that is not configured any more.
func world(t *testing.T) (*archivetest.Memory, []vendors.Vendor) {
	m := archivetest.NewMemory()
	fill(t, m, 2, "vendors/down/sites/A", "vendors/up/sites/A", "vendors/up/sites/gone", "vendors/left/sites/A")
	return m, []vendors.Vendor{
		configured("up", historical{sites: []string{"vendors/up/sites/A", "vendors/up/sites/new"}}),
		configured("bare", bare{}),
		configured("down", historical{err: errDown}),
	}
}

func TestWhatASearchIsAbout(t *testing.T) {
	engine, all := world(t)
	for name, c := range map[string]struct {
		parent      string
		caller      auth.Identity
		covered     []string // of the sites; a "!" marks one without rows
		unreachable []string
		code        codes.Code
	}{
		"all": {parent: "-/sites/-", covered: []string{"up/A", "up/gone", "!up/new", "down/A"},
			unreachable: []string{"bare", "down"}},
		"a vendor": {parent: "up/sites/-", covered: []string{"up/A", "up/gone", "!up/new"}},
		"a vendor that is down": {parent: "down/sites/-", covered: []string{"down/A"},
			unreachable: []string{"down"}},
		"a site of each": {parent: "-/sites/A", covered: []string{"up/A", "down/A"},
			unreachable: []string{"bare"}},
		"a site of one": {parent: "-/sites/gone", covered: []string{"up/gone"},
			unreachable: []string{"bare", "down"}},
		"a site of nobody":     {parent: "up/sites/none", code: codes.NotFound},
		"a site that is known": {parent: "down/sites/A", covered: []string{"down/A"}},
		"a new site":           {parent: "up/sites/new", covered: []string{"!up/new"}},
		"a new site, down":     {parent: "down/sites/new", code: codes.Unavailable},
		"a vendor that left":   {parent: "left/sites/A", code: codes.NotFound},
		"no history":           {parent: "bare/sites/default", code: codes.Unimplemented},
		"confined to a site":   {parent: "-/sites/-", caller: sitesOnly("up/sites/A"), covered: []string{"up/A"}},
		"and asks for it":      {parent: "up/sites/A", caller: sitesOnly("up/sites/A"), covered: []string{"up/A"}},
		"and for another": {parent: "up/sites/gone", caller: sitesOnly("up/sites/A"),
			code: codes.PermissionDenied},
		"and for all with an id": {parent: "-/sites/gone", caller: sitesOnly("up/sites/A")},
		"confined to a site that is down": {parent: "-/sites/-", caller: sitesOnly("down/sites/A"),
			covered: []string{"down/A"}},
		"confined to a vendor": {parent: "-/sites/-", caller: auth.Identity{Vendors: []string{"down"}},
			covered: []string{"down/A"}, unreachable: []string{"down"}},
		"confined to nothing": {parent: "-/sites/-", caller: auth.Identity{Vendors: []string{}}},
	} {
		t.Run(name, func(t *testing.T) {
			client := archiveOf(t, engine, c.caller, all...)
			parent := "vendors/" + c.parent
			got, err := client.SearchLicenses(t.Context(), &pb.SearchLicensesRequest{Parent: parent})
			if code := apierror.Convert(orNil(err)).Code; err != nil && code != c.code || err == nil && c.code != 0 {
				t.Fatalf("%v, want %s", err, c.code)
			}
			summary, summaryErr := client.SummarizeLicenses(t.Context(), &pb.SummarizeLicensesRequest{Parent: parent})
			if apierror.Convert(orNil(summaryErr)).Code != apierror.Convert(orNil(err)).Code {
				t.Errorf("a summary fails with %v, a search with %v", summaryErr, err)
			}
			if err != nil {
				return
			}
			var covered []string
			rows := int32(0)
			for _, s := range got.GetCoverage() {
				name := strings.Replace(strings.TrimPrefix(s.GetSite(), "vendors/"), "/sites/", "/", 1)
				if s.GetStartTime() == nil {
					name = "!" + name
				} else {
					rows += 2
				}
				covered = append(covered, name)
			}
			unreachable := slices.Clone(got.GetUnreachable())
			for i, v := range unreachable {
				unreachable[i] = strings.TrimPrefix(v, "vendors/")
			}
			if !slices.Equal(covered, c.covered) || !slices.Equal(unreachable, c.unreachable) {
				t.Errorf("%q without %q, want %q without %q", covered, unreachable, c.covered, c.unreachable)
			}
			if got.GetTotalSize() != rows || len(got.GetLicenses()) != int(rows) {
				t.Errorf("%d of %d rows, want %d", len(got.GetLicenses()), got.GetTotalSize(), rows)
			}
			if !reflect.DeepEqual(summary.GetUnreachable(), got.GetUnreachable()) ||
				len(summary.GetCoverage()) != len(covered) ||
				rows > 0 && summary.GetSummaries()[0].GetLicenseCount() != rows {
				t.Errorf("the summary is %v", summary)
			}
		})
	}
}

// orNil keeps a nil error from Convert.
func orNil(err error) error {
	if err == nil {
		return &apierror.Error{}
	}
	return err
}

func sitesOnly(names ...string) auth.Identity {
	for i := range names {
		names[i] = "vendors/" + names[i]
	}
	return auth.Identity{Sites: names}
}

// TestAPageTokenKeepsItsPlaceAndConfersNothing reads pages while rows arrive, and has another caller
// use the token.
func TestAPageTokenKeepsItsPlaceAndConfersNothing(t *testing.T) {
	engine, all := world(t)
	client := archiveOf(t, engine, auth.Identity{}, all...)
	req := &pb.SearchLicensesRequest{Parent: "vendors/-/sites/-", PageSize: 1}
	var got []string
	for {
		page, err := client.SearchLicenses(t.Context(), req)
		if err != nil {
			t.Fatal(err)
		}
		if page.GetTotalSize() != 6 || len(page.GetCoverage()) != 4 {
			t.Errorf("page %d: %v", len(got), page)
		}
		got = append(got, page.GetLicenses()[0].GetContentId())
		if req.PageToken = page.GetNextPageToken(); req.GetPageToken() == "" {
			break
		}
		if len(got) == 1 {
			confined := archiveOf(t, engine, sitesOnly("up/sites/A"), all...)
			theirs, err := confined.SearchLicenses(t.Context(), req)
			if err != nil || theirs.GetTotalSize() > 2 || len(theirs.GetCoverage()) != 1 {
				t.Errorf("a confined caller gets %v, %v", theirs, err)
			}
			other := &pb.SearchLicensesRequest{Parent: "vendors/up/sites/-", PageToken: req.GetPageToken()}
			_, err = client.SearchLicenses(t.Context(), other)
			if apierror.Convert(err).Code != codes.InvalidArgument {
				t.Errorf("another request with the token: %v", err)
			}
			fill(t, engine, 9, "vendors/down/sites/A") // seven rows are new
		}
	}
	if want := "gone1 A1 A1 gone0 A0 A0"; strings.Join(got, " ") != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestAFilterIsExactAndRefusesContradictions(t *testing.T) {
	engine := archivetest.NewMemory()
	const site, md5OfAlice = "vendors/v/sites/s", "6384e2b2184bcbf58eccf10ca7a6563c"
	fill(t, engine, 0+1, site)
	rows := []archive.Row{{User: "alice"}, {UserMD5: md5OfAlice}, {User: "Alice"}, {}}
	for i := range rows {
		rows[i].Site, rows[i].Second, rows[i].Content = site, begin+int64(i), fmt.Sprint(i)
	}
	span := archive.Span{From: begin, To: begin + 4}
	if _, err := engine.Replace(t.Context(), archive.Replacement{Site: site, Span: span, Rows: rows}); err != nil {
		t.Fatal(err)
	}
	client := archiveOf(t, engine, auth.Identity{}, configured("v", historical{}))
	at := func(second int64, nanos int32) *timestamppb.Timestamp {
		return &timestamppb.Timestamp{Seconds: begin + second, Nanos: nanos}
	}
	for name, c := range map[string]struct {
		filter *pb.ArchiveFilter
		want   string // the contents, or the field of the mistake
	}{
		"an id finds MD5s":    {&pb.ArchiveFilter{UserId: "alice"}, "1 0"},
		"an MD5 finds ids":    {&pb.ArchiveFilter{UserIdMd5: strings.ToUpper(md5OfAlice)}, "1 0"},
		"both":                {&pb.ArchiveFilter{UserId: "alice", UserIdMd5: md5OfAlice}, "1 0"},
		"both, of two people": {&pb.ArchiveFilter{UserId: "Alice", UserIdMd5: md5OfAlice}, "filter.user_id_md5"},
		"from a second on":    {&pb.ArchiveFilter{StartTime: at(2, 0)}, "3 2"},
		"from within one":     {&pb.ArchiveFilter{StartTime: at(2, 1)}, "3"},
		"before a second":     {&pb.ArchiveFilter{EndTime: at(2, 0)}, "1 0"},
		"before within one":   {&pb.ArchiveFilter{EndTime: at(2, 1)}, "2 1 0"},
		"before 1970":         {&pb.ArchiveFilter{EndTime: at(-2*begin, 0)}, ""},
		"from 2009":           {&pb.ArchiveFilter{StartTime: at(-900_000_000, 0)}, "3 2 1 0"},
		"up to 9999":          {&pb.ArchiveFilter{EndTime: at(250_000_000_000, 0)}, "3 2 1 0"},
	} {
		page, err := client.SearchLicenses(t.Context(), &pb.SearchLicensesRequest{Parent: site, Filter: c.filter})
		var got []string
		for _, l := range page.GetLicenses() {
			got = append(got, l.GetContentId())
		}
		if err != nil {
			for _, v := range apierror.Convert(err).Violations {
				got = append(got, v.GetField())
			}
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: %q, %v; want %q", name, got, err, c.want)
		}
	}
}

func TestCoverage(t *testing.T) {
	engine := archivetest.NewMemory()
	const site = "vendors/v/sites/s"
	fill(t, engine, 1, site)
	for _, span := range []archive.Span{{From: begin + 10, To: begin + 20}, {From: begin + 30, To: begin + 40}} {
		if _, err := engine.Replace(t.Context(), archive.Replacement{Site: site, Span: span, Final: true}); err != nil {
			t.Fatal(err)
		}
	}
	client := archiveOf(t, engine, auth.Identity{}, configured("v", historical{}))
	for _, c := range []struct {
		from, to int64 // after begin; -1 means open
		want     string
	}{
		{-1, -1, "30 40"},
		{35, -1, "35 40"},
		{-1, 15, "10 15"},
		{12, 18, "12 18 complete"},
		{10, 20, "10 20 complete"},
		{10, 40, "30 40"},
		{20, 30, "-"},
		{15, 31, "30 31"},
	} {
		filter := &pb.ArchiveFilter{}
		if c.from >= 0 {
			filter.StartTime = &timestamppb.Timestamp{Seconds: begin + c.from}
		}
		if c.to >= 0 {
			filter.EndTime = &timestamppb.Timestamp{Seconds: begin + c.to}
		}
		page, err := client.SearchLicenses(t.Context(), &pb.SearchLicensesRequest{Parent: site, Filter: filter})
		if err != nil {
			t.Fatal(err)
		}
		got, covered := "-", page.GetCoverage()[0]
		if covered.GetStartTime() != nil {
			got = fmt.Sprint(covered.GetStartTime().GetSeconds()-begin, " ", covered.GetEndTime().GetSeconds()-begin)
		}
		if covered.GetComplete() {
			got += " complete"
		}
		if got != c.want {
			t.Errorf("[%d, %d): %s, want %s", c.from, c.to, got, c.want)
		}
	}
}

func TestSummaries(t *testing.T) {
	engine, all := world(t)
	client := archiveOf(t, engine, auth.Identity{}, all...)
	for name, c := range map[string]struct {
		req  *pb.SummarizeLicensesRequest
		want string // the keys and counts, or the field of the mistake
	}{
		"by site": {&pb.SummarizeLicensesRequest{
			GroupBy: []pb.SummarizeLicensesRequest_Dimension{pb.SummarizeLicensesRequest_SITE},
		}, "vendors/down/sites/A 2, vendors/up/sites/A 2, vendors/up/sites/gone 2"},
		"by vendor, the greatest first": {&pb.SummarizeLicensesRequest{
			GroupBy: []pb.SummarizeLicensesRequest_Dimension{pb.SummarizeLicensesRequest_VENDOR},
			OrderBy: " license_count  desc ",
		}, "vendors/up 4, vendors/down 2"},
		"as REST spells it": {&pb.SummarizeLicensesRequest{
			GroupBy: []pb.SummarizeLicensesRequest_Dimension{pb.SummarizeLicensesRequest_VENDOR},
			OrderBy: "startTime,licenseCount",
		}, "vendors/down 2, vendors/up 4"},
		"by no dimension": {&pb.SummarizeLicensesRequest{
			GroupBy: []pb.SummarizeLicensesRequest_Dimension{pb.SummarizeLicensesRequest_DIMENSION_UNSPECIFIED},
		}, "group_by"},
		"unknown zone":   {&pb.SummarizeLicensesRequest{TimeZone: "Asia/Busan"}, "time_zone"},
		"the local zone": {&pb.SummarizeLicensesRequest{TimeZone: "Local"}, "time_zone"},
		"unknown order":  {&pb.SummarizeLicensesRequest{OrderBy: "user_id"}, "order_by"},
		"no order":       {&pb.SummarizeLicensesRequest{OrderBy: "license_count,"}, "order_by"},
		"other order":    {&pb.SummarizeLicensesRequest{OrderBy: "license_count up"}, "order_by"},
		"twice":          {&pb.SummarizeLicensesRequest{OrderBy: "user_count, userCount desc"}, "order_by"},
	} {
		c.req.Parent, c.req.PageSize = "vendors/-/sites/-", 1
		var got []string
		for {
			page, err := client.SummarizeLicenses(t.Context(), c.req)
			if err != nil {
				got = append(got, apierror.Convert(err).Violations[0].GetField())
			}
			for _, s := range page.GetSummaries() {
				got = append(got, fmt.Sprint(strings.Join(s.GetKeys(), " "), " ", s.GetLicenseCount()))
			}
			if c.req.PageToken = page.GetNextPageToken(); c.req.GetPageToken() == "" {
				break
			}
		}
		if strings.Join(got, ", ") != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// failing is an engine whose scan fails after some rows.
type failing struct {
	archive.Engine
	after int
}

func (f failing) Scan(
	ctx context.Context, q archive.Question, below archive.Key, yield func([]archive.Row) error,
) error {
	seen := 0
	return f.Engine.Scan(ctx, q, below, func(rows []archive.Row) error {
		if seen += len(rows); seen > f.after {
			return errDown
		}
		return yield(rows)
	})
}

func TestAnExportIsCompleteAndContinues(t *testing.T) {
	for _, rows := range []int{0, 1, 1000, 1001, 2500} {
		engine := archivetest.NewMemory()
		const site = "vendors/v/sites/s"
		fill(t, engine, max(rows, 1), site)
		filter := &pb.ArchiveFilter{}
		if rows == 0 {
			filter.ContentId = "none"
		}
		for _, after := range []int{0, 1, 2, 3, 9} { // thousands of rows, then a failure
			req := &pb.ExportLicensesRequest{Parent: site, Filter: filter}
			got, end := export(t, archiveOf(t, failing{engine, after * 1000}, auth.Identity{},
				configured("v", historical{})), req)
			if failed := rows > after*1000; (apierror.Convert(orNil(end)).Code == codes.Unavailable) != failed {
				t.Fatalf("%d rows, a failure after %d thousand: %v", rows, after, end)
			}
			more, end := export(t, archiveOf(t, engine, auth.Identity{}, configured("v", historical{})), req)
			if got = append(got, more...); !errors.Is(end, io.EOF) || len(got) != rows {
				t.Errorf("%d rows, a failure after %d thousand: %d, %v", rows, after, len(got), end)
			}
			for i, l := range got {
				if l.GetContentId() != fmt.Sprint("s", rows-1-i) {
					t.Fatalf("row %d is %s", i, l.GetContentId())
				}
			}
		}
	}
}

// export reads an export until it ends, and sets the token that continues it. An export that has
// ended is not read again.
func export(t *testing.T, client pb.ArchiveServiceClient, req *pb.ExportLicensesRequest) (rows []*pb.License, _ error) {
	t.Helper()
	if req.GetPageToken() == "done" {
		return nil, io.EOF
	}
	stream, err := client.ExportLicenses(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	for n := 0; ; n++ {
		m, err := stream.Recv()
		if err != nil {
			return rows, err
		}
		if len(m.GetLicenses()) > paging.MaxSize || (n == 0) != (len(m.GetCoverage()) == 1) {
			t.Errorf("message %d has %d rows and the coverage %v", n, len(m.GetLicenses()), m.GetCoverage())
		}
		rows = append(rows, m.GetLicenses()...)
		if req.PageToken = m.GetNextPageToken(); req.GetPageToken() == "" {
			req.PageToken = "done"
		}
	}
}

func TestWithoutAnArchive(t *testing.T) {
	client := archiveOf(t, nil, auth.Identity{}, configured("v", historical{}))
	_, err := client.SearchLicenses(t.Context(), &pb.SearchLicensesRequest{Parent: "vendors/v/sites/s"})
	e := apierror.Convert(err)
	if e.Code != codes.FailedPrecondition || !strings.Contains(e.Message, "archive.enabled") {
		t.Error(err)
	}
}
