package emulator_test

import (
	"fmt"
	"math/rand/v2"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/drmhub/drmhub/adapters/pallycon/emulator"
	"github.com/drmhub/drmhub/adapters/twin"
	"github.com/drmhub/drmhub/adapters/twin/twintest"
)

// licensesOf are n equal licenses, one a second from start, and the time after them.
func licensesOf(n int, l emulator.License, start time.Time) ([]emulator.License, time.Time) {
	rows := make([]emulator.License, n)
	for i := range rows {
		rows[i] = l
		rows[i].RegTime = start.Add(time.Duration(i) * time.Second)
	}
	return rows, start.Add(time.Duration(n) * time.Second)
}

// TestDocumentedReportSamples: the samples of the guide, without the stray braces at the end of
// some, come from licenses in the order of the samples' rows.
func TestDocumentedReportSamples(t *testing.T) {
	type portion struct {
		n int
		l emulator.License
	}
	const head = `{"_links":{"self":{"href":"http://service.pallycon.com/api/v2/drm/%s"}},"error_code":"0000","data":[%s],"count":%d}`
	for name, test := range map[string]struct {
		query    string
		licenses []portion
		rows     string
		count    int
	}{
		"user": {"", []portion{
			{1, emulator.License{UserID: "ta5uwrsw", DeviceID: "a"}},
			{1729, emulator.License{UserID: "uuu", DeviceID: "b"}},
			{1, emulator.License{UserID: "5xhsdd36", DeviceID: "c"}},
		}, `{"user_id":"ta5uwrsw","license_cnt":1,"device_cnt":1,"success":1,"fail":0},
			{"user_id":"uuu","license_cnt":1729,"device_cnt":1,"success":1729,"fail":0},
			{"user_id":"5xhsdd36","license_cnt":1,"device_cnt":1,"success":1,"fail":0}`, 3},
		"device": {"", []portion{
			{1732, emulator.License{DeviceID: "ea2e698d95b28441422f4997d6ffd5450a", DeviceModel: "ChromeCDM-Windows-2"}},
			{1729, emulator.License{DeviceID: "13406080a61bef63aaa1d99a32f51e31c804e659", DeviceModel: "iOS-device"}},
			{1, emulator.License{DeviceID: "ab3dd736cd46607abbd81ec942e07a620a", DeviceModel: "ChromeCDM-Mac-2"}},
			{1728, emulator.License{DeviceID: "d838f619-69e0-4e3a-9b48-5a1b52ce287a", DeviceModel: "playready-device"}},
		}, `{"device_id":"ea2e698d95b28441422f4997d6ffd5450a","device_model":"ChromeCDM-Windows-2","license_cnt":1732,"success":1732,"fail":0},
			{"device_id":"13406080a61bef63aaa1d99a32f51e31c804e659","device_model":"iOS-device","license_cnt":1729,"success":1729,"fail":0},
			{"device_id":"ab3dd736cd46607abbd81ec942e07a620a","device_model":"ChromeCDM-Mac-2","license_cnt":1,"success":1,"fail":0},
			{"device_id":"d838f619-69e0-4e3a-9b48-5a1b52ce287a","device_model":"playready-device","license_cnt":1728,"success":1728,"fail":0}`, 4},
		"cid-drmLicense": {"", []portion{
			{1733, emulator.License{CID: "bigbuckbunny"}},
			{1729, emulator.License{CID: "configtest"}},
		}, `{"cid":"bigbuckbunny","license_cnt":1733},{"cid":"configtest","license_cnt":1729}`, 2},
		"cid-user": {"&cid=bigbuckbunny", []portion{
			{1728, emulator.License{CID: "bigbuckbunny", UserID: "test-user"}},
			{4, emulator.License{CID: "configtest", UserID: "test-user"}},
			{1, emulator.License{CID: "bigbuckbunny", UserID: "rd1z7c08"}},
		}, `{"cid":"bigbuckbunny","user_id":"test-user","license_cnt":1728},{"cid":"bigbuckbunny","user_id":"rd1z7c08","license_cnt":1}`, 2},
	} {
		e := demo(emulator.Options{})
		start := at("2020-03-01 12:00:00")
		for _, p := range test.licenses {
			var rows []emulator.License
			rows, start = licensesOf(p.n, p.l, start)
			e.PutLicenses("DEMO", rows...)
		}
		got := get(t, e, "/api/v2/drm/"+name, "api_code=UA003001100&site_id=DEMO"+test.query+"&from=2020-03-01&to=2020-03-02")
		twintest.SameJSON(t, name, got.Text, fmt.Sprintf(head, name, test.rows, test.count))
	}
}

func TestReportSearches(t *testing.T) {
	seed := []emulator.License{
		{CID: "a", UserID: "uma", DeviceID: "d1", DeviceModel: "old name", RegTime: at("2020-03-01 00:00:00")},
		{CID: "b", UserID: "umar", DeviceID: "d2", RegTime: at("2020-03-01 23:59:59"), Status: "fail", ErrorCode: "7011"},
		{CID: "a", UserID: "uma", DeviceID: "d1", DeviceModel: "new name", RegTime: at("2020-03-02 00:00:00"), Status: "fail", ErrorCode: "7011"},
		{CID: "ab", UserID: "uma", DeviceID: "d2", RegTime: at("2020-03-03 00:00:00")},
	}
	for _, test := range []struct {
		assumed            emulator.Assumptions
		report, query, row string
		count              int
	}{
		{report: "user", row: `{"user_id":"uma","license_cnt":3,"device_cnt":2,"success":2,"fail":1},{"user_id":"umar","license_cnt":1,"device_cnt":1,"success":0,"fail":1}`, count: 2},
		{report: "user", query: "from=2020-03-02&to=2020-03-02", row: `{"user_id":"uma","license_cnt":1,"device_cnt":1,"success":0,"fail":1}`, count: 1},
		{report: "user", query: "search_keyword=mar", row: `{"user_id":"umar","license_cnt":1,"device_cnt":1,"success":0,"fail":1}`, count: 1},
		{report: "user", query: "search_keyword=uma&from=2020-03-03", row: `{"user_id":"uma","license_cnt":1,"device_cnt":1,"success":1,"fail":0}`, count: 1},
		{emulator.Assumptions{ExactSearch: true}, "user", "search_keyword=umar", `{"user_id":"umar","license_cnt":1,"device_cnt":1,"success":0,"fail":1}`, 1},
		{emulator.Assumptions{ExactSearch: true}, "user", "search_keyword=um", ``, 0},
		{report: "user", query: "page_unit=1&page_index=2", row: `{"user_id":"umar","license_cnt":1,"device_cnt":1,"success":0,"fail":1}`, count: 2},
		{emulator.Assumptions{CountIsPage: true, ZeroBasedPages: true}, "user", "page_unit=1&page_index=2", ``, 0},
		{emulator.Assumptions{ToExclusive: true}, "user", "to=2020-03-02&search_keyword=umar", `{"user_id":"umar","license_cnt":1,"device_cnt":1,"success":0,"fail":1}`, 1},
		{emulator.Assumptions{Zone: time.FixedZone("KST", 9*3600)}, "user", "to=2020-03-01", `{"user_id":"uma","license_cnt":1,"device_cnt":1,"success":1,"fail":0}`, 1},
		{emulator.Assumptions{Retention: 24 * time.Hour}, "user", "from=2020-03-01", `{"user_id":"uma","license_cnt":1,"device_cnt":1,"success":1,"fail":0}`, 1},
		{report: "device", row: `{"device_id":"d1","device_model":"new name","license_cnt":2,"success":1,"fail":1},{"device_id":"d2","device_model":"","license_cnt":2,"success":1,"fail":1}`, count: 2},
		{report: "device", query: "to=2020-03-01&search_keyword=1", row: `{"device_id":"d1","device_model":"old name","license_cnt":1,"success":1,"fail":0}`, count: 1},
		{report: "cid-drmLicense", row: `{"cid":"a","license_cnt":2},{"cid":"b","license_cnt":1},{"cid":"ab","license_cnt":1}`, count: 3},
		{report: "cid-drmLicense", query: "search_status=success", row: `{"cid":"a","license_cnt":1},{"cid":"ab","license_cnt":1}`, count: 2},
		{report: "cid-drmLicense", query: "search_status=fail", row: `{"cid":"b","license_cnt":1},{"cid":"a","license_cnt":1}`, count: 2},
		{report: "cid-user", query: "cid=a", row: `{"cid":"a","user_id":"uma","license_cnt":2}`, count: 1},
		{report: "cid-user", query: "cid=a&search_status=fail", row: `{"cid":"a","user_id":"uma","license_cnt":1}`, count: 1},
		{report: "cid-user", query: "cid=b&search_status=success", row: ``, count: 0},
		{report: "cid-user", query: "cid=none", row: ``, count: 0},
	} {
		e := demo(emulator.Options{Assumptions: test.assumed, Clock: twin.FrozenClock(at("2020-03-03 12:00:00"))})
		e.PutLicenses("DEMO", seed...)
		e.PutLicenses("TEST", emulator.License{CID: "other", UserID: "uma other", RegTime: at("2020-03-02 12:00:00")})
		got := get(t, e, "/api/v2/drm/"+test.report, "api_code=UA003001100&site_id=DEMO&"+test.query)
		if string(got.Data) != "["+test.row+"]" || got.count() != test.count {
			t.Errorf("%s %s: got %s\nwant %s of %d", test.report, test.query, got.Text, test.row, test.count)
		}
	}
}

func TestReportRequestsAreRefused(t *testing.T) {
	e := demo(emulator.Options{Assumptions: emulator.Assumptions{MaxDays: 31}})
	for target, code := range map[string]string{
		"user?site_id=NONE":                                                  "1003",
		"user?site_id=DEMO&search_status=fail":                               "9003",
		"device?site_id=DEMO&search_condition=device_id&search_keyword=d":    "9003",
		"device?site_id=DEMO&page_index=0":                                   "9002",
		"device?site_id=DEMO&from=2020-03-01&to=2020-02-01":                  "9002",
		"device?site_id=DEMO&from=2020-03-01&to=2020-05-01":                  "9002",
		"cid-drmLicense?site_id=DEMO&search_keyword=a":                       "9003",
		"cid-drmLicense?site_id=DEMO&search_status=all":                      "9002",
		"cid-user?site_id=DEMO":                                              "9001",
		"cid-user?site_id=NONE&cid=a":                                        "1003",
		"statistics/targetDate?site_id=DEMO&target_date=20200301":            "9002",
		"statistics/targetDate?site_id=NONE&target_date=2020-03-01":          "1003",
		"statistics/targetDate?site_id=DEMO&target_date=2020-03-01&to=2020-": "9003",
	} {
		apiCode := codeDRM
		if strings.HasPrefix(target, "statistics") {
			apiCode = "UA003003100"
		}
		if got := do(t, e, request(t, "GET", "/api/v2/drm/"+target+"&api_code="+apiCode, "", "")); got.Status != 200 || got.ErrorCode != code || got.Data != nil {
			t.Errorf("%s: %d %s, want code %s", target, got.Status, got.Text, code)
		}
	}
}

// TestReportPagesAgainstPlainCounting puts the pages of a report together, while licenses arrive
// between them, and compares with counts made the obvious way.
func TestReportPagesAgainstPlainCounting(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	e := demo(emulator.Options{})
	rows := make([]emulator.License, 2000)
	for i := range rows {
		rows[i] = emulator.License{
			UserID: fmt.Sprint("u", random.IntN(300)), DeviceID: fmt.Sprint("d", random.IntN(50)),
			Status: []string{"success", "fail"}[random.IntN(2)], RegTime: at("2020-03-01 00:00:00").Add(time.Duration(i) * time.Minute),
		}
	}
	e.PutLicenses("DEMO", rows...)
	var order []string
	want := map[string][]int{}
	devices := map[string]bool{}
	for _, l := range rows {
		counts := want[l.UserID]
		if counts == nil {
			counts = make([]int, 4)
			order, want[l.UserID] = append(order, l.UserID), counts
		}
		counts[0]++
		if !devices[l.UserID+l.DeviceID] {
			devices[l.UserID+l.DeviceID] = true
			counts[1]++
		}
		counts[2+slices.Index([]string{"success", "fail"}, l.Status)]++
	}
	for page := 1; ; page++ {
		got := get(t, e, "/api/v2/drm/user", fmt.Sprintf("api_code=%s&site_id=DEMO&to=2020-03-02&page_unit=7&page_index=%d", codeDRM, page))
		var users []struct {
			UserID string `json:"user_id"`
		}
		twintest.Decode(t, string(got.Data), &users)
		for i, u := range users {
			if at := (page-1)*7 + i; at >= len(order) || u.UserID != order[at] {
				t.Fatalf("page %d row %d is %s", page, i, u.UserID)
			}
		}
		if len(users) < 7 {
			break
		}
		e.PutLicenses("DEMO", emulator.License{UserID: fmt.Sprint("late", page), RegTime: at("2020-03-02 23:59:59")})
		order = append(order, fmt.Sprint("late", page))
	}
	got := get(t, e, "/api/v2/drm/user", "api_code="+codeDRM+"&site_id=DEMO&page_unit=1000")
	var users []struct {
		UserID        string `json:"user_id"`
		License       int    `json:"license_cnt"`
		Device        int    `json:"device_cnt"`
		Success, Fail int
	}
	twintest.Decode(t, string(got.Data), &users)
	compared := 0
	for _, u := range users {
		if counts := want[u.UserID]; counts != nil {
			compared++
			if !slices.Equal(counts, []int{u.License, u.Device, u.Success, u.Fail}) {
				t.Errorf("%+v, want %v", u, counts)
			}
		}
	}
	if compared != len(want) {
		t.Errorf("%d of %d users are in the report", compared, len(want))
	}
}

func TestUsage(t *testing.T) {
	for _, test := range []struct {
		assumed    emulator.Assumptions
		date, want string
	}{
		{date: "2026-03-02", want: `{"license_cnt":3,"user_acc_cnt":2,"device_acc_cnt":1,"target_date":20260302}`},
		{date: "2026-03-01", want: `{"license_cnt":1,"user_acc_cnt":1,"device_acc_cnt":1,"target_date":20260301}`},
		{date: "2026-03-31", want: `{"license_cnt":4,"user_acc_cnt":3,"device_acc_cnt":2,"target_date":20260331}`},
		{date: "2026-02-28", want: `{"license_cnt":1,"user_acc_cnt":1,"device_acc_cnt":1,"target_date":20260228}`},
		{date: "2025-03-02", want: `{"license_cnt":0,"user_acc_cnt":0,"device_acc_cnt":0,"target_date":20250302}`},
		{emulator.Assumptions{TargetDateText: true}, "2026-03-01", `{"license_cnt":1,"user_acc_cnt":1,"device_acc_cnt":1,"target_date":"2026-03-01"}`},
		{emulator.Assumptions{Zone: time.FixedZone("KST", 9*3600)}, "2026-03-01", `{"license_cnt":2,"user_acc_cnt":2,"device_acc_cnt":2,"target_date":20260301}`},
		{emulator.Assumptions{Retention: 24 * time.Hour}, "2026-03-31", `{"license_cnt":1,"user_acc_cnt":1,"device_acc_cnt":1,"target_date":20260331}`},
	} {
		e := demo(emulator.Options{Assumptions: test.assumed, Clock: twin.FrozenClock(at("2026-03-04 00:00:00"))})
		e.PutLicenses(
			"DEMO",
			emulator.License{UserID: "feb", DeviceID: "feb", RegTime: at("2026-02-28 23:59:59")},
			emulator.License{UserID: "uma", DeviceID: "tv", RegTime: at("2026-03-01 00:00:00")},
			emulator.License{UserID: "failing", DeviceID: "failing", RegTime: at("2026-03-01 15:00:00"), Status: "fail", ErrorCode: "7011"},
			emulator.License{UserID: "uma", DeviceID: "tv", RegTime: at("2026-03-02 00:00:00")},
			emulator.License{UserID: "LICENSETOKEN", DeviceID: "tv", RegTime: at("2026-03-02 23:59:59")},
			emulator.License{UserID: "late", DeviceID: "phone", RegTime: at("2026-03-03 00:00:00")},
		)
		got := get(t, e, "/api/v2/drm/statistics/targetDate", "api_code=UA003003100&site_id=DEMO&target_date="+test.date)
		if string(got.Data) != test.want || got.ErrorCode != "0000" || got.Count != nil {
			t.Errorf("%s: got %s\nwant %s", test.date, got.Text, test.want)
		}
	}
}

func BenchmarkReports(b *testing.B) {
	random := rand.New(rand.NewPCG(1, 2))
	e := demo(emulator.Options{})
	rows := make([]emulator.License, 40_000)
	for i := range rows {
		user := random.IntN(500)
		rows[i] = emulator.License{
			CID: fmt.Sprint("movie-", random.IntN(400)), UserID: fmt.Sprint("user-", user), DeviceID: fmt.Sprint("device-", user, "-", random.IntN(3)),
			RegTime: at("2020-03-01 00:00:00").Add(time.Duration(i) * time.Minute),
		}
	}
	e.PutLicenses("DEMO", rows...)
	token := goodToken()
	for _, query := range []string{
		"user?api_code=UA003001100", "device?api_code=UA003001100", "cid-drmLicense?api_code=UA003001100",
		"cid-user?api_code=UA003001100&cid=movie-1", "statistics/targetDate?api_code=UA003003100&target_date=2020-03-31",
	} {
		name, _, _ := strings.Cut(query, "?")
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				r := httptest.NewRequest("GET", "/api/v2/drm/"+query+"&site_id=DEMO", nil)
				r.Header.Set("Authorization", "Bearer "+token)
				w := httptest.NewRecorder()
				e.ServeHTTP(w, r)
				if !strings.Contains(w.Body.String(), `"error_code":"0000"`) {
					b.Fatal(w.Body)
				}
			}
		})
	}
}
