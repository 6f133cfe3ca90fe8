package emulator_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/drmhub/drmhub/adapters/ncp/emulator"
	"github.com/drmhub/drmhub/adapters/twin/twintest"
)

const noStatistics = `"statistics":{"siteMontlyActiveUser":0,"siteMontlyActiveDevice":0,"siteMontlyActiveLicense":0}`

func TestSiteList(t *testing.T) {
	e := newDemo(emulator.Assumptions{})
	e.PutPolicies(emulator.Policy{PolicyID: 7, PolicyName: "strict"})
	e.PutSites(emulator.Site{
		SiteID: "drm-20231002000000-Certi", SiteName: "with <cert>", Status: "DELETED", PolicyID: 7,
		CreatedTime: at("2023-10-02 00:00:00"), UpdatedTime: at("2023-10-03 00:00:00"),
		FairPlayCert: emulator.FairPlayCert{CertFile: "c", PrivateKey: "p", PrivateEncryptedString: "e", SecretKey: "s"},
	})
	const fromNoon = `"siteCreatedTime":1700740800000,"siteUpdatedTime":1700740800000}`
	got := get(t, e, "/api/v1/sites")
	wantJSON(t, got.Text, `{"success":true,"total":3,"content":[
		{"siteId":"`+demo+`","siteName":"demo","siteStatus":"RUNNING","siteEnabledYn":true,"policyId":0,"policyName":"BASIC","fairPlayCert":{},`+noStatistics+`,`+fromNoon+`,
		{"siteId":"drm-20231001000000-Ready","siteName":"ready","siteStatus":"READY","siteEnabledYn":false,"policyId":0,"policyName":"BASIC","fairPlayCert":{},`+noStatistics+`,`+fromNoon+`,
		{"siteId":"drm-20231002000000-Certi","siteName":"with <cert>","siteStatus":"DELETED","siteEnabledYn":false,"policyId":7,"policyName":"strict",
		 "fairPlayCert":{"certFile":"c","privateKey":"p","privateEncryptedString":"e","secretKey":"s"},`+noStatistics+`,"siteCreatedTime":1696204800000,"siteUpdatedTime":1696291200000}]}`)
	if !strings.Contains(got.Text, "with <cert>") {
		t.Errorf("escaped as for HTML: %s", got.Text)
	}
	wantJSON(t, get(t, emulator.New(frozen()), "/api/v1/sites").Text, `{"success":true,"content":[],"total":0}`)
}

func TestOneSite(t *testing.T) {
	e := newDemo(emulator.Assumptions{})
	list, one := get(t, e, "/api/v1/sites?pageSize=1"), get(t, e, "/api/v1/sites/"+demo)
	wantJSON(t, string(list.Content), "["+string(one.Content)+"]")
	if one.Total != nil {
		t.Errorf("one site with a total: %s", one.Text)
	}
	for _, id := range []string{"none", strings.ToLower(demo), "a%2Fb", "drm%20"} {
		wantFailure(t, get(t, e, "/api/v1/sites/"+id), 404, "281003", "does not exist")
	}
	e.PutSites(emulator.Site{SiteID: "a/b %"})
	if got := get(t, e, "/api/v1/sites/a%2Fb%20%25").site(t); got["siteId"] != "a/b %" {
		t.Errorf("%v", got)
	}
}

func TestSiteTimes(t *testing.T) {
	// in a read, and in the answer to a change
	for times, want := range map[emulator.SiteTimes][2]string{
		"":                        {"siteCreatedTime siteUpdatedTime", "siteUpdated"},
		emulator.SiteTimesTable:   {"siteCreatedTime siteUpdatedTime", "siteCreatedTime siteUpdatedTime"},
		emulator.SiteTimesExample: {"siteUpdated", "siteUpdated"},
	} {
		e := newDemo(emulator.Assumptions{SiteTimes: times})
		for i, got := range []reply{get(t, e, "/api/v1/sites/"+demo), put(t, e, "/api/v1/sites/"+demo+"/off", "")} {
			site := got.site(t)
			var keys []string
			for _, key := range []string{"siteCreatedTime", "siteUpdatedTime", "siteUpdated"} {
				if site[key] != nil {
					keys = append(keys, key)
				}
			}
			if strings.Join(keys, " ") != want[i] {
				t.Errorf("%q: times %q, want %q", times, keys, want[i])
			}
		}
	}
}

func TestKeysMayBeWithheld(t *testing.T) {
	e := newDemo(emulator.Assumptions{KeysWithheld: true})
	e.PutSites(emulator.Site{SiteID: demo, FairPlayCert: emulator.FairPlayCert{CertFile: "c", PrivateKey: "p", SecretKey: "s"}})
	got := get(t, e, "/api/v1/sites/"+demo)
	if !strings.Contains(got.Text, `"fairPlayCert":{"certFile":"c"}`) {
		t.Errorf("%s", got.Text)
	}
}

func TestSitesCanBeReplaced(t *testing.T) {
	e := newDemo(emulator.Assumptions{})
	e.PutLicenses(demo, emulator.License{CreatedTime: noon})
	e.PutSites(emulator.Site{SiteID: demo, SiteName: "new", Status: "ARCHIVED"})
	got := get(t, e, "/api/v1/sites/"+demo).site(t)
	if got["siteName"] != "new" || got["siteStatus"] != "ARCHIVED" || got["siteEnabledYn"] != false || len(e.Licenses(demo)) != 1 || len(e.Sites()) != 2 {
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

func TestParametersAreRefused(t *testing.T) {
	const history = "/api/v1/license/statistics?siteId=" + demo
	e := newDemo(emulator.Assumptions{})
	for target, message := range map[string]string{
		"/api/v1/sites?pageNo=0":                                     "the first page is 1",
		"/api/v1/sites?pageNo=-1":                                    "invalid parameter pageNo",
		"/api/v1/sites?pageNo=x":                                     "invalid parameter pageNo",
		"/api/v1/sites?pageSize=0":                                   "invalid parameter pageSize",
		"/api/v1/sites?pageSize=101":                                 "invalid parameter pageSize",
		"/api/v1/sites?pageSizeNo=1000":                              "invalid parameter pageSizeNo",
		"/api/v1/sites?pageSize=010":                                 "invalid parameter pageSize",
		"/api/v1/sites?pageSize=1&pageSizeNo=2":                      "given more than once",
		"/api/v1/sites?pageNo=1&pageNo=1":                            "given more than once",
		"/api/v1/sites?page_size=10":                                 "unknown parameter page_size",
		"/api/v1/sites?siteId=" + demo:                               "unknown parameter siteId",
		"/api/v1/sites/" + demo + "?pageNo=1":                        "unknown parameter pageNo",
		"/api/v1/sites?pageNo=%zz":                                   "cannot be read",
		"/api/v1/sites/siteLog":                                      "missing parameter siteId",
		"/api/v1/license/statistics":                                 "missing parameter siteId",
		"/api/v1/license/statistics?siteId=":                         "missing parameter siteId",
		history + "&status=SUCCESS":                                  "invalid parameter status",
		history + "&startTime=20231120095732.5":                      "invalid parameter startTime",
		history + "&endTime=2023-11-20":                              "invalid parameter endTime",
		history + "&startTime=2&endTime=1":                           "startTime is after endTime",
		history + "&searchCondition=platformName&searchKeyword=x":    "invalid parameter searchCondition",
		history + "&searchCondition=content_id&searchKeyword=x":      "invalid parameter searchCondition",
		history + "&searchCondition=contentId":                       "go together",
		history + "&searchKeyword=x":                                 "go together",
		history + "&searchCondition=user_id&searchKeyword=%ff&x=%ff": "unknown parameter x",
	} {
		t.Run(target, func(t *testing.T) { wantFailure(t, get(t, e, target), http.StatusBadRequest, "280003", message) })
	}
}

func TestStatusOfFailuresIsASetting(t *testing.T) {
	for name, test := range map[string]struct {
		assumed           emulator.Assumptions
		unknown, mistaken int
	}{
		"default":          {emulator.Assumptions{}, 404, 400},
		"all alike":        {emulator.Assumptions{FailureStatus: 200}, 200, 200},
		"not found apart":  {emulator.Assumptions{FailureStatus: 500, NotFoundStatus: 404}, 404, 500},
		"only not found's": {emulator.Assumptions{NotFoundStatus: 410}, 410, 400},
	} {
		e := newDemo(test.assumed)
		t.Run(name, func(t *testing.T) {
			wantFailure(t, get(t, e, "/api/v1/sites/none"), test.unknown, "281003", "")
			wantFailure(t, get(t, e, "/api/v1/sites?x=1"), test.mistaken, "280003", "")
		})
	}
}
