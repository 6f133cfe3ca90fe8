package emulator_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/drmhub/drmhub/adapters/ncp/emulator"
	"github.com/drmhub/drmhub/adapters/twin/twintest"
)

func TestSiteList(t *testing.T) {
	e := newDemo(emulator.Assumptions{})
	e.PutPolicies(emulator.Policy{PolicyID: 7, PolicyName: "strict"})
	cert := emulator.FairPlayCert{CertFile: "c", PrivateKey: "p", PrivateEncryptedString: "e", SecretKey: "s"}
	e.PutSites(emulator.Site{
		SiteID: "drm-20231002000000-Certi", SiteName: "with <cert>", Status: "DELETED", PolicyID: 7, FairPlayCert: cert,
		CreatedTime: at("2023-10-02 00:00:00"), UpdatedTime: at("2023-10-03 00:00:00"),
	})
	row := func(id, name, status, rest string, created, updated int) string {
		const form = `{"siteId":"%s","siteName":"%s","siteStatus":"%s",%s,"statistics":{"siteMontlyActiveUser":0,` +
			`"siteMontlyActiveDevice":0,"siteMontlyActiveLicense":0},"siteCreatedTime":%d,"siteUpdatedTime":%d}`
		return fmt.Sprintf(form, id, name, status, rest, created, updated)
	}
	const basic, noonMillis = `"policyId":0,"policyName":"BASIC","fairPlayCert":{}`, 1700740800000
	first := row(demo, "demo", "RUNNING", `"siteEnabledYn":true,`+basic, noonMillis, noonMillis)
	got := get(t, e, "/api/v1/sites")
	wantJSON(t, got.Text, `{"success":true,"total":3,"content":[`+first+`,`+
		row("drm-20231001000000-Ready", "ready", "READY", `"siteEnabledYn":false,`+basic, noonMillis, noonMillis)+`,`+
		row("drm-20231002000000-Certi", "with <cert>", "DELETED", `"siteEnabledYn":false,"policyId":7,`+
			`"policyName":"strict","fairPlayCert":{"certFile":"c","privateKey":"p","privateEncryptedString":"e",`+
			`"secretKey":"s"}`, 1696204800000, 1696291200000)+`]}`)
	if !strings.Contains(got.Text, "with <cert>") {
		t.Errorf("escaped as for HTML: %s", got.Text)
	}
	wantJSON(t, string(get(t, e, "/api/v1/sites/"+demo).Content), first)
	wantJSON(t, get(t, emulator.New(frozen()), "/api/v1/sites").Text, `{"success":true,"content":[],"total":0}`)
}

func TestSitesCanBeReplaced(t *testing.T) {
	e := newDemo(emulator.Assumptions{})
	e.PutLicenses(demo, emulator.License{CreatedTime: noon})
	e.PutSites(emulator.Site{SiteID: demo, SiteName: "new", Status: "ARCHIVED"})
	got := get(t, e, "/api/v1/sites/"+demo).site(t)
	if got["siteName"] != "new" || got["siteStatus"] != "ARCHIVED" || got["siteEnabledYn"] != false ||
		len(e.Licenses(demo)) != 1 || len(e.Sites()) != 2 {
		t.Errorf("%v", got)
	}
	twintest.WantPanic(t, "a site with an unknown policy", "", func() {
		e.PutSites(emulator.Site{SiteID: "x", PolicyID: 99})
	})
}

func TestSitePages(t *testing.T) {
	e := emulator.New(frozen())
	for i := range 45 {
		e.PutSites(emulator.Site{SiteID: fmt.Sprint(i)})
	}
	for query, want := range map[string]string{
		"":                         "0 … 19 (20 of 45)",
		"?pageNo=3":                "40 … 44 (5 of 45)",
		"?pageNo=4":                "none of 45",
		"?pageNo=1000000000":       "none of 45",
		"?pageSize=100":            "0 … 44 (45 of 45)",
		"?pageSizeNo=7&pageNo=2":   "7 … 13 (7 of 45)",
		"?pageSizeNo=7&pageSize=7": "0 … 6 (7 of 45)",
		"?pageSize=&pageNo=":       "0 … 19 (20 of 45)",
	} {
		got := get(t, e, "/api/v1/sites"+query)
		ids := strings.Fields(got.rows(t, "siteId"))
		text := fmt.Sprintf("none of %d", got.total())
		if n := len(ids); n > 0 {
			text = fmt.Sprintf("%s … %s (%d of %d)", ids[0], ids[n-1], n, got.total())
		}
		if text != want {
			t.Errorf("%s: %s, want %s", query, text, want)
		}
	}
}
