package services_test

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/ncp"
	ncptwin "github.com/drmhub/drmhub/adapters/ncp/emulator"
	"github.com/drmhub/drmhub/adapters/pallycon"
	pallycontwin "github.com/drmhub/drmhub/adapters/pallycon/emulator"
	"github.com/drmhub/drmhub/adapters/secret"
	"github.com/drmhub/drmhub/adapters/twin"
	"github.com/drmhub/drmhub/adapters/upstream"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/archive"
	"github.com/drmhub/drmhub/server/internal/archive/archivetest"
	"github.com/drmhub/drmhub/server/internal/auth"
	"github.com/drmhub/drmhub/server/internal/vendors"
)

// A requested is a license request, for both twins.
type requested struct {
	at           time.Time
	user, device string
	refused      bool
}

// requests returns many requests around the begin of each of these months, and some in between.
func requests(months ...time.Time) (all []requested) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, begin := range months {
		for range 300 {
			r := requested{
				at:   begin.Add(time.Duration(random.IntN(40*3600)-20*3600) * time.Second),
				user: fmt.Sprint("user", random.IntN(25)), device: fmt.Sprint("device", random.IntN(40)),
				refused: random.IntN(5) == 0,
			}
			if random.IntN(9) == 0 {
				r.user = "LICENSETOKEN"
			}
			if r.at.Before(time.Now().Add(-time.Minute)) {
				all = append(all, r, r) // Equal rows are real.
			}
		}
	}
	return all
}

// twins returns accounts at both vendors with a license history, whose twins hold these requests and
// whose months are those of a zone.
func twins(t *testing.T, zone *time.Location, rows []requested) []vendors.Vendor {
	t.Helper()
	pc := pallycontwin.New(pallycontwin.Options{Assumptions: pallycontwin.Assumptions{Zone: zone}})
	pc.PutSites(pallycontwin.Site{SiteID: "DEMO"})
	nv := ncptwin.New(ncptwin.Options{Assumptions: ncptwin.Assumptions{Zone: zone}})
	nv.PutSites(ncptwin.Site{SiteID: "demo", SiteName: "demo", Enabled: true})
	for _, r := range rows {
		p := pallycontwin.License{UserID: r.user, DeviceID: r.device, RegTime: r.at, CID: "c", DRMType: "Widevine"}
		n := ncptwin.License{UserID: r.user, DeviceID: r.device, CreatedTime: r.at, ContentID: "abc"}
		n.DRMType = "Widevine"
		if r.refused {
			p.Status, p.ErrorCode, n.LicenseStatus = pallycontwin.StatusFail, "7011", ncptwin.StatusFail
		}
		pc.PutLicenses("DEMO", p)
		nv.PutLicenses("demo", n)
	}
	pcConfig, nvConfig := pallycon.NewConfig(), ncp.NewConfig()
	pcConfig.BaseURL, pcConfig.TimeZone = "http://pallycon.invalid", zone
	pcConfig.AccountID, pcConfig.AccountSeq = pallycontwin.DefaultAccountID, pallycontwin.DefaultAccountSeq
	pcConfig.ServiceAPIKey = secret.New(pallycontwin.DefaultServiceAPIKey)
	nvConfig.BaseURL, nvConfig.TimeZone = "http://ncp.invalid", zone
	nvConfig.AccessKey = secret.New(ncptwin.DefaultAccessKey)
	nvConfig.SecretKey = secret.New(ncptwin.DefaultSecretKey)
	pcAdapter, err := pallycon.New("pc", *pcConfig, upstream.Connection{Transport: twin.Transport(pc)})
	if err != nil {
		t.Fatal(err)
	}
	nvAdapter, err := ncp.New("nv", *nvConfig, upstream.Connection{Transport: twin.Transport(nv)})
	if err != nil {
		t.Fatal(err)
	}
	return []vendors.Vendor{
		{ID: "pc", Kind: "pallycon", Adapter: pcAdapter}, {ID: "nv", Kind: "ncp", Adapter: nvAdapter},
	}
}

// keep reads the license history of a site into an archive.
func keep(t *testing.T, engine archive.Engine, zone *time.Location, all []vendors.Vendor, site string) {
	t.Helper()
	conn, _ := serve(t, all...)
	stream, err := pb.NewLicenseServiceClient(conn).StreamLicenses(t.Context(), &pb.StreamLicensesRequest{Parent: site})
	if err != nil {
		t.Fatal(err)
	}
	r := archive.Replacement{
		Site: site, Span: archive.Span{From: archive.MinSecond, To: time.Now().Unix()}, Final: true,
	}
	for {
		m, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range m.GetLicenses() {
			r.Rows = append(r.Rows, archive.Row{
				Site: site, Second: l.GetCreateTime().GetSeconds(), User: l.GetUserId(), UserMD5: l.GetUserIdMd5(),
				Device: l.GetDeviceId(), Status: l.GetStatus(), Code: l.GetErrorCode(),
			})
		}
	}
	if err := engine.SetZone(t.Context(), site, zone); err != nil {
		t.Fatal(err)
	}
	if _, err := engine.Replace(t.Context(), r); err != nil {
		t.Fatal(err)
	}
}

// TestFiguresAreExact compares each month of the archive with the vendors' figures and with a recount
// of the twins' rows, in three zones and after an erasure.
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

// TestReconcileInvoice reconciles invoices of October 2026.
func TestReconcileInvoice(t *testing.T) {
	october := func(day, hour int) time.Time { return time.Date(2026, 10, day, hour, 0, 0, 0, time.UTC) }
	rows := []requested{
		{at: october(1, 0), user: "a", device: "1"}, {at: october(2, 0), user: "b", device: "1"},
		{at: october(3, 0), user: "c", device: "2", refused: true}, {at: october(31, 20), user: "a", device: "3"},
	}
	all, engine := twins(t, time.UTC, rows), archivetest.NewMemory()
	keep(t, engine, time.UTC, all, "vendors/pc/sites/DEMO")
	all = append(all, configured("bare", bare{}))
	for name, c := range map[string]struct {
		req    *pb.ReconcileInvoiceRequest
		caller auth.Identity
		want   string // for each line: archived, difference, amount, reasons and the number of rows; then the rows
	}{
		"lines": {req: &pb.ReconcileInvoiceRequest{Lines: []*pb.InvoiceLine{
			{Site: "vendors/pc/sites/DEMO", Metric: pb.InvoiceLine_LICENSES, Quantity: 4, UnitPrice: "0.0125"},
			{Site: "vendors/pc/sites/DEMO", Metric: pb.InvoiceLine_USERS, Quantity: 2, UnitPrice: "1"},
			{Site: "vendors/pc/sites/DEMO", Metric: pb.InvoiceLine_DEVICES, Quantity: 1},
		}}, want: "3 1 0.0125 FAILURES_COUNTED 1; 2 0 0 0; 2 -1 OTHER_TIME_ZONE 1; 0 c, 2 a"},
		"a table": {req: &pb.ReconcileInvoiceRequest{Csv: "site,metric,quantity\nDEMO,MAL,9"},
			want: "3 6 UNEXPLAINED 0"},
		"no sample": {req: &pb.ReconcileInvoiceRequest{SampleSize: 1, Csv: "site,metric,quantity\nDEMO,MAL,2"},
			want: "3 -1 OTHER_TIME_ZONE 1; 0 a"},
		"another vendor": {req: &pb.ReconcileInvoiceRequest{Csv: "site,metric,quantity\nvendors/nv/sites/demo,MAL,2"},
			want: "csv: line 2"},
		"another vendor's line": {req: &pb.ReconcileInvoiceRequest{Lines: []*pb.InvoiceLine{
			{Site: "vendors/nv/sites/demo", Metric: 1}}}, want: "lines[0].site"},
		"an unknown site": {req: &pb.ReconcileInvoiceRequest{Csv: "site,metric,quantity\n\nDEMO,MAL,2\nNONE,MAL,2"},
			want: "csv: line 4"},
		"a line twice": {req: &pb.ReconcileInvoiceRequest{Csv: "site,metric,quantity\nDEMO,MAL,2\nDEMO,LICENSES,2"},
			want: "csv: line 3"},
		"a site that the caller may not see": {
			req:    &pb.ReconcileInvoiceRequest{Csv: "site,metric,quantity\nNONE,MAL,2"},
			caller: sitesOnly("pc/sites/DEMO"), want: codes.PermissionDenied.String()},
		"no history": {req: &pb.ReconcileInvoiceRequest{Parent: "vendors/bare", Csv: "site"},
			want: codes.Unimplemented.String()},
	} {
		t.Run(name, func(t *testing.T) {
			if c.req.Month = "2026-10"; c.req.GetParent() == "" {
				c.req.Parent = "vendors/pc"
			}
			res, err := archiveOf(t, engine, c.caller, all...).ReconcileInvoice(t.Context(), c.req)
			if err != nil {
				e := apierror.Convert(err)
				if !strings.HasPrefix(e.Message, c.want) && e.Code.String() != c.want {
					t.Errorf("%v, want %s", err, c.want)
				}
				return
			}
			var got []string
			for _, l := range res.GetLines() {
				words := []string{fmt.Sprint(l.GetArchivedQuantity()), fmt.Sprint(l.GetDifferenceQuantity())}
				if l.GetDifferenceAmount() != "" {
					words = append(words, l.GetDifferenceAmount())
				}
				for _, x := range l.GetExplanations() {
					words = append(words, x.GetReason().String())
				}
				got = append(got, strings.Join(append(words, fmt.Sprint(l.GetDisputedCount())), " "))
			}
			var disputed []string
			for _, r := range res.GetDisputedRows() {
				disputed = append(disputed, fmt.Sprint(r.GetLine(), " ", r.GetLicense().GetUserId()))
			}
			if disputed != nil {
				got = append(got, strings.Join(disputed, ", "))
			}
			if strings.Join(got, "; ") != c.want || res.GetCountingRule().GetSource() == "" {
				t.Errorf("%s, want %s", strings.Join(got, "; "), c.want)
			}
		})
	}
}
