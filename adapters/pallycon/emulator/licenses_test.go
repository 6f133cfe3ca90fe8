package emulator_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/drmhub/drmhub/adapters/pallycon/emulator"
	"github.com/drmhub/drmhub/adapters/twin/twintest"
)

var at = twintest.At

// spring is when the licenses of these tests begin.
var spring = at("2020-03-01 00:00:00")

// TestLicensesAgainstPlainSearch compares with a search that does the obvious, on random rows put
// in random portions.
func TestLicensesAgainstPlainSearch(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	e := demo(emulator.Options{})
	var newestFirst []emulator.License
	for range 40 {
		portion := make([]emulator.License, random.IntN(20))
		for i := range portion {
			portion[i] = emulator.License{
				CID: fmt.Sprint(random.Uint32()), Status: []string{"success", "fail"}[random.IntN(2)],
				UserID: fmt.Sprint(random.IntN(30)), RegTime: spring.Add(time.Duration(random.IntN(200)) * time.Hour),
			}
		}
		e.PutLicenses("DEMO", portion...)
		for _, row := range portion { // in front of those that are not newer
			i := slices.IndexFunc(newestFirst, func(l emulator.License) bool { return !l.RegTime.After(row.RegTime) })
			if i < 0 {
				i = len(newestFirst)
			}
			newestFirst = slices.Insert(newestFirst, i, row)
		}
	}
	for range 300 {
		first := spring.AddDate(0, 0, random.IntN(10)-1)
		last := first.AddDate(0, 0, random.IntN(5))
		status := []string{"", "success", "fail"}[random.IntN(3)]
		keyword := []string{"", "1", "20"}[random.IntN(3)]
		unit, index := 1+random.IntN(40), 1+random.IntN(6)
		query := fmt.Sprintf("from=%s&to=%s&search_status=%s&page_index=%d",
			first.Format(time.DateOnly), last.Format(time.DateOnly), status, index)
		if unit != 25 { // the default
			query += fmt.Sprint("&page_unit=", unit)
		}
		if keyword != "" {
			query += "&search_condition=user_id&search_keyword=" + keyword
		}
		var want []string
		for _, row := range newestFirst {
			inTime := !row.RegTime.Before(first) && row.RegTime.Before(last.AddDate(0, 0, 1))
			if inTime && (status == "" || row.Status == status) && strings.Contains(row.UserID, keyword) {
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
	var wg sync.WaitGroup
	for writer := range 2 {
		wg.Go(func() {
			for i := range 500 {
				at := spring.Add(time.Duration(i) * time.Second)
				e.PutLicenses("DEMO", emulator.License{CID: fmt.Sprint(writer), RegTime: at})
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
		rows[i] = emulator.License{
			CID: "movie", UserID: "user", DeviceID: "device", RegTime: spring.Add(time.Duration(i) * time.Minute),
		}
	}
	e.PutLicenses("DEMO", rows...)
	for _, unit := range []int{25, 1000} {
		b.Run(fmt.Sprint(unit), func(b *testing.B) {
			benchmark(b, e, fmt.Sprint("/api/v2/drm/license?site_id=DEMO&api_code=UA003001100&from=2020-03-05"+
				"&search_status=success&page_index=7&page_unit=", unit))
		})
	}
}

// benchmark measures a GET.
func benchmark(b *testing.B, e *emulator.Emulator, target string) {
	token := goodToken()
	b.ReportAllocs()
	for b.Loop() {
		r := twintest.Request(b, "GET", base+target, "")
		r.Header.Set("Authorization", "Bearer "+token)
		if got := twintest.Serve(e, r); !strings.Contains(got.Text, `"error_code":"0000"`) {
			b.Fatal(got.Text)
		}
	}
}
