package emulator_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/drmhub/drmhub/adapters/ncp/emulator"
	"github.com/drmhub/drmhub/adapters/twin/twintest"
)

// TestHistoryAgainstPlainSearch compares with a search that does the obvious, on random rows put in
// random portions.
func TestHistoryAgainstPlainSearch(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	e := newDemo(emulator.Assumptions{})
	var newestFirst []emulator.License
	for range 40 {
		portion := make([]emulator.License, random.IntN(20))
		for i := range portion {
			created := noon.Add(time.Duration(random.IntN(200)) * time.Second)
			portion[i] = emulator.License{
				ContentID: fmt.Sprint(random.Uint32()), LicenseStatus: []string{"success", "fail"}[random.IntN(2)],
				DeviceID: fmt.Sprint(random.IntN(30)), CreatedTime: created,
			}
		}
		e.PutLicenses(demo, portion...)
		for _, row := range portion { // in front of those that are not newer
			i := 0
			for i < len(newestFirst) && newestFirst[i].CreatedTime.After(row.CreatedTime) {
				i++
			}
			newestFirst = append(newestFirst[:i], append([]emulator.License{row}, newestFirst[i:]...)...)
		}
	}
	for range 300 {
		first := noon.Add(time.Duration(random.IntN(200)-10) * time.Second)
		last := first.Add(time.Duration(random.IntN(100)) * time.Second)
		status, keyword := []string{"", "success", "fail"}[random.IntN(3)], []string{"", "1", "20"}[random.IntN(3)]
		size, page := 1+random.IntN(40), 1+random.IntN(6)
		query := fmt.Sprintf("startTime=%d&endTime=%d&status=%s&pageSize=%d&pageNo=%d",
			first.UnixMilli(), last.UnixMilli(), status, size, page)
		if keyword != "" {
			query += "&searchCondition=deviceId&searchKeyword=" + keyword
		}
		var want []string
		for _, row := range newestFirst {
			inTime := !row.CreatedTime.Before(first) && !row.CreatedTime.After(last)
			hasStatus := status == "" || row.LicenseStatus == status
			if inTime && hasStatus && strings.Contains(row.DeviceID, keyword) {
				want = append(want, row.ContentID)
			}
		}
		wanted := strings.Join(want[min(len(want), (page-1)*size):min(len(want), page*size)], " ")
		if got := licenses(t, e, query); got.rows(t, "contentId") != wanted || got.total() != len(want) {
			t.Fatalf("%s: %s, want %s of %d", query, got.Text, wanted, len(want))
		}
	}
}

func TestRowsMayArriveWhileOthersPage(t *testing.T) {
	e := newDemo(emulator.Assumptions{})
	var wg sync.WaitGroup
	for writer := range 2 {
		wg.Go(func() {
			for i := range 300 {
				created := noon.Add(time.Duration(i) * time.Second)
				e.PutLicenses(demo, emulator.License{ContentID: fmt.Sprint(writer), CreatedTime: created})
			}
		})
	}
	for range 2 {
		wg.Go(func() {
			for held := 0; held < 600; {
				got := licenses(t, e, "pageSize=5&status=success")
				if got.total() < held {
					t.Errorf("the total fell from %d to %d", held, got.total())
					return
				}
				held = got.total()
			}
		})
	}
	wg.Wait()
}

// FuzzHistoryQuery checks that every response is the service's. A success is for the site asked
// for, and no more than a page.
func FuzzHistoryQuery(f *testing.F) {
	f.Add("siteId=" + demo + "&pageNo=1&pageSize=100&searchCondition=drm_type&searchKeyword=Widevine" +
		"&startTime=1699605801000&endTime=1700469801000&status=success")
	f.Add("siteId=" + demo + "&pageSizeNo=30&pageSize=30")
	f.Add("siteId=%zz&;&=&searchKeyword=\xff")
	f.Add("siteId=" + demo + "&startTime=9223372036854775807&endTime=9223372036854775807&pageNo=1000000000")
	e := newDemo(emulator.Assumptions{})
	for i := range 150 {
		created := noon.Add(-time.Duration(i) * time.Hour)
		e.PutLicenses(demo, emulator.License{ContentID: "c", DRMType: "Widevine", CreatedTime: created})
	}
	f.Fuzz(func(t *testing.T, query string) {
		target := "/api/v1/license/statistics?" + query
		u, err := url.ParseRequestURI(target)
		if err != nil {
			t.Skip()
		}
		r := request(t, "GET", "/api/v1/license/statistics", "")
		r.URL, r.RequestURI = u, target
		at := r.Header.Get("x-ncp-apigw-timestamp")
		signature := sign(emulator.DefaultSecretKey, "GET", target, at, emulator.DefaultAccessKey)
		r.Header.Set("x-ncp-apigw-signature-v2", signature)
		got := reply{Reply: twintest.Serve(e, r)}
		e.Ledger().Clear()
		twintest.Decode(t, got.Text, &got)
		asked, parseErr := url.ParseQuery(query)
		switch {
		case got.Success == nil:
			t.Errorf("%q: %s", query, got.Text)
		case got.Status == http.StatusOK:
			var rows []map[string]string
			twintest.Decode(t, string(got.Content), &rows)
			if len(rows) > 100 || got.total() < len(rows) || got.total() > 150 {
				t.Errorf("%q: %d rows of %d", query, len(rows), got.total())
			}
			if parseErr != nil || asked.Get("siteId") != demo {
				t.Errorf("%q succeeds", query)
			}
		case got.Status == http.StatusNotFound:
			if got.Error.Code != "281003" || asked.Get("siteId") == demo {
				t.Errorf("%q: %s", query, got.Text)
			}
		case got.Status != http.StatusBadRequest || got.Error.Code != "280003":
			t.Errorf("%q: %d %s", query, got.Status, got.Text)
		}
	})
}
