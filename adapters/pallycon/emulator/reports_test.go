package emulator_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/drmhub/drmhub/adapters/pallycon/emulator"
	"github.com/drmhub/drmhub/adapters/twin/twintest"
)

// TestDocumentedReportSamples demands the samples of the guide, without the stray braces at the end
// of some, for licenses in the order of the samples' rows.
func TestDocumentedReportSamples(t *testing.T) {
	type portion struct {
		n int
		l emulator.License
	}
	const (
		head    = `{"_links":{"self":{"href":"http://service.pallycon.com/api/v2/drm/%s"}},"error_code":"0000",%s}`
		windows = "ea2e698d95b28441422f4997d6ffd5450a"
		ios     = "13406080a61bef63aaa1d99a32f51e31c804e659"
		mac     = "ab3dd736cd46607abbd81ec942e07a620a"
		xbox    = "d838f619-69e0-4e3a-9b48-5a1b52ce287a"
	)
	for name, test := range map[string]struct {
		query    string
		licenses []portion
		rows     string
	}{
		"user": {"", []portion{
			{1, emulator.License{UserID: "ta5uwrsw", DeviceID: "a"}},
			{1729, emulator.License{UserID: "uuu", DeviceID: "b"}},
			{1, emulator.License{UserID: "5xhsdd36", DeviceID: "c"}},
		}, `"data":[{"user_id":"ta5uwrsw","license_cnt":1,"device_cnt":1,"success":1,"fail":0},
			{"user_id":"uuu","license_cnt":1729,"device_cnt":1,"success":1729,"fail":0},
			{"user_id":"5xhsdd36","license_cnt":1,"device_cnt":1,"success":1,"fail":0}],"count":3`},
		"device": {"", []portion{
			{1732, emulator.License{DeviceID: windows, DeviceModel: "ChromeCDM-Windows-2"}},
			{1729, emulator.License{DeviceID: ios, DeviceModel: "iOS-device"}},
			{1, emulator.License{DeviceID: mac, DeviceModel: "ChromeCDM-Mac-2"}},
			{1728, emulator.License{DeviceID: xbox, DeviceModel: "playready-device"}},
		}, `"data":[{"device_id":"` + windows + `","device_model":"ChromeCDM-Windows-2",
				"license_cnt":1732,"success":1732,"fail":0},
			{"device_id":"` + ios + `","device_model":"iOS-device","license_cnt":1729,"success":1729,"fail":0},
			{"device_id":"` + mac + `","device_model":"ChromeCDM-Mac-2","license_cnt":1,"success":1,"fail":0},
			{"device_id":"` + xbox + `","device_model":"playready-device",
				"license_cnt":1728,"success":1728,"fail":0}],"count":4`},
		"cid-drmLicense": {"", []portion{
			{1733, emulator.License{CID: "bigbuckbunny"}}, {1729, emulator.License{CID: "configtest"}},
		}, `"data":[{"cid":"bigbuckbunny","license_cnt":1733},{"cid":"configtest","license_cnt":1729}],"count":2`},
		"cid-user": {"&cid=bigbuckbunny", []portion{
			{1728, emulator.License{CID: "bigbuckbunny", UserID: "test-user"}},
			{4, emulator.License{CID: "configtest", UserID: "test-user"}},
			{1, emulator.License{CID: "bigbuckbunny", UserID: "rd1z7c08"}},
		}, `"data":[{"cid":"bigbuckbunny","user_id":"test-user","license_cnt":1728},
			{"cid":"bigbuckbunny","user_id":"rd1z7c08","license_cnt":1}],"count":2`},
	} {
		e := demo(emulator.Options{})
		start := spring.Add(12 * time.Hour)
		for _, p := range test.licenses {
			for range p.n {
				p.l.RegTime = start
				e.PutLicenses("DEMO", p.l)
				start = start.Add(time.Second)
			}
		}
		query := "api_code=UA003001100&site_id=DEMO" + test.query + "&from=2020-03-01&to=2020-03-02"
		got := get(t, e, "/api/v2/drm/"+name, query)
		twintest.SameJSON(t, name, got.Text, fmt.Sprintf(head, name, test.rows))
	}
}

// A userRow is a row of the report by user.
type userRow struct {
	UserID     string `json:"user_id"`
	LicenseCnt int    `json:"license_cnt"`
	DeviceCnt  int    `json:"device_cnt"`
	Success    int
	Fail       int
}

func users(t *testing.T, e *emulator.Emulator, query string) (rows []userRow) {
	t.Helper()
	got := get(t, e, "/api/v2/drm/user", "api_code="+codeDRM+"&site_id=DEMO&"+query)
	twintest.Decode(t, string(got.Data), &rows)
	return rows
}

// TestReportPagesAgainstPlainCounting puts the pages of a report together, while licenses arrive
// between them, and compares with counts made the obvious way.
func TestReportPagesAgainstPlainCounting(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	e := demo(emulator.Options{})
	var order []string
	want := map[string]*userRow{}
	devices := map[string]bool{}
	for i := range 2000 {
		l := emulator.License{
			UserID: fmt.Sprint("u", random.IntN(300)), DeviceID: fmt.Sprint("d", random.IntN(50)),
			Status: "success", RegTime: spring.Add(time.Duration(i) * time.Minute),
		}
		counts := want[l.UserID]
		if counts == nil {
			counts = &userRow{UserID: l.UserID}
			order, want[l.UserID] = append(order, l.UserID), counts
		}
		counts.LicenseCnt++
		if !devices[l.UserID+l.DeviceID] {
			devices[l.UserID+l.DeviceID] = true
			counts.DeviceCnt++
		}
		if random.IntN(2) == 0 {
			l.Status = "fail"
			counts.Fail++
		} else {
			counts.Success++
		}
		e.PutLicenses("DEMO", l)
	}
	var got []string
	for page := 1; len(got) == (page-1)*7; page++ {
		for _, u := range users(t, e, fmt.Sprintf("to=2020-03-02&page_unit=7&page_index=%d", page)) {
			got = append(got, u.UserID)
		}
		late := fmt.Sprint("late", page)
		e.PutLicenses("DEMO", emulator.License{UserID: late, RegTime: at("2020-03-02 23:59:59")})
		order = append(order, late)
	}
	if order = order[:min(len(got), len(order))]; len(got) < 300 || !slices.Equal(got, order) {
		t.Errorf("the pages have %v\nwant %v", got, order)
	}
	compared := 0
	for _, u := range users(t, e, "page_unit=1000") {
		if counts := want[u.UserID]; counts != nil {
			compared++
			if u != *counts {
				t.Errorf("%+v, want %+v", u, *counts)
			}
		}
	}
	if compared != len(want) {
		t.Errorf("%d of %d users are in the report", compared, len(want))
	}
}

func BenchmarkReports(b *testing.B) {
	random := rand.New(rand.NewPCG(1, 2))
	e := demo(emulator.Options{})
	rows := make([]emulator.License, 40_000)
	for i := range rows {
		user := random.IntN(500)
		rows[i] = emulator.License{
			CID: fmt.Sprint("movie-", random.IntN(400)), UserID: fmt.Sprint("user-", user),
			DeviceID: fmt.Sprint("device-", user, "-", random.IntN(3)),
			RegTime:  spring.Add(time.Duration(i) * time.Minute),
		}
	}
	e.PutLicenses("DEMO", rows...)
	for _, query := range []string{
		"user?api_code=UA003001100", "device?api_code=UA003001100", "cid-drmLicense?api_code=UA003001100",
		"cid-user?api_code=UA003001100&cid=movie-1",
		"statistics/targetDate?api_code=UA003003100&target_date=2020-03-31",
	} {
		name, _, _ := strings.Cut(query, "?")
		b.Run(name, func(b *testing.B) { benchmark(b, e, "/api/v2/drm/"+query+"&site_id=DEMO") })
	}
}
