package ncp_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// siteRow is the site DEMO as the vendor shows it.
func siteRow(status string, enabled bool) string {
	return fmt.Sprintf(`{"siteId":"DEMO","siteName":"Demo_site","siteStatus":"%s","siteEnabledYn":%t,"policyId":0,`+
		`"fairPlayCert":{},"statistics":{"siteMontlyActiveUser":2,"siteMontlyActiveDevice":3,`+
		`"siteMontlyActiveLicense":4},"siteUpdatedTime":1696817889000}`, status, enabled)
}

func TestASiteIsRead(t *testing.T) {
	const fullRow = `{"siteId":"DEMO","siteName":"Demo_site","siteStatus":"RUNNING","siteEnabledYn":true,` +
		`"policyId":"12","policyName":"RENTAL","kmsToken":"secret","fairPlayCert":{"certFile":"http://h/c.cer",` +
		`"privateKey":"http://h/k.pem","privateEncryptedString":"p","secretKey":"s"},"statistics":` +
		`{"siteMontlyActiveUser":2,"siteMontlyActiveDevice":3,"siteMontlyActiveLicense":4},` +
		`"siteCreatedTime":"20231101082316","siteUpdatedTime":1696817889000,"siteUpdated":1}`
	const nulls = `{"siteId":"DEMO","siteName":null,"siteStatus":null,"siteEnabledYn":null,"policyId":null,` +
		`"fairPlayCert":null,"statistics":null,"siteCreatedTime":null,"siteUpdated":null}`
	const loose = `{"siteId":"DEMO","siteEnabledYn":"Y","siteStatus":"RUNNING","policyId":2.0,"fairPlayCert":[],` +
		`"statistics":{"siteMontlyActiveUser":"2","siteMontlyActiveDevice":3.0,"siteMontlyActiveLicense":""},` +
		`"siteCreatedTime":"2023-11-01T08:23:16Z","siteUpdated":"2023-10-09 02:18:09"}`
	const silent = `{"siteId":"DEMO","siteStatus":"running","siteEnabledYn":"","policyId":" 0.0 "}`
	const noTimes = `{"siteId":"DEMO","siteCreatedTime":"","siteUpdatedTime":{"at":1},"siteUpdated":0}`
	updated, bare := timestamppb.New(time.UnixMilli(1696817889000)), &pb.Site{SiteId: "DEMO"}
	for what, c := range map[string]struct {
		reply answer
		want  *pb.Site
	}{
		"the example of the API pages": {answer{Body: fixture(t, "disable-site.json")}, &pb.Site{
			SiteId: "drm-20231101082316-dJDGa", DisplayName: "myDrmTest", State: pb.Site_READY, VendorState: "READY",
			Enabled: true, PolicyId: "0", Usage: &pb.Usage{}, UpdateTime: updated,
		}},
		"every field of the table": {ok(fullRow), &pb.Site{
			SiteId: "DEMO", DisplayName: "Demo_site", State: pb.Site_RUNNING, VendorState: "RUNNING", Enabled: true,
			PolicyId: "12", FairplayCertificate: &pb.FairPlayCertificate{CertificateUri: "http://h/c.cer"},
			Usage:      &pb.Usage{MonthlyActiveUsers: 2, MonthlyActiveDevices: 3, MonthlyActiveLicenses: 4},
			CreateTime: timestamppb.New(time.Date(2023, 11, 1, 8, 23, 16, 0, time.UTC)), UpdateTime: updated,
		}},
		"nothing but the id":  {ok(`{"siteId":"DEMO"}`), bare},
		"null for everything": {ok(nulls), bare},
		"no times":            {ok(noTimes), bare},
		"silence about it": {ok(silent), &pb.Site{
			SiteId: "DEMO", State: pb.Site_RUNNING, VendorState: "running", Enabled: true, PolicyId: "0",
		}},
		"lists for objects": {ok(`{"siteId":7,"fairPlayCert":"","statistics":[]}`), &pb.Site{SiteId: "7"}},
		"empty statistics":  {ok(`{"siteId":"DEMO","statistics":{"siteMontlyActiveUser":null}}`), bare},
		"other types": {ok(loose), &pb.Site{
			SiteId: "DEMO", State: pb.Site_RUNNING, VendorState: "RUNNING", Enabled: true, PolicyId: "2",
			Usage:      &pb.Usage{MonthlyActiveUsers: 2, MonthlyActiveDevices: 3},
			CreateTime: timestamppb.New(time.Date(2023, 11, 1, 8, 23, 16, 0, time.UTC)), UpdateTime: updated,
		}},
	} {
		synctest.Test(t, func(t *testing.T) { // on the bubble's first day
			path := "/sites/" + c.want.GetSiteId()
			if c.want.Name = "vendors/acme" + path; c.want.GetUsage() != nil {
				c.want.Usage.Name, c.want.Usage.Date = c.want.GetName()+"/usage", "2000-01-01"
			}
			a, vendor := serve(t, config(), map[string][]answer{"GET /api/v1" + path: {c.reply}})
			site, err := a.GetSite(t.Context(), &pb.GetSiteRequest{Name: c.want.GetName()})
			if err != nil {
				t.Fatalf("%s: %v", what, err)
			}
			same(t, what, site, c.want)
			if q := vendor.Only("GET /api/v1" + path).Query; len(q) > 0 {
				t.Errorf("the call has the parameters %v", q)
			}
		})
	}
}

func TestTheStateOfASiteAndOfItsOrder(t *testing.T) {
	for status, c := range map[string]struct {
		state   pb.Site_State
		enabled bool // if it is switched on: the vendor issues licenses
		order   pb.SiteOrder_State
	}{
		"CREATING": {pb.Site_CREATING, false, pb.SiteOrder_PENDING},
		"READY":    {pb.Site_READY, true, pb.SiteOrder_APPROVED},
		"RUNNING":  {pb.Site_RUNNING, true, pb.SiteOrder_APPROVED},
		"DELETED":  {pb.Site_DELETED, false, pb.SiteOrder_APPROVED},
		"PAUSED":   {pb.Site_STATE_UNSPECIFIED, true, pb.SiteOrder_STATE_UNSPECIFIED},
	} {
		for _, on := range []bool{true, false} {
			a, _ := serve(t, config(), map[string][]answer{getSite: {ok(siteRow(status, on))}})
			site, err := a.GetSite(t.Context(), &pb.GetSiteRequest{Name: demo})
			if err != nil || site.GetState() != c.state || site.GetVendorState() != status ||
				site.GetEnabled() != (on && c.enabled) {
				t.Errorf("%s with siteEnabledYn %t is %v, %v", status, on, site, err)
			}
			o, err := a.GetSiteOrder(t.Context(), &pb.GetSiteOrderRequest{Name: "vendors/acme/siteOrders/DEMO"})
			if err != nil || o.GetState() != c.order || o.GetVendorStatus() != status {
				t.Errorf("the order of a site that is %s is %v, %v", status, o, err)
			}
		}
	}
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
	// The vendor returns fewer sites than it is asked for. A site moves to the next page meanwhile.
	pages := []answer{sitesOf("A", "B"), sitesOf("B", "C"), sitesOf("D"), sitesOf()}
	a, vendor := serve(t, config(), map[string][]answer{getSites: pages})
	res, err := a.ListSites(t.Context(), &pb.ListSitesRequest{Parent: "vendors/acme"})
	var ids string
	for _, s := range res.GetSites() {
		ids += s.GetSiteId()
	}
	if err != nil || ids != "ABCD" || res.GetTotalSize() != 4 {
		t.Errorf("the sites are %s of %d, %v; want ABCD of 4", ids, res.GetTotalSize(), err)
	}
	for i, c := range vendor.Made(getSites) {
		if got, want := c.Query.Encode(), fmt.Sprintf("pageNo=%d&pageSize=100", i+1); got != want {
			t.Errorf("page %d is asked for with %s, want %s", i+1, got, want)
		}
	}

	a, vendor = serve(t, config(), map[string][]answer{getSites: {sitesOf("A")}})
	if level, err := a.Check(t.Context()); err != nil || level != "" {
		t.Errorf("%q, %v", level, err)
	}
	if got := vendor.Only(getSites).Query.Encode(); got != "pageNo=1&pageSize=1" {
		t.Errorf("the check asks for %s", got)
	}
}

func TestSitesThatContradictTheRequestAreRefused(t *testing.T) {
	for what, content := range map[string]string{"another one": `{"siteId":"TEST"}`, "none": `null`, "empty": `{}`} {
		a, _ := serve(t, config(), map[string][]answer{getSite: {ok(content)}})
		_, err := a.GetSite(t.Context(), &pb.GetSiteRequest{Name: demo})
		want(t, what, err, unreadable)
	}
	for what, pages := range map[string][]answer{
		"a site without an id":   {ok(`[{"siteName":"nameless"}]`)},
		"sites that are missing": {total(3, sitesOf("A", "B")), total(3, sitesOf())},
		"sites that are counted": {total(3, sitesOf())},
	} {
		a, vendor := serve(t, config(), map[string][]answer{getSites: pages})
		_, err := a.ListSites(t.Context(), &pb.ListSitesRequest{Parent: "vendors/acme"})
		want(t, what, err, unreadable)
		if n := len(vendor.Made(getSites)); n > 2 {
			t.Errorf("%s: %d pages were read", what, n)
		}
	}
	a, vendor := serve(t, config(), nil) // GET /sites/siteLog is another call.
	_, err := a.GetSite(t.Context(), &pb.GetSiteRequest{Name: "vendors/acme/sites/siteLog"})
	want(t, "GetSite", err, notFound)
	_, err = a.GetSiteOrder(t.Context(), &pb.GetSiteOrderRequest{Name: "vendors/acme/siteOrders/siteLog"})
	want(t, "GetSiteOrder", err, notFound)
	vendor.WantNothing()
}

func TestUsageIsThatOfToday(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(16 * time.Hour) // in UTC it is still the first of January, in Seoul the second
		c := config()
		c.TimeZone = time.FixedZone("KST", 9*60*60)
		a, _ := serve(t, c, map[string][]answer{getSite: {siteOn}})
		usage := &pb.Usage{Name: demo + "/usage", Date: "2000-01-02", MonthlyActiveUsers: 2, MonthlyActiveDevices: 3,
			MonthlyActiveLicenses: 4}
		for _, date := range []string{"", "2000-01-02"} {
			got, err := a.GetUsage(t.Context(), &pb.GetUsageRequest{Name: usage.GetName(), Date: date})
			if err != nil {
				t.Fatal(err)
			}
			same(t, "the usage", got, usage)
		}
		for _, date := range []string{"2000-01-01", "2000-01-03", "2000-02-30", "today"} {
			_, err := a.GetUsage(t.Context(), &pb.GetUsageRequest{Name: usage.GetName(), Date: date})
			wantField(t, "the usage of "+date, err, "date")
		}
		for _, none := range []string{`null`, `[]`, `""`, `{}`, `{"siteMontlyActiveUser":""}`} {
			a, _ = serve(t, config(), map[string][]answer{getSite: {ok(`{"siteId":"DEMO","statistics":` + none + `}`)}})
			_, err := a.GetUsage(t.Context(), &pb.GetUsageRequest{Name: usage.GetName()})
			want(t, "the statistics "+none, err, unreadable)
		}
	})
}

// An operator who compares users must know that those without an id are one of them.
func TestTheRuleOfUsersNamesTheEmptyID(t *testing.T) {
	for missing, want := range map[bool]string{false: "counts no user.", true: "as one more."} {
		c := config()
		c.UsageCountsMissingUser = missing
		a, _ := serve(t, c, nil)
		rule := a.Describe().History.Counting.Description
		if !strings.Contains(rule, "The MD5 of an empty id counts as one user") || !strings.HasSuffix(rule, want) {
			t.Errorf("the rule is %q", rule)
		}
	}
}

func TestNamesOfOtherThingsAreRefused(t *testing.T) {
	a, vendor := serve(t, config(), nil)
	const other = "vendors/acme"
	refused := func(field string) func(any, error) {
		return func(_ any, err error) { wantField(t, other, err, field) }
	}
	refused("name")(a.GetSite(t.Context(), &pb.GetSiteRequest{Name: other}))
	refused("name")(a.GetSiteOrder(t.Context(), &pb.GetSiteOrderRequest{Name: other}))
	refused("name")(a.GetUsage(t.Context(), &pb.GetUsageRequest{Name: other}))
	refused("name")(a.DisableSite(t.Context(), &pb.DisableSiteRequest{Name: other}))
	refused("site.name")(a.UpdateSite(t.Context(), &pb.UpdateSiteRequest{Site: &pb.Site{Name: other}}))
	refused("parent")(a.ListLicenses(t.Context(), &pb.ListLicensesRequest{Parent: other}))
	refused("parent")(nil, a.StreamLicenses(&pb.StreamLicensesRequest{Parent: other}, nil))
	vendor.WantNothing()
}

func TestATimeOfASiteThatCannotBeReadIsNamed(t *testing.T) {
	for _, field := range []string{"siteCreatedTime", "siteUpdated"} {
		body := `{"siteId":"DEMO","` + field + `":"20231301000000"}`
		a, _ := serve(t, config(), map[string][]answer{
			"GET /api/v1/sites/DEMO": {ok(body)}, "GET /api/v1/sites": {ok("[" + body + "]")},
		})
		_, err := a.GetSite(t.Context(), &pb.GetSiteRequest{Name: "vendors/acme/sites/DEMO"})
		want(t, field+" of a site", err, unreadable)
		_, err = a.ListSites(t.Context(), &pb.ListSitesRequest{Parent: "vendors/acme"})
		want(t, field+" of a list", err, unreadable)
		says := apierror.Convert(err).Message
		if !strings.Contains(says, `content[0] "DEMO": `+field+": expected a time") {
			t.Error(says)
		}
	}
}

// fullPage holds as many sites as a page can have.
func fullPage() answer {
	var ids []string
	for i := range 100 {
		ids = append(ids, fmt.Sprint("S", i))
	}
	return sitesOf(ids...)
}

// total is a page that says how many sites there are.
func total(n any, page answer) answer {
	page.Body = strings.TrimSuffix(page.Body, "}") + fmt.Sprintf(`,"total":%v}`, n)
	return page
}

func TestAPageOfSitesThatRepeatsIsTheEnd(t *testing.T) {
	for what, c := range map[string]struct {
		pages []answer
		sites int
	}{
		"the last page again":             {[]answer{sitesOf("A", "B"), sitesOf("A", "B")}, 2},
		"the last page again, with total": {[]answer{total(2, sitesOf("A", "B")), total(2, sitesOf("A", "B"))}, 2},
		"a full page again, with total":   {[]answer{total(100, fullPage()), total(100, fullPage())}, 100},
		"a later page again":              {[]answer{fullPage(), sitesOf("A"), sitesOf("A")}, 101},
		"a full page again":               {[]answer{fullPage(), fullPage()}, 100},
		"a page again below the total":    {[]answer{total(3, sitesOf("A", "B")), total("3.0", sitesOf("B", "A"))}, 2},
		"a total of another type":         {[]answer{total(`"2"`, sitesOf("A", "B")), total("2.0", sitesOf("B"))}, 2},
		"no number as the total":          {[]answer{total(`""`, sitesOf("A", "B")), total("null", sitesOf("B"))}, 2},
		"an empty list in other words":    {[]answer{ok("{}")}, 0},
		"an empty list in another word":   {[]answer{ok(`""`)}, 0},
	} {
		a, vendor := serve(t, config(), map[string][]answer{getSites: c.pages})
		res, err := a.ListSites(t.Context(), &pb.ListSitesRequest{Parent: "vendors/acme", PageSize: 1000})
		if err != nil || len(res.GetSites()) != c.sites || res.GetNextPageToken() != "" {
			t.Errorf("%s: %d sites, %v, want %d", what, len(res.GetSites()), err, c.sites)
		}
		if n := len(vendor.Made(getSites)); n != len(c.pages) {
			t.Errorf("%s: %d pages were read, want %d", what, n, len(c.pages))
		}
	}
}

// A caller who asks for all sites must learn that some may be missing.
func TestTheNamesOfSitesSayThatSomeMayBeHidden(t *testing.T) {
	for what, c := range map[string]struct {
		pages  []answer
		names  int
		hidden bool
	}{
		"the last page again":         {[]answer{sitesOf("A", "B"), sitesOf("A", "B")}, 2, false},
		"a full page again":           {[]answer{fullPage(), fullPage()}, 100, true},
		"a page again, up to a total": {[]answer{total(2, sitesOf("A", "B")), total(2, sitesOf("A", "B"))}, 2, false},
		"a page again below a total":  {[]answer{total(3, sitesOf("A", "B")), total(3, sitesOf("A", "B"))}, 2, true},
	} {
		a, _ := serve(t, config(), map[string][]answer{getSites: c.pages})
		names, err := a.SiteNames(t.Context())
		if len(names) != c.names || c.hidden != (err != nil) {
			t.Errorf("%s: %d names, %v", what, len(names), err)
		}
		if c.hidden {
			want(t, what, err, unreadable)
		}
	}
}

func TestASiteThatCannotBeReadHidesNoOther(t *testing.T) {
	const good = `{"siteId":"A"},{"siteId":"B","siteEnabledYn":"Y"}`
	for row, says := range map[string]string{
		`{"siteId":"drm-1","siteCreatedTime":"soon"}`:  `content[2] "drm-1": siteCreatedTime: expected a time`,
		`{"siteId":"drm-1","siteUpdatedTime":"soon"}`:  `content[2] "drm-1": siteUpdatedTime: expected a time`,
		`{"siteId":"drm-1","siteEnabledYn":"perhaps"}`: `content[2] "drm-1": siteEnabledYn: expected true or false`,
		`{"siteId":"drm-1","fairPlayCert":7}`:          `content[2] "drm-1": fairPlayCert: expected an object`,
		`{"siteId":{"id":1},"siteName":"a site"}`:      `content[2].siteId: expected text`,
		`{"siteName":"a site"}`:                        `content[2].siteId: expected an id`,
		`null`:                                         `content[2].siteId: expected an id`,
		`7`:                                            `content[2]: expected an object, got a number`,
		`{"siteId":"drm-1","statistics":{"siteMontlyActiveUser":"x"}}`: `content[2] "drm-1": ` +
			`statistics.siteMontlyActiveUser: expected a whole number`,
	} {
		a, _ := serve(t, config(), map[string][]answer{getSites: {ok("[" + good + "," + row + "]")}})
		req := &pb.ListSitesRequest{Parent: "vendors/acme", PageSize: 2}
		first, err := a.ListSites(t.Context(), req)
		if err != nil || len(first.GetSites()) != 2 || first.GetTotalSize() != 3 {
			t.Errorf("the sites before %s: %v, %v", row, first, err)
		}
		req.PageToken = first.GetNextPageToken()
		_, err = a.ListSites(t.Context(), req)
		wantSaid(t, row, want(t, row, err, unreadable), says)
		names, err := a.SiteNames(t.Context())
		wanted := []string{"vendors/acme/sites/A", "vendors/acme/sites/B"}
		if strings.Contains(says, `"drm-1"`) {
			wanted = append(wanted, "vendors/acme/sites/drm-1")
		} else {
			want(t, row, err, unreadable)
			err = nil
		}
		if err != nil || !slices.Equal(names, wanted) {
			t.Errorf("the names with %s: %q, %v", row, names, err)
		}
		if level, err := a.Check(t.Context()); err != nil {
			t.Errorf("%s: %q, %v", row, level, err)
		}
	}
}
