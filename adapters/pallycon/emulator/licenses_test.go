package emulator_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/drmhub/drmhub/adapters/pallycon/emulator"
	"github.com/drmhub/drmhub/adapters/twin"
	"github.com/drmhub/drmhub/adapters/twin/twintest"
)

var at = twintest.At

// licenses are rows whose content ids are the given names, at the given times.
func licenses(namesAndTimes ...string) []emulator.License {
	var rows []emulator.License
	for i := 0; i < len(namesAndTimes); i += 2 {
		rows = append(rows, emulator.License{CID: namesAndTimes[i], RegTime: at(namesAndTimes[i+1])})
	}
	return rows
}

func TestDocumentedSample(t *testing.T) {
	e := demo(emulator.Options{})
	row := emulator.License{
		CID: "configtest", Status: "success", ErrorCode: "0000", DRMType: "FairPlay", UserID: "uuu",
		DeviceID: "13406080a61bef63aaa1d99a32f51e31c804e659", DeviceModel: "iOS-device", LicenseType: "gateway", PlatformName: "iOS",
	}
	first, second := row, row
	first.RegTime, second.RegTime = at("2020-03-02 23:59:56"), at("2020-03-02 23:59:59")
	e.PutLicenses("DEMO", first, second)
	// The guide's sample, without the stray brace at its end.
	const sample = `{"_links":{"self":{"href":"http://service.pallycon.com/api/v2/drm/license"}},"error_code":"0000","data":[
		{"cid":"configtest","status":"success","error_code":"0000","drm_type":"FairPlay","user_id":"uuu",
		 "device_id":"13406080a61bef63aaa1d99a32f51e31c804e659","device_model":"iOS-device","license_type":"gateway","platform_name":"iOS","reg_time":"20200302235959"},
		{"cid":"configtest","status":"success","error_code":"0000","drm_type":"FairPlay","user_id":"uuu",
		 "device_id":"13406080a61bef63aaa1d99a32f51e31c804e659","device_model":"iOS-device","license_type":"gateway","platform_name":"iOS","reg_time":"20200302235956"}
		],"count":2}`
	got := list(t, e, "from=2020-03-01&to=2020-03-02&search_status=success&search_condition=cid&search_keyword=test")
	var gotValue, want any
	if err := json.Unmarshal([]byte(got.Text), &gotValue); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(sample), &want); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(gotValue, want) {
		t.Errorf("got %s\nwant %s", got.Text, sample)
	}
}

func TestLicenseSearches(t *testing.T) {
	e := demo(emulator.Options{})
	e.PutLicenses(
		"DEMO",
		emulator.License{CID: "a1", DRMType: "Widevine", UserID: "uma", DeviceID: "d-1", DeviceModel: "Pixel 8", RegTime: at("2020-03-01 00:00:00")},
		emulator.License{CID: "b2", DRMType: "FairPlay", UserID: "umar", DeviceID: "d-12", DeviceModel: "iOS-device", RegTime: at("2020-03-01 23:59:59")},
		emulator.License{CID: "a3", DRMType: "PlayReady", UserID: "Uma", DeviceID: "e-1", DeviceModel: "playready-device", RegTime: at("2020-03-02 00:00:00"), Status: "fail", ErrorCode: "7011"},
		emulator.License{CID: "c+4&ü", DRMType: "NCG", UserID: "x", DeviceID: "e-2", DeviceModel: "SM-T870", RegTime: at("2020-03-03 12:00:00")},
	)
	for query, want := range map[string]string{
		"":                              "c+4&ü a3 b2 a1",
		"from=2020-03-01&to=2020-03-01": "b2 a1",
		"from=2020-03-02":               "c+4&ü a3",
		"to=2020-03-02":                 "a3 b2 a1",
		"from=2020-03-04":               "",
		"to=2020-02-29":                 "",
		"search_status=fail":            "a3",
		"search_status=success":         "c+4&ü b2 a1",
		"search_status=success&from=2020-03-01&to=2020-03-02":      "b2 a1",
		"search_condition=cid&search_keyword=a":                    "a3 a1",
		"search_condition=cid&search_keyword=%2B4%26%C3%BC":        "c+4&ü",
		"search_condition=user_id&search_keyword=uma":              "b2 a1",
		"search_condition=device_id&search_keyword=d-1":            "b2 a1",
		"search_condition=device_model&search_keyword=device":      "a3 b2",
		"search_condition=drm_type&search_keyword=Play":            "a3 b2",
		"search_condition=cid&search_keyword=a&search_status=fail": "a3",
		"search_condition=cid&search_keyword=nothing":              "",
		"search_status=": "c+4&ü a3 b2 a1",
	} {
		got := list(t, e, query)
		if rows := got.rows(t, "cid"); rows != want || got.ErrorCode != "0000" || got.count() != len(strings.Fields(want)) {
			t.Errorf("%s: %s, want %q", query, got.Text, want)
		}
	}
	if got := list(t, e, "search_status=fail"); got.rows(t, "error_code") != "7011" {
		t.Errorf("%s", got.Text)
	}
	if got := list(t, e, "from=2020-03-04"); string(got.Data) != "[]" {
		t.Errorf("no rows are shown as %s, want []", got.Data)
	}
}

func TestLicensePages(t *testing.T) {
	e := demo(emulator.Options{})
	for i := range 60 {
		e.PutLicenses("DEMO", emulator.License{CID: fmt.Sprint(i), RegTime: at("2020-03-01 00:00:00").Add(time.Duration(i) * time.Second)})
	}
	numbers := func(high, low int) string {
		var out []string
		for i := high; i >= low; i-- {
			out = append(out, fmt.Sprint(i))
		}
		return strings.Join(out, " ")
	}
	for query, want := range map[string]string{
		"":                           numbers(59, 35),
		"page_index=1":               numbers(59, 35),
		"page_index=3":               numbers(9, 0),
		"page_index=4":               "",
		"page_unit=60":               numbers(59, 0),
		"page_unit=1000":             numbers(59, 0),
		"page_unit=1&page_index=60":  "0",
		"page_unit=20&page_index=2":  numbers(39, 20),
		"page_index=1000000000":      "",
		"page_unit=7&page_index=9":   numbers(3, 0),
		"page_unit=10&page_index=06": "refused",
	} {
		for _, condition := range []string{"", "&search_status=success", "&search_condition=drm_type&search_keyword=NCG"} {
			got := list(t, e, query+condition)
			switch {
			case want == "refused":
				if got.ErrorCode != "9002" {
					t.Errorf("%s: %s, want a failure", query, got.Text)
				}
			case strings.Contains(condition, "NCG"):
				if got.rows(t, "cid") != "" || got.count() != 0 {
					t.Errorf("%s: %s, want no rows", query+condition, got.Text)
				}
			case got.rows(t, "cid") != want || got.count() != 60:
				t.Errorf("%s: %s, want %q of 60", query+condition, got.Text, want)
			}
		}
	}
	if got := list(t, e, "page_unit=4&page_index=2&search_condition=cid&search_keyword=5"); got.rows(t, "cid") != "55 54 53 52" || got.count() != 15 {
		t.Errorf("a page of a search: %s", got.Text)
	}
}

func TestAssumptionsAboutLicenses(t *testing.T) {
	rows := licenses("a", "2020-03-01 10:00:00", "ab", "2020-03-01 20:00:00", "b", "2020-03-02 10:00:00")
	for name, test := range map[string]struct {
		assumed     emulator.Assumptions
		query, want string
		count       int
		regTime     string
	}{
		"pages from 0":       {emulator.Assumptions{ZeroBasedPages: true}, "page_unit=1&page_index=0", "b", 3, "20200302100000"},
		"pages from 0, none": {emulator.Assumptions{ZeroBasedPages: true}, "page_unit=1", "b", 3, "20200302100000"},
		"count of the page":  {emulator.Assumptions{CountIsPage: true}, "page_unit=2&page_index=2", "a", 1, "20200301100000"},
		"to exclusive":       {emulator.Assumptions{ToExclusive: true}, "from=2020-03-01&to=2020-03-02", "ab a", 2, "20200301200000 20200301100000"},
		"to exclusive, one":  {emulator.Assumptions{ToExclusive: true}, "from=2020-03-01&to=2020-03-01", "", 0, ""},
		"zone":               {emulator.Assumptions{Zone: time.FixedZone("KST", 9*3600)}, "from=2020-03-02&to=2020-03-02", "b ab", 2, "20200302190000 20200302050000"},
		"exact search":       {emulator.Assumptions{ExactSearch: true}, "search_condition=cid&search_keyword=a", "a", 1, "20200301100000"},
		"retention":          {emulator.Assumptions{Retention: 24 * time.Hour}, "from=2020-03-01", "b ab", 2, "20200302100000 20200301200000"},
		"longest period":     {emulator.Assumptions{MaxDays: 1}, "from=2020-03-01&to=2020-03-01", "ab a", 2, "20200301200000 20200301100000"},
	} {
		e := demo(emulator.Options{Assumptions: test.assumed, Clock: twin.FrozenClock(at("2020-03-02 12:00:00"))})
		e.PutLicenses("DEMO", rows...)
		got := list(t, e, test.query)
		if got.rows(t, "cid") != test.want || got.count() != test.count || got.rows(t, "reg_time") != test.regTime {
			t.Errorf("%s: %s, want %q at %q of %d", name, got.Text, test.want, test.regTime, test.count)
		}
	}
	e := demo(emulator.Options{Assumptions: emulator.Assumptions{MaxDays: 1}})
	if got := list(t, e, "from=2020-03-01&to=2020-03-02"); got.ErrorCode != "9002" || !strings.Contains(got.ErrorMessage, "1 days") {
		t.Errorf("a period that is too long: %s", got.Text)
	}
}

func TestRowsOfOneSecondStandInTheOrderOfInsertion(t *testing.T) {
	e := demo(emulator.Options{})
	const second = "2020-03-01 12:00:00"
	e.PutLicenses("DEMO", licenses("a", second, "z", "2020-03-01 12:00:01", "b", second)...)
	e.PutLicenses("DEMO", licenses("early", "2020-03-01 11:00:00", "c", second)...)
	late := licenses("d", second)
	late[0].RegTime = late[0].RegTime.Add(999 * time.Millisecond) // the vendor keeps whole seconds
	e.PutLicenses("DEMO", late...)
	e.PutLicenses("DEMO", licenses("e", second)...)
	if got := list(t, e, "").rows(t, "cid"); got != "z e d c b a early" {
		t.Errorf("order %q", got)
	}
}

func TestLicensesOfOneSiteDoNotShowInAnother(t *testing.T) {
	e := demo(emulator.Options{})
	e.PutLicenses("TEST", licenses("a", "2020-03-01 12:00:00")...)
	if got := list(t, e, ""); got.count() != 0 {
		t.Errorf("%s", got.Text)
	}
	if got := e.Licenses("TEST"); len(got) != 1 || got[0].Status != "success" || got[0].ErrorCode != "0000" || len(e.Licenses("NONE")) != 0 {
		t.Errorf("%+v", got)
	}
}

func TestMistakesInSeedingPanic(t *testing.T) {
	e := demo(emulator.Options{})
	for name, put := range map[string]func(){
		"unknown site":   func() { e.PutLicenses("NONE", emulator.License{}) },
		"unknown status": func() { e.PutLicenses("DEMO", emulator.License{Status: "SUCCESS"}) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s was taken", name)
				}
			}()
			put()
		}()
	}
}

// TestShelfAgainstPlainSearch compares with a search that does the obvious, on random rows put in
// random portions.
func TestShelfAgainstPlainSearch(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	e := demo(emulator.Options{})
	var newestFirst []emulator.License
	for range 40 {
		portion := make([]emulator.License, random.IntN(20))
		for i := range portion {
			portion[i] = emulator.License{
				CID: fmt.Sprint(random.Uint32()), Status: []string{"success", "fail"}[random.IntN(2)],
				UserID:  fmt.Sprint(random.IntN(30)),
				RegTime: at("2020-03-01 00:00:00").Add(time.Duration(random.IntN(200)) * time.Hour),
			}
		}
		e.PutLicenses("DEMO", portion...)
		for _, row := range portion { // in front of those that are not newer
			i := 0
			for i < len(newestFirst) && newestFirst[i].RegTime.After(row.RegTime) {
				i++
			}
			newestFirst = append(newestFirst[:i], append([]emulator.License{row}, newestFirst[i:]...)...)
		}
	}
	for range 300 {
		first := at("2020-03-01 00:00:00").AddDate(0, 0, random.IntN(10)-1)
		last := first.AddDate(0, 0, random.IntN(5))
		status := []string{"", "success", "fail"}[random.IntN(3)]
		keyword := []string{"", "1", "20"}[random.IntN(3)]
		unit, index := 1+random.IntN(40), 1+random.IntN(6)
		query := fmt.Sprintf("from=%s&to=%s&search_status=%s&page_unit=%d&page_index=%d", first.Format(time.DateOnly), last.Format(time.DateOnly), status, unit, index)
		if keyword != "" {
			query += "&search_condition=user_id&search_keyword=" + keyword
		}
		var want []string
		for _, row := range newestFirst {
			if !row.RegTime.Before(first) && row.RegTime.Before(last.AddDate(0, 0, 1)) && (status == "" || row.Status == status) && strings.Contains(row.UserID, keyword) {
				want = append(want, row.CID)
			}
		}
		page := want[min(len(want), (index-1)*unit):min(len(want), index*unit)]
		got := list(t, e, query)
		if got.rows(t, "cid") != strings.Join(page, " ") || got.count() != len(want) {
			t.Fatalf("%s: %s, want %v of %d", query, got.Text, page, len(want))
		}
	}
}

func TestRowsMayArriveWhileOthersPage(t *testing.T) {
	e := demo(emulator.Options{})
	start := at("2020-03-01 00:00:00")
	var wg sync.WaitGroup
	for writer := range 2 {
		wg.Go(func() {
			for i := range 500 {
				e.PutLicenses("DEMO", emulator.License{CID: fmt.Sprint(writer), RegTime: start.Add(time.Duration(i) * time.Second)})
			}
		})
	}
	for range 2 {
		wg.Go(func() {
			for held := 0; held < 1000; {
				got := list(t, e, "page_unit=5&search_status=success")
				if got.count() < held {
					t.Errorf("the count fell from %d to %d", held, got.count())
					return
				}
				held = got.count()
			}
		})
	}
	wg.Wait()
}

func BenchmarkLicensePage(b *testing.B) {
	e := demo(emulator.Options{})
	rows := make([]emulator.License, 100_000)
	for i := range rows {
		rows[i] = emulator.License{CID: "movie", UserID: "user", DeviceID: "device", RegTime: at("2020-03-01 00:00:00").Add(time.Duration(i) * time.Minute)}
	}
	e.PutLicenses("DEMO", rows...)
	for _, unit := range []int{25, 1000} {
		b.Run(fmt.Sprint(unit), func(b *testing.B) {
			benchmarkList(b, e, fmt.Sprintf("from=2020-03-05&search_status=success&page_index=7&page_unit=%d", unit))
		})
	}
}
