package services_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/archive"
	"github.com/drmhub/drmhub/server/internal/archive/archivetest"
	"github.com/drmhub/drmhub/server/internal/auth"
	"github.com/drmhub/drmhub/server/internal/vendors"
)

// TestFiguresAreExact compares each month of the archive with the vendors' figures and with a
// recount of the twins' rows, in three zones and after an erasure.
func TestFiguresAreExact(t *testing.T) {
	for _, name := range []string{"UTC", "Asia/Seoul", "Asia/Kolkata"} {
		t.Run(name, func(t *testing.T) {
			zone, err := time.LoadLocation(name)
			if err != nil {
				t.Fatal(err)
			}
			now := time.Now().In(zone)
			this := time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, zone)
			rows := requests(this, this.AddDate(0, -1, 0), this.AddDate(0, -2, 0))
			all, engine := twins(t, zone, rows), archivetest.NewMemory()
			keep(t, engine, zone, all, "vendors/pc/sites/DEMO")
			keep(t, engine, zone, all, "vendors/nv/sites/demo")
			client := archiveOf(t, engine, auth.Identity{}, all...)
			want := recount(rows, zone)
			checkReports(t, client, want)
			both := []string{"vendors/pc/sites/DEMO", "vendors/nv/sites/demo"}
			for _, id := range []string{"user3", "LICENSETOKEN"} {
				if n, err := engine.Erase(t.Context(), both, archive.Person(id)); err != nil || n == 0 {
					t.Fatalf("%d rows erased, %v", n, err)
				}
			}
			checkReports(t, client, want)
		})
	}
}

// recount returns the figures of each month, as text.
func recount(rows []requested, zone *time.Location) map[string]string {
	users, devices, licenses := map[string]map[string]bool{}, map[string]map[string]bool{}, map[string]int{}
	figures := map[string]string{}
	for _, r := range rows {
		month := r.at.In(zone).Format("2006-01")
		if r.refused {
			continue
		}
		if users[month] == nil {
			users[month], devices[month] = map[string]bool{}, map[string]bool{}
		}
		licenses[month]++
		users[month][r.user], devices[month][r.device] = true, true
		figures[month] = fmt.Sprint(licenses[month], " ", len(users[month]), " ", len(devices[month]))
	}
	return figures
}

// checkReports reads all reports, one a page.
func checkReports(t *testing.T, client pb.ArchiveServiceClient, want map[string]string) {
	t.Helper()
	req := &pb.ListUsageReportsRequest{Parent: "vendors/-/sites/-", PageSize: 1}
	seen, last := 0, "z"
	for {
		page, err := client.ListUsageReports(t.Context(), req)
		if err != nil {
			t.Fatal(err)
		}
		r := page.GetUsageReports()[0]
		seen++
		place := r.GetSite() + " " + r.GetMonth()
		if !strings.HasPrefix(place, last[:min(len(last), 11)]) {
			last = "z"
		}
		if place >= last && last != "z" {
			t.Errorf("%s comes after %s", place, last)
		}
		last = place
		a, v := r.GetArchived(), r.GetVendor()
		if got := fmt.Sprint(a.GetLicenses(), " ", a.GetUsers(), " ", a.GetDevices()); got != want[r.GetMonth()] {
			t.Errorf("%s: %s, want %s", place, got, want[r.GetMonth()])
		}
		current := r.GetMonth() == time.Now().In(zoneOf(t, r)).Format("2006-01")
		switch {
		case strings.HasPrefix(r.GetSite(), "vendors/nv/") && !current:
			if v != nil || r.GetDifference() != nil || r.GetVendorError().GetCode() != int32(codes.InvalidArgument) {
				t.Errorf("%s: the vendor shows %v, %v", place, v, r.GetVendorError())
			}
		case !proto.Equal(r.GetDifference(), &pb.UsageReport_Figures{}) || r.GetExplanations() != nil:
			t.Errorf("%s: the vendor shows %v; %v", place, v, r.GetExplanations())
		}
		if page.GetTotalSize() != int32(2*len(want)) {
			t.Errorf("total_size %d", page.GetTotalSize())
		}
		if req.PageToken = page.GetNextPageToken(); req.GetPageToken() == "" {
			break
		}
	}
	if seen != 2*len(want) {
		t.Errorf("%d reports, want %d of each vendor", seen, len(want))
	}
}

func zoneOf(t *testing.T, r *pb.UsageReport) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation(r.GetCountingRule().GetTimeZone())
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

func TestAReportOfOneMonth(t *testing.T) {
	now := time.Now().UTC()
	this := time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, time.UTC)
	rows := requests(this)
	all, engine := twins(t, time.UTC, rows), archivetest.NewMemory()
	keep(t, engine, time.UTC, all, "vendors/pc/sites/DEMO")
	client := archiveOf(t, engine, auth.Identity{}, append(all, configured("bare", bare{}))...)
	for month, code := range map[string]codes.Code{
		this.AddDate(0, -1, 0).Format("2006-01"): codes.OK,
		this.AddDate(0, -9, 0).Format("2006-01"): codes.OK, // without rows
		this.AddDate(0, 1, 0).Format("2006-01"):  codes.InvalidArgument,
	} {
		page, err := client.ListUsageReports(t.Context(),
			&pb.ListUsageReportsRequest{Parent: "vendors/-/sites/-", Month: month})
		if err != nil {
			t.Fatal(err)
		}
		if len(page.GetUsageReports()) != 2 || !slices.Equal(page.GetUnreachable(), []string{"vendors/bare"}) {
			t.Errorf("%s: %v", month, page)
		}
		r := page.GetUsageReports()[0]
		if r.GetMonth() != month || codes.Code(r.GetVendorError().GetCode()) != code || len(r.GetExplanations()) != 0 {
			t.Errorf("%s: %v", month, r)
		}
	}
}

// A page token keeps its place when vendors leave the configuration, or come in another order.
func TestReportsGoOnWithoutAVendor(t *testing.T) {
	engine := archivetest.NewMemory()
	fill(t, engine, 2, "vendors/a/sites/1", "vendors/b/sites/1", "vendors/b/sites/2", "vendors/c/sites/1")
	account := func(id string) vendors.Vendor { return configured(id, historical{}) }
	for name, c := range map[string]struct{ read, configured, want string }{
		"as before":                     {"a1 b1", "a b c", "b2 c1"},
		"the last vendor is gone":       {"a1 b1", "a c", "c1"},
		"the last vendor comes first":   {"a1 b1", "b a c", "b2 c1"},
		"another order":                 {"a1 b1", "c b a", "b2 c1"},
		"a vendor that is done is gone": {"a1 b1 b2", "b c", "c1"},
		"only what is done is left":     {"a1 b1", "a", ""},
		"a vendor is new":               {"a1", "new a b c", "b1 b2 c1"},
	} {
		t.Run(name, func(t *testing.T) {
			req := &pb.ListUsageReportsRequest{Parent: "vendors/-/sites/-", PageSize: 1}
			read := func(pages int, ids ...string) string {
				var all []vendors.Vendor
				for _, id := range ids {
					all = append(all, account(id))
				}
				client, seen := archiveOf(t, engine, auth.Identity{}, all...), []string(nil)
				for range pages {
					page, err := client.ListUsageReports(t.Context(), req)
					if err != nil {
						t.Fatal(err)
					}
					for _, r := range page.GetUsageReports() {
						seen = append(seen, strings.NewReplacer("vendors/", "", "/sites/", "").Replace(r.GetSite()))
					}
					if req.PageToken = page.GetNextPageToken(); req.GetPageToken() == "" {
						break
					}
				}
				return strings.Join(seen, " ")
			}
			if got := read(len(strings.Fields(c.read)), "a", "b", "c"); got != c.read {
				t.Fatalf("the first pages have %s", got)
			}
			if got := read(10, strings.Fields(c.configured)...); got != c.want {
				t.Errorf("then come %q, want %q", got, c.want)
			}
		})
	}
}
