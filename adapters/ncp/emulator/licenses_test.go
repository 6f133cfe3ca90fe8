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

// TestLicenseHistoryExample is the example of the page "View license issuance history", whose users
// have no id: two of its rows are equal.
func TestLicenseHistoryExample(t *testing.T) {
	e := newDemo(emulator.Assumptions{Generation: emulator.Generation2023})
	row := emulator.License{
		ContentID: "myFirst-Drm-cnt", DRMType: "Widevine", DeviceID: "23abfd802575758cb3bfdc147e819fc6",
		DeviceModel: "ChromeCDM-Mac-ARM64-9", PlatformName: "PLATFORM_MAC_OS",
	}
	for _, created := range []string{
		"2023-11-20 08:56:03", "2023-11-20 08:56:25", "2023-11-20 08:56:58", "2023-11-20 08:56:58", "2023-11-20 09:57:32",
	} {
		row.CreatedTime = at(created)
		e.PutLicenses(demo, row)
	}
	got := get(t, e, "/api/v1/license/statistics?searchCondition=drm_type&searchKeyword=Widevine&siteId="+demo)
	var want []string
	for _, created := range []string{"20231120095732", "20231120085658", "20231120085658", "20231120085625", "20231120085603"} {
		want = append(want, `{
              "contentId": "myFirst-Drm-cnt",
              "licenseStatus": "success",
              "drmType": "Widevine",
              "userId": "d41d8cd98f00b204e9800998ecf8427e",
              "deviceId": "23abfd802575758cb3bfdc147e819fc6",
              "deviceModel": "ChromeCDM-Mac-ARM64-9",
              "platformName": "PLATFORM_MAC_OS",
              "licenseCreatedTime": "`+created+`"
            }`)
	}
	wantJSON(t, got.Text, `{"success": true, "content": [`+strings.Join(want, ",")+`]}`)
}

func TestGenerations(t *testing.T) {
	for generation, want := range map[emulator.Generation]struct{ size, sizeNo, condition, conditionOld, total string }{
		"":                      {"2", "2", "200", "200", "30"},
		emulator.Generation2023: {"20", "2", "400", "200", "-1"},
		emulator.Generation2026: {"2", "20", "200", "400", "30"},
	} {
		e := newDemo(emulator.Assumptions{Generation: generation})
		for range 30 {
			e.PutLicenses(demo, emulator.License{ContentID: "c", DRMType: "Widevine", CreatedTime: noon})
		}
		count := func(query string) string {
			return fmt.Sprint(len(strings.Fields(licenses(t, e, query).rows(t, "contentId"))))
		}
		status := func(query string) string { return fmt.Sprint(licenses(t, e, query).Status) }
		if got := count("pageSize=2"); got != want.size {
			t.Errorf("%q, pageSize: %s rows", generation, got)
		}
		if got := count("pageSizeNo=2"); got != want.sizeNo {
			t.Errorf("%q, pageSizeNo: %s rows", generation, got)
		}
		if got := status("searchCondition=drmType&searchKeyword=Wide"); got != want.condition {
			t.Errorf("%q, drmType: %s", generation, got)
		}
		if got := status("searchCondition=drm_type&searchKeyword=Wide"); got != want.conditionOld {
			t.Errorf("%q, drm_type: %s", generation, got)
		}
		if got := fmt.Sprint(licenses(t, e, "").total()); got != want.total {
			t.Errorf("%q: total %s", generation, got)
		}
		if got := get(t, e, "/api/v1/sites").total(); got != 2 {
			t.Errorf("%q: total of the sites %d", generation, got)
		}
	}
}

type assumptions = emulator.Assumptions

func TestLicenseSearches(t *testing.T) {
	// no MD5: too long
	const hash = "9c56cc51b374c3ba189210d5b6d4bf57790d351c96c47c02190ecf1e430635ab"
	rows := []emulator.License{
		{
			ContentID: "film-1", LicenseStatus: "fail", DRMType: "Widevine", UserID: "anna", DeviceID: "d1", DeviceModel: "Pixel 8",
			CreatedTime: at("2023-11-01 00:00:01"),
		},
		{
			ContentID: "film-10", DRMType: "PlayReady", UserID: "bert", DeviceID: "d2", DeviceModel: "Xbox",
			CreatedTime: at("2023-11-01 00:00:02"),
		},
		{
			ContentID: "Film-1", DRMType: "FairPlay", UserID: "anna", DeviceID: "d3", DeviceModel: "iOS & more",
			CreatedTime: at("2023-11-01 00:00:03"),
		},
	}
	anna := emulator.HashUserID("anna")
	if anna != "a70f9e38ff015afaa9ab0aacabee2e13" {
		t.Fatalf("anna is %s", anna)
	}
	start := at("2023-11-01 00:00:00").UnixMilli()
	tests := map[string]struct {
		query   string
		assumed assumptions
		want    string
	}{
		"everything":               {"", assumptions{}, "Film-1 film-10 film-1"},
		"failures":                 {"status=fail", assumptions{}, "film-1"},
		"successes":                {"status=success", assumptions{}, "Film-1 film-10"},
		"content, containing":      {"searchCondition=contentId&searchKeyword=film-1", assumptions{}, "film-10 film-1"},
		"content, exactly":         {"searchCondition=contentId&searchKeyword=film-1", assumptions{ExactSearch: true}, "film-1"},
		"content and status":       {"searchCondition=contentId&searchKeyword=film-1&status=success", assumptions{}, "film-10"},
		"DRM":                      {"searchCondition=drmType&searchKeyword=FairPlay", assumptions{}, "Film-1"},
		"DRM in another case":      {"searchCondition=drmType&searchKeyword=fairplay", assumptions{}, ""},
		"device":                   {"searchCondition=deviceId&searchKeyword=d2", assumptions{}, "film-10"},
		"model":                    {"searchCondition=deviceModel&searchKeyword=" + url.QueryEscape("iOS & more"), assumptions{}, "Film-1"},
		"user by hash":             {"searchCondition=userId&searchKeyword=" + anna, assumptions{}, "Film-1 film-1"},
		"user by name":             {"searchCondition=userId&searchKeyword=anna", assumptions{}, ""},
		"user by name, hashed":     {"searchCondition=userId&searchKeyword=anna", assumptions{PlainUserSearch: true}, "Film-1 film-1"},
		"user by hash, hashed":     {"searchCondition=userId&searchKeyword=" + anna, assumptions{PlainUserSearch: true}, ""},
		"user by another hash":     {"searchCondition=userId&searchKeyword=" + hash, assumptions{}, ""},
		"from a second":            {fmt.Sprint("startTime=", start+2000), assumptions{}, "Film-1 film-10"},
		"after a second":           {fmt.Sprint("startTime=", start+2001), assumptions{}, "Film-1"},
		"up to a second":           {fmt.Sprint("endTime=", start+2000), assumptions{}, "film-10 film-1"},
		"up to a second, excluded": {fmt.Sprint("endTime=", start+2000), assumptions{EndExclusive: true}, "film-1"},
		"just before a second":     {fmt.Sprint("endTime=", start+1999), assumptions{}, "film-1"},
		"one instant":              {fmt.Sprintf("startTime=%d&endTime=%d", start+2000, start+2000), assumptions{}, "film-10"},
		"a time without rows":      {"startTime=0&endTime=9223372036854775807&searchCondition=deviceId&searchKeyword=x", assumptions{}, ""},
	}
	for name, test := range tests {
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
	put := func(assumed assumptions) *emulator.Emulator {
		e := newDemo(assumed)
		for i := range 130 {
			created := noon.Add(time.Duration(i) * time.Second)
			e.PutLicenses(demo, emulator.License{ContentID: fmt.Sprint(i), CreatedTime: created})
		}
		return e
	}
	for name, test := range map[string]struct {
		assumed assumptions
		query   string
		first   string
		rows    int
		total   int
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
		t.Run(name, func(t *testing.T) {
			got := licenses(t, put(test.assumed), test.query)
			contents := strings.Fields(got.rows(t, "contentId"))
			first := strings.Join(contents[:min(1, len(contents))], "")
			if first != test.first || len(contents) != test.rows || got.total() != test.total {
				t.Errorf("first %q, %d rows of %d, want %q, %d of %d",
					first, len(contents), got.total(), test.first, test.rows, test.total)
			}
		})
	}
}

func TestLicenseRowsAreWrittenAsSet(t *testing.T) {
	e := newDemo(emulator.Assumptions{UpperCaseStatus: true, Zone: time.FixedZone("KST", 9*3600)})
	e.PutLicenses(demo,
		emulator.License{UserIDMD5: "0123456789abcdef0123456789abcdef", UserID: "ignored", CreatedTime: at("2023-11-20 16:00:00")},
		emulator.License{LicenseStatus: "fail", UserID: "u", CreatedTime: at("2023-11-20 14:59:59").Add(999 * time.Millisecond)},
	)
	got := licenses(t, e, "")
	if got.rows(t, "licenseCreatedTime") != "20231121010000 20231120235959" || got.rows(t, "licenseStatus") != "SUCCESS FAIL" ||
		got.rows(t, "userId") != "0123456789abcdef0123456789abcdef 7b774effe4a349c6dd82ad4f4f21d34c" {
		t.Errorf("%s", got.Text)
	}
}

func TestLicensesOfOneSecondStandInTheOrderOfArrival(t *testing.T) {
	e := newDemo(emulator.Assumptions{})
	const second = "2023-11-20 12:00:00"
	e.PutLicenses(demo, arrivals("a", second, "z", "2023-11-20 12:00:01", "b", second)...)
	e.PutLicenses(demo, arrivals("early", "2023-11-20 11:00:00", "c", second)...)
	late := arrivals("d", second)
	// the vendor keeps whole seconds
	late[0].CreatedTime = late[0].CreatedTime.Add(999 * time.Millisecond)
	e.PutLicenses(demo, late...)
	e.PutLicenses(demo, arrivals("e", second)...)
	e.PutLicenses(demo)
	if got := licenses(t, e, "").rows(t, "contentId"); got != "z e d c b a early" {
		t.Errorf("order %q", got)
	}
}

func TestLicensesOfOneSiteDoNotShowInAnother(t *testing.T) {
	e := newDemo(emulator.Assumptions{})
	e.PutLicenses("drm-20231001000000-Ready", arrivals("a", "2023-11-20 12:00:00")...)
	if got := licenses(t, e, ""); got.total() != 0 || string(got.Content) != "[]" {
		t.Errorf("%s", got.Text)
	}
	if len(e.Licenses("drm-20231001000000-Ready")) != 1 || len(e.Licenses("none")) != 0 {
		t.Error("the licenses held are others")
	}
	wantFailure(t, get(t, e, "/api/v1/license/statistics?siteId=none"), 404, "281003", "none")
}

func TestMistakesInSeedingPanic(t *testing.T) {
	e := newDemo(emulator.Assumptions{})
	for name, put := range map[string]func(){
		"unknown site":   func() { e.PutLicenses("none", emulator.License{}) },
		"unknown status": func() { e.PutLicenses(demo, emulator.License{LicenseStatus: "SUCCESS"}) },
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
	for zone, want := range map[*time.Location]string{
		nil:                             `{"siteMontlyActiveUser":2,"siteMontlyActiveDevice":2,"siteMontlyActiveLicense":3}`,
		time.FixedZone("KST", 9*60*60):  `{"siteMontlyActiveUser":3,"siteMontlyActiveDevice":3,"siteMontlyActiveLicense":4}`,
		time.FixedZone("PST", -8*60*60): `{"siteMontlyActiveUser":2,"siteMontlyActiveDevice":1,"siteMontlyActiveLicense":2}`,
	} {
		e := newDemo(emulator.Assumptions{Zone: zone})
		e.PutLicenses(demo, rows...)
		for _, target := range []string{"/api/v1/sites/" + demo, "/api/v1/sites?pageSize=1"} {
			if got := get(t, e, target); !strings.Contains(got.Text, `"statistics":`+want) {
				t.Errorf("%v: %s, want %s", zone, got.Text, want)
			}
		}
		e.Clock().Set(at("2023-12-02 12:00:00"))
		if got := do(t, e, requestAt(t, at("2023-12-02 12:00:00"), "GET", "/api/v1/sites", "")); strings.Contains(got.Text, want) {
			t.Errorf("a month later: %s", got.Text)
		}
	}
}
