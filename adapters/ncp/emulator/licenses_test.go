package emulator_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/drmhub/drmhub/adapters/ncp/emulator"
	"github.com/drmhub/drmhub/adapters/twin/twintest"
)

// arrivals are licenses of contents, each with a time.
func arrivals(contentsAndTimes ...string) []emulator.License {
	var rows []emulator.License
	for i := 0; i < len(contentsAndTimes); i += 2 {
		rows = append(rows, emulator.License{ContentID: contentsAndTimes[i], CreatedTime: at(contentsAndTimes[i+1])})
	}
	return rows
}

// TestLicenseHistoryExample checks the example of the page "View license issuance history", whose
// users have no id. Two of its rows are equal.
func TestLicenseHistoryExample(t *testing.T) {
	e := newDemo(emulator.Assumptions{Generation: emulator.Generation2023})
	row := emulator.License{
		ContentID: "myFirst-Drm-cnt", DRMType: "Widevine", DeviceID: "23abfd802575758cb3bfdc147e819fc6",
		DeviceModel: "ChromeCDM-Mac-ARM64-9", PlatformName: "PLATFORM_MAC_OS",
	}
	for _, created := range []string{"08:56:03", "08:56:25", "08:56:58", "08:56:58", "09:57:32"} {
		row.CreatedTime = at("2023-11-20 " + created)
		e.PutLicenses(demo, row)
	}
	got := licenses(t, e, "searchCondition=drm_type&searchKeyword=Widevine")
	wantJSON(t, got.Text, example(t, "license-history.json"))
}

func TestGenerations(t *testing.T) {
	for generation, want := range map[emulator.Generation]string{
		"":                      "2 2 rows, 200 200, 30 in all",
		emulator.Generation2023: "20 2 rows, 400 200, -1 in all",
		emulator.Generation2026: "2 20 rows, 200 400, 30 in all",
	} {
		e := newDemo(emulator.Assumptions{Generation: generation})
		for range 30 {
			e.PutLicenses(demo, emulator.License{ContentID: "c", DRMType: "Widevine", CreatedTime: noon})
		}
		count := func(query string) int { return len(strings.Fields(licenses(t, e, query).rows(t, "contentId"))) }
		status := func(condition string) int {
			return licenses(t, e, "searchKeyword=Wide&searchCondition="+condition).Status
		}
		got := fmt.Sprintf("%d %d rows, %d %d, %d in all", count("pageSize=2"), count("pageSizeNo=2"),
			status("drmType"), status("drm_type"), licenses(t, e, "").total())
		if sites := get(t, e, "/api/v1/sites").total(); got != want || sites != 2 {
			t.Errorf("%q: %s, %d sites; want %s", generation, got, sites, want)
		}
	}
}

type assumptions = emulator.Assumptions

func TestLicenseSearches(t *testing.T) {
	// no MD5: too long
	const hash = "9c56cc51b374c3ba189210d5b6d4bf57790d351c96c47c02190ecf1e430635ab"
	rows := arrivals("film-1", "2023-11-01 00:00:01", "film-10", "2023-11-01 00:00:02", "Film-1", "2023-11-01 00:00:03")
	for i, words := range []string{
		"fail|Widevine|anna|d1|Pixel 8", "|PlayReady|bert|d2|Xbox", "|FairPlay|anna|d3|iOS & more",
	} {
		w, l := strings.Split(words, "|"), &rows[i]
		l.LicenseStatus, l.DRMType, l.UserID, l.DeviceID, l.DeviceModel = w[0], w[1], w[2], w[3], w[4]
	}
	anna := emulator.HashUserID("anna")
	if anna != "a70f9e38ff015afaa9ab0aacabee2e13" {
		t.Fatalf("anna is %s", anna)
	}
	search := func(condition, keyword string) string {
		return url.Values{"searchCondition": {condition}, "searchKeyword": {keyword}}.Encode()
	}
	const always = "startTime=0&endTime=9223372036854775807&"
	start := at("2023-11-01 00:00:00").UnixMilli()
	for name, test := range map[string]struct {
		query   string
		assumed assumptions
		want    string
	}{
		"everything":               {"", assumptions{}, "Film-1 film-10 film-1"},
		"failures":                 {"status=fail", assumptions{}, "film-1"},
		"successes":                {"status=success", assumptions{}, "Film-1 film-10"},
		"content, containing":      {search("contentId", "film-1"), assumptions{}, "film-10 film-1"},
		"content, exactly":         {search("contentId", "film-1"), assumptions{ExactSearch: true}, "film-1"},
		"content and status":       {search("contentId", "film-1") + "&status=success", assumptions{}, "film-10"},
		"DRM":                      {search("drmType", "FairPlay"), assumptions{}, "Film-1"},
		"DRM in another case":      {search("drmType", "fairplay"), assumptions{}, ""},
		"device":                   {search("deviceId", "d2"), assumptions{}, "film-10"},
		"model":                    {search("deviceModel", "iOS & more"), assumptions{}, "Film-1"},
		"user by hash":             {search("userId", anna), assumptions{}, "Film-1 film-1"},
		"user by name":             {search("userId", "anna"), assumptions{}, ""},
		"user by name, hashed":     {search("userId", "anna"), assumptions{PlainUserSearch: true}, "Film-1 film-1"},
		"user by hash, hashed":     {search("userId", anna), assumptions{PlainUserSearch: true}, ""},
		"user by another hash":     {search("userId", hash), assumptions{}, ""},
		"from a second":            {fmt.Sprint("startTime=", start+2000), assumptions{}, "Film-1 film-10"},
		"after a second":           {fmt.Sprint("startTime=", start+2001), assumptions{}, "Film-1"},
		"up to a second":           {fmt.Sprint("endTime=", start+2000), assumptions{}, "film-10 film-1"},
		"up to a second, excluded": {fmt.Sprint("endTime=", start+2000), assumptions{EndExclusive: true}, "film-1"},
		"just before a second":     {fmt.Sprint("endTime=", start+1999), assumptions{}, "film-1"},
		"one instant":              {fmt.Sprintf("startTime=%d&endTime=%[1]d", start+2000), assumptions{}, "film-10"},
		"nothing":                  {always + search("userId", "x"), assumptions{}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			e := newDemo(test.assumed)
			e.PutLicenses(demo, rows...)
			got := licenses(t, e, test.query)
			total := len(strings.Fields(test.want))
			if got.Status != http.StatusOK || got.rows(t, "contentId") != test.want || got.total() != total {
				t.Errorf("%d %s, want %q", got.Status, got.Text, test.want)
			}
		})
	}
}

func TestLicensePages(t *testing.T) {
	for name, test := range map[string]struct {
		assumed     assumptions
		query       string
		first       string
		rows, total int
	}{
		"as it comes":         {assumptions{}, "", "129", 20, 130},
		"as it comes, set":    {assumptions{DefaultPageSize: 5}, "", "129", 5, 130},
		"as many as there be": {assumptions{}, "pageSize=100", "129", 100, 130},
		"the last page":       {assumptions{}, "pageSize=100&pageNo=2", "29", 30, 130},
		"after the last page": {assumptions{}, "pageSize=100&pageNo=3", "", 0, 130},
		"fewer than asked":    {assumptions{PageCap: 30}, "pageSize=100&pageNo=2", "99", 30, 130},
		"from zero":           {assumptions{ZeroBasedPages: true}, "pageSize=100", "129", 100, 130},
		"from zero, page 1":   {assumptions{ZeroBasedPages: true}, "pageSize=100&pageNo=1", "29", 30, 130},
		"from zero, page 0":   {assumptions{ZeroBasedPages: true}, "pageNo=0", "129", 20, 130},
		"total of the page":   {assumptions{TotalIsPage: true}, "pageSize=100&pageNo=2", "29", 30, 30},
	} {
		e := newDemo(test.assumed)
		for i := range 130 {
			created := noon.Add(time.Duration(i) * time.Second)
			e.PutLicenses(demo, emulator.License{ContentID: fmt.Sprint(i), CreatedTime: created})
		}
		got := licenses(t, e, test.query)
		contents := strings.Fields(got.rows(t, "contentId"))
		first := strings.Join(contents[:min(1, len(contents))], "")
		if first != test.first || len(contents) != test.rows || got.total() != test.total {
			t.Errorf("%s: first %q, %d rows of %d, want %q, %d of %d",
				name, first, len(contents), got.total(), test.first, test.rows, test.total)
		}
	}
}

func TestLicenseRowsAreWrittenAsSet(t *testing.T) {
	e := newDemo(emulator.Assumptions{UpperCaseStatus: true, Zone: time.FixedZone("KST", 9*3600)})
	const md5, md5OfU = "0123456789abcdef0123456789abcdef", "7b774effe4a349c6dd82ad4f4f21d34c"
	late := at("2023-11-20 14:59:59").Add(999 * time.Millisecond)
	e.PutLicenses(demo,
		emulator.License{UserIDMD5: md5, UserID: "ignored", CreatedTime: at("2023-11-20 16:00:00")},
		emulator.License{LicenseStatus: "fail", UserID: "u", CreatedTime: late},
	)
	got := licenses(t, e, "")
	for key, want := range map[string]string{
		"licenseCreatedTime": "20231121010000 20231120235959",
		"licenseStatus":      "SUCCESS FAIL",
		"userId":             md5 + " " + md5OfU,
	} {
		if rows := got.rows(t, key); rows != want {
			t.Errorf("%s is %s, want %s", key, rows, want)
		}
	}
}

func TestLicensesComeNewestFirstAndOfTheirSite(t *testing.T) {
	e := newDemo(emulator.Assumptions{})
	const ready, second = "drm-20231001000000-Ready", "2023-11-20 12:00:00"
	e.PutLicenses(ready, arrivals("other", second)...)
	if got := licenses(t, e, ""); got.total() != 0 || string(got.Content) != "[]" {
		t.Errorf("%s", got.Text)
	}
	if len(e.Licenses(ready)) != 1 || len(e.Licenses("none")) != 0 {
		t.Error("the licenses held are others")
	}
	e.PutLicenses(demo, arrivals("a", second, "z", "2023-11-20 12:00:01", "b", second)...)
	e.PutLicenses(demo, arrivals("early", "2023-11-20 11:00:00", "c", second)...)
	late := arrivals("d", second) // The vendor keeps whole seconds.
	late[0].CreatedTime = late[0].CreatedTime.Add(999 * time.Millisecond)
	e.PutLicenses(demo, late...)
	e.PutLicenses(demo, arrivals("e", second)...)
	e.PutLicenses(demo)
	if got := licenses(t, e, "").rows(t, "contentId"); got != "z e d c b a early" {
		t.Errorf("order %q", got)
	}
	for name, put := range map[string]func(){
		"an unknown site":   func() { e.PutLicenses("none", emulator.License{}) },
		"an unknown status": func() { e.PutLicenses(demo, emulator.License{LicenseStatus: "SUCCESS"}) },
	} {
		twintest.WantPanic(t, name, "", put)
	}
}

func TestStatisticsCountTheMonth(t *testing.T) {
	rows := []emulator.License{
		{UserID: "a", DeviceID: "1", CreatedTime: at("2023-10-31 14:59:59")},
		{UserID: "b", DeviceID: "2", CreatedTime: at("2023-10-31 23:59:59")},
		{UserID: "c", DeviceID: "3", CreatedTime: at("2023-11-01 00:00:00")},
		{UserID: "c", DeviceID: "4", CreatedTime: at("2023-11-20 00:00:00")},
		{UserID: "d", DeviceID: "4", CreatedTime: at("2023-11-20 00:00:00")},
		{UserID: "e", DeviceID: "5", LicenseStatus: "fail", CreatedTime: at("2023-11-20 00:00:00")},
	}
	for zone, active := range map[*time.Location][3]int{ // users, devices, licenses
		nil:                             {2, 2, 3},
		time.FixedZone("KST", 9*60*60):  {3, 3, 4},
		time.FixedZone("PST", -8*60*60): {2, 1, 2},
	} {
		want := fmt.Sprintf(`"statistics":{"siteMontlyActiveUser":%d,"siteMontlyActiveDevice":%d,`+
			`"siteMontlyActiveLicense":%d}`, active[0], active[1], active[2])
		e := newDemo(emulator.Assumptions{Zone: zone})
		e.PutLicenses(demo, rows...)
		for _, target := range []string{"/api/v1/sites/" + demo, "/api/v1/sites?pageSize=1"} {
			if got := get(t, e, target); !strings.Contains(got.Text, want) {
				t.Errorf("%v: %s, want %s", zone, got.Text, want)
			}
		}
		later := at("2023-12-02 12:00:00")
		e.Clock().Set(later)
		if got := do(t, e, requestAt(t, later, "GET", "/api/v1/sites", "")); strings.Contains(got.Text, want) {
			t.Errorf("a month later: %s", got.Text)
		}
	}
}
