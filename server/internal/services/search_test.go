package services_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/archive"
	"github.com/drmhub/drmhub/server/internal/archive/archivetest"
	"github.com/drmhub/drmhub/server/internal/auth"
)

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

// TestAPageTokenKeepsItsPlaceAndConfersNothing reads pages while rows arrive, and has another
// caller use the token.
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

func TestWithoutAnArchive(t *testing.T) {
	client := archiveOf(t, nil, auth.Identity{}, configured("v", historical{}))
	_, err := client.SearchLicenses(t.Context(), &pb.SearchLicensesRequest{Parent: "vendors/v/sites/s"})
	e := apierror.Convert(err)
	if e.Code != codes.FailedPrecondition || !strings.Contains(e.Message, "archive.enabled") {
		t.Error(err)
	}
}
