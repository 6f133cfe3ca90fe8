package ncp_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/timestamppb"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// siteRow is the site DEMO as the vendor shows it.
func siteRow(status string, enabled bool) string {
	return fmt.Sprintf(`{"siteId":"DEMO","siteName":"Demo_site","siteStatus":"%s","siteEnabledYn":%t,"policyId":0,"fairPlayCert":{},`+
		`"statistics":{"siteMontlyActiveUser":2,"siteMontlyActiveDevice":3,"siteMontlyActiveLicense":4},"siteUpdatedTime":1696817889000}`, status, enabled)
}

func TestTheExampleOfASiteIsRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // on the bubble's first day
		const id = "drm-20231101082316-dJDGa"
		a, vendor := serve(t, config(), map[string][]answer{"GET /api/v1/sites/" + id: {{Body: fixture(t, "disable-site.json")}}})
		site, err := a.GetSite(t.Context(), &pb.GetSiteRequest{Name: "vendors/acme/sites/" + id})
		if err != nil {
			t.Fatal(err)
		}
		same(t, "the site", site, &pb.Site{
			Name: "vendors/acme/sites/" + id, SiteId: id, DisplayName: "myDrmTest", State: pb.Site_READY, VendorState: "READY", Enabled: true, PolicyId: "0",
			Usage:      &pb.Usage{Name: "vendors/acme/sites/" + id + "/usage", Date: "2000-01-01"},
			UpdateTime: timestamppb.New(time.UnixMilli(1696817889000)),
		})
		if q := vendor.Only("GET /api/v1/sites/" + id).Query; len(q) > 0 {
			t.Errorf("the call has the parameters %v", q)
		}
	})
}

func TestEveryFieldOfTheTableIsRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		row := `{"siteId":"DEMO","siteName":"Demo_site","siteStatus":"RUNNING","siteEnabledYn":true,"policyId":"12","policyName":"RENTAL","kmsToken":"secret",` +
			`"fairPlayCert":{"certFile":"http://h/c.cer","privateKey":"http://h/k.pem","privateEncryptedString":"p","secretKey":"s"},` +
			`"statistics":{"siteMontlyActiveUser":2,"siteMontlyActiveDevice":3,"siteMontlyActiveLicense":4},` +
			`"siteCreatedTime":"20231101082316","siteUpdatedTime":1696817889000,"siteUpdated":1}`
		a, _ := serve(t, config(), map[string][]answer{getSite: {ok(row)}})
		site, err := a.GetSite(t.Context(), &pb.GetSiteRequest{Name: demo})
		if err != nil {
			t.Fatal(err)
		}
		same(t, "the site", site, &pb.Site{
			Name: demo, SiteId: "DEMO", DisplayName: "Demo_site", State: pb.Site_RUNNING, VendorState: "RUNNING", Enabled: true, PolicyId: "12",
			FairplayCertificate: &pb.FairPlayCertificate{CertificateUri: "http://h/c.cer"},
			Usage:               &pb.Usage{Name: demo + "/usage", Date: "2000-01-01", MonthlyActiveUsers: 2, MonthlyActiveDevices: 3, MonthlyActiveLicenses: 4},
			CreateTime:          timestamppb.New(time.Date(2023, 11, 1, 8, 23, 16, 0, time.UTC)),
			UpdateTime:          timestamppb.New(time.UnixMilli(1696817889000)),
		})
	})
}

func TestWhatASiteDoesNotTellIsLeftOut(t *testing.T) {
	for what, row := range map[string]string{
		"nothing but the id":      `{"siteId":"DEMO"}`,
		"null for everything":     `{"siteId":"DEMO","siteName":null,"siteStatus":null,"siteEnabledYn":null,"policyId":null,"fairPlayCert":null,"statistics":null,"siteCreatedTime":null,"siteUpdated":null}`,
		"times that nobody reads": `{"siteId":"DEMO","siteCreatedTime":"yesterday","siteUpdatedTime":{"at":1},"siteUpdated":"20231301000000"}`,
	} {
		a, _ := serve(t, config(), map[string][]answer{getSite: {ok(row)}})
		site, err := a.GetSite(t.Context(), &pb.GetSiteRequest{Name: demo})
		if err != nil {
			t.Errorf("%s: %v", what, err)
			continue
		}
		same(t, what, site, &pb.Site{Name: demo, SiteId: "DEMO"})
	}
}

func TestASiteIsEnabledOnlyWhereLicensesAreIssued(t *testing.T) {
	for status, c := range map[string]struct {
		state   pb.Site_State
		enabled bool
	}{
		"CREATING": {pb.Site_CREATING, false},
		"READY":    {pb.Site_READY, true},
		"RUNNING":  {pb.Site_RUNNING, true},
		"DELETED":  {pb.Site_DELETED, false},
		"PAUSED":   {pb.Site_STATE_UNSPECIFIED, true},
	} {
		for _, enabled := range []bool{true, false} {
			a, _ := serve(t, config(), map[string][]answer{getSite: {ok(siteRow(status, enabled))}})
			site, err := a.GetSite(t.Context(), &pb.GetSiteRequest{Name: demo})
			if err != nil || site.GetState() != c.state || site.GetVendorState() != status || site.GetEnabled() != (enabled && c.enabled) {
				t.Errorf("%s with siteEnabledYn %t is %v, %v", status, enabled, site, err)
			}
		}
	}
}

func TestAnotherSiteIsNoAnswer(t *testing.T) {
	for what, content := range map[string]string{"another one": `{"siteId":"TEST"}`, "none": `null`, "an empty one": `{}`} {
		a, _ := serve(t, config(), map[string][]answer{getSite: {ok(content)}})
		_, err := a.GetSite(t.Context(), &pb.GetSiteRequest{Name: demo})
		wantError(t, what, err, unreadable.Code, unreadable.Reason)
	}
}

func TestTheSiteLogIsNoSite(t *testing.T) {
	a, vendor := serve(t, config(), nil)
	_, err := a.GetSite(t.Context(), &pb.GetSiteRequest{Name: "vendors/acme/sites/siteLog"})
	wantError(t, "GetSite", err, codes.NotFound, pb.ErrorReason_RESOURCE_NOT_FOUND)
	_, err = a.GetSiteOrder(t.Context(), &pb.GetSiteOrderRequest{Name: "vendors/acme/siteOrders/siteLog"})
	wantError(t, "GetSiteOrder", err, codes.NotFound, pb.ErrorReason_RESOURCE_NOT_FOUND)
	vendor.WantNothing()
}

// sitesOf is a page of sites with these ids.
func sitesOf(ids ...string) answer {
	var rows []string
	for _, id := range ids {
		rows = append(rows, `{"siteId":"`+id+`"}`)
	}
	return ok("[" + strings.Join(rows, ",") + "]")
}

func TestAllPagesOfSitesAreRead(t *testing.T) {
	// The vendor gives fewer at once than it is asked for, and a site has moved to the next page
	// meanwhile.
	a, vendor := serve(t, config(), map[string][]answer{getSites: {sitesOf("A", "B"), sitesOf("B", "C"), sitesOf("D"), sitesOf()}})
	res, err := a.ListSites(t.Context(), &pb.ListSitesRequest{Parent: "vendors/acme"})
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, s := range res.GetSites() {
		ids = append(ids, s.GetSiteId())
	}
	if got := strings.Join(ids, ""); got != "ABCD" || res.GetTotalSize() != 4 {
		t.Errorf("the sites are %s of %d, want ABCD of 4", got, res.GetTotalSize())
	}
	for i, c := range vendor.Made(getSites) {
		if got, want := c.Query.Encode(), fmt.Sprintf("pageNo=%d&pageSize=100", i+1); got != want {
			t.Errorf("page %d is asked for with %s, want %s", i+1, got, want)
		}
	}
}

func TestPagesOfSitesThatLeadNowhereAreRefused(t *testing.T) {
	a, vendor := serve(t, config(), map[string][]answer{getSites: {sitesOf("A", "B")}})
	_, err := a.ListSites(t.Context(), &pb.ListSitesRequest{Parent: "vendors/acme"})
	wantError(t, "the same page again", err, unreadable.Code, unreadable.Reason)
	vendor.WantMade(getSites, 2)
	a, _ = serve(t, config(), map[string][]answer{getSites: {ok(`[{"siteName":"nameless"}]`)}})
	_, err = a.ListSites(t.Context(), &pb.ListSitesRequest{Parent: "vendors/acme"})
	wantError(t, "a site without an id", err, unreadable.Code, unreadable.Reason)
}

func TestCheckIsOneCheapRead(t *testing.T) {
	a, vendor := serve(t, config(), map[string][]answer{getSites: {sitesOf("A")}})
	if level, err := a.Check(t.Context()); err != nil || level != "" {
		t.Errorf("%q, %v", level, err)
	}
	if got := vendor.Only(getSites).Query.Encode(); got != "pageNo=1&pageSize=1" {
		t.Errorf("the check asks for %s", got)
	}
}

func TestUsageIsThatOfToday(t *testing.T) {
	seoul := time.FixedZone("KST", 9*60*60)
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(16 * time.Hour) // in UTC it is still the first of January, in Seoul the second
		c := config()
		c.TimeZone = seoul
		a, _ := serve(t, c, map[string][]answer{getSite: {ok(siteRow("RUNNING", true))}})
		want := &pb.Usage{Name: demo + "/usage", Date: "2000-01-02", MonthlyActiveUsers: 2, MonthlyActiveDevices: 3, MonthlyActiveLicenses: 4}
		for _, date := range []string{"", "2000-01-02"} {
			usage, err := a.GetUsage(t.Context(), &pb.GetUsageRequest{Name: want.GetName(), Date: date})
			if err != nil {
				t.Fatal(err)
			}
			same(t, "the usage", usage, want)
		}
		for _, date := range []string{"2000-01-01", "2000-01-03", "2000-02-30", "today"} {
			_, err := a.GetUsage(t.Context(), &pb.GetUsageRequest{Name: want.GetName(), Date: date})
			wantField(t, "the usage of "+date, err, "date")
		}
	})
	a, _ := serve(t, config(), map[string][]answer{getSite: {ok(`{"siteId":"DEMO"}`)}})
	_, err := a.GetUsage(t.Context(), &pb.GetUsageRequest{Name: demo + "/usage"})
	wantError(t, "a site without statistics", err, unreadable.Code, unreadable.Reason)
}

func TestNamesOfOtherThingsAreRefused(t *testing.T) {
	a, vendor := serve(t, config(), nil)
	const other = "vendors/acme"
	_, err := a.GetSite(t.Context(), &pb.GetSiteRequest{Name: other})
	wantField(t, "GetSite", err, "name")
	_, err = a.GetSiteOrder(t.Context(), &pb.GetSiteOrderRequest{Name: other})
	wantField(t, "GetSiteOrder", err, "name")
	_, err = a.GetUsage(t.Context(), &pb.GetUsageRequest{Name: other})
	wantField(t, "GetUsage", err, "name")
	_, err = a.DisableSite(t.Context(), &pb.DisableSiteRequest{Name: other})
	wantField(t, "DisableSite", err, "name")
	_, err = a.UpdateSite(t.Context(), &pb.UpdateSiteRequest{Site: &pb.Site{Name: other}})
	wantField(t, "UpdateSite", err, "site.name")
	_, err = a.ListLicenses(t.Context(), &pb.ListLicensesRequest{Parent: other})
	wantField(t, "ListLicenses", err, "parent")
	vendor.WantNothing()
}
