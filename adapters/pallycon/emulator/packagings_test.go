package emulator_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/drmhub/drmhub/adapters/pallycon/emulator"
	"github.com/drmhub/drmhub/adapters/twin"
)

func packagings(t *testing.T, e *emulator.Emulator, query string) reply {
	t.Helper()
	return get(t, e, "/api/v2/drm/pack", "api_code="+codeDRM+"&site_id=DEMO&"+query)
}

// cursorAfter is the cursor of the last row of an answer, or "" where it has no row.
func cursorAfter(t *testing.T, got reply) string {
	t.Helper()
	var rows []map[string]string
	if err := json.Unmarshal(got.Data, &rows); err != nil {
		t.Fatalf("%v in %s", err, got.Text)
	}
	if len(rows) == 0 {
		return ""
	}
	last := rows[len(rows)-1]
	return "last_created_time_cid=" + last["created_time"] + "&last_update_time=" + last["update_time"]
}

func TestPackagingSearches(t *testing.T) {
	seed := []emulator.Packaging{
		{CID: "c", Track: "SD", CreatedTime: at("2026-01-03 00:00:00")},
		{CID: "a", CreatedTime: at("2026-01-01 00:00:00"), UpdateTime: at("2026-01-03 12:00:00")},
		// the vendor keeps whole seconds
		{CID: "c", Track: "AUDIO", CreatedTime: at("2026-01-03 00:00:00").Add(time.Second / 2)},
		{CID: "a", CreatedTime: at("2026-01-01 00:00:00")},
		{CID: "ab", CreatedTime: at("2026-01-02 23:59:59")},
	}
	for _, test := range []struct {
		assumed           emulator.Assumptions
		query, rows, made string
		count             int
	}{
		{query: "", rows: "a a ab c c", made: "20260101000000 20260103120000 20260102235959 20260103000000 20260103000000", count: 5},
		{query: "from=2026-01-03", rows: "a c c", made: "20260103120000 20260103000000 20260103000000", count: 3},
		{query: "from=2026-01-01&to=2026-01-02", rows: "a ab", made: "20260101000000 20260102235959", count: 2},
		{query: "search_condition=cid&search_keyword=b", rows: "ab", made: "20260102235959", count: 1},
		{query: "search_condition=drm_type&search_keyword=Widevine"},
		{query: "last_created_time_cid=20260101000000&last_update_time=20260101000000", rows: "a ab c c", made: "20260103120000 20260102235959 20260103000000 20260103000000", count: 4},
		{query: "last_created_time_cid=20260101000000&last_update_time=20260103115959", rows: "a ab c c", made: "20260103120000 20260102235959 20260103000000 20260103000000", count: 4},
		{query: "last_created_time_cid=20260101000000&last_update_time=20260103120000", rows: "ab c c", made: "20260102235959 20260103000000 20260103000000", count: 3},
		{query: "last_created_time_cid=20260103000000&last_update_time=20260103000000"},
		{query: "last_created_time_cid=20251231000000&last_update_time=20991231000000&search_condition=cid&search_keyword=c", rows: "c c", made: "20260103000000 20260103000000", count: 2},
		{emulator.Assumptions{PackagingPage: 2}, "", "a a", "20260101000000 20260103120000", 5},
		{emulator.Assumptions{PackagingPage: 2, CountIsPage: true}, "", "a a", "20260101000000 20260103120000", 2},
		{emulator.Assumptions{ExactSearch: true}, "search_condition=cid&search_keyword=b", "", "", 0},
		{emulator.Assumptions{ToExclusive: true}, "to=2026-01-02", "a", "20260101000000", 1},
		{emulator.Assumptions{Zone: time.FixedZone("KST", 9*3600)}, "to=2026-01-02&last_created_time_cid=20260101085959&last_update_time=20260101085959", "a", "20260101090000", 1},
		// which is of licenses
		{emulator.Assumptions{Retention: time.Hour}, "to=2026-01-01", "a", "20260101000000", 1},
	} {
		e := demo(emulator.Options{Assumptions: test.assumed, Clock: twin.FrozenClock(at("2026-03-01 00:00:00"))})
		e.PutPackagings("DEMO", seed[:2]...)
		e.PutPackagings("DEMO", seed[2:]...)
		e.PutPackagings("TEST", emulator.Packaging{CID: "other", CreatedTime: at("2026-01-02 00:00:00")})
		got := packagings(t, e, test.query)
		if got.rows(t, "cid") != test.rows || got.rows(t, "update_time") != test.made || got.count() != test.count {
			t.Errorf("%s: %s, want %q made %q of %d", test.query, got.Text, test.rows, test.made, test.count)
		}
	}
	e := demo(emulator.Options{})
	e.PutPackagings("DEMO", seed...)
	want := `[{"site_id":"DEMO","cid":"c","track":"SD","created_time":"20260103000000","update_time":"20260103000000"},` +
		`{"site_id":"DEMO","cid":"c","track":"AUDIO","created_time":"20260103000000","update_time":"20260103000000"}]`
	if got := packagings(t, e, "search_condition=cid&search_keyword=c"); string(got.Data) != want {
		t.Errorf("got  %s\nwant %s", got.Data, want)
	}
	if got := packagings(t, e, "search_condition=cid&search_keyword=ab"); got.rows(t, "track") != "HD" {
		t.Errorf("%s, want the vendor's default track", got.Text)
	}
}

// TestPackagingCursorLosesTies: "the data that is later than the settings" leaves out rows as old
// as the last one of a page.
func TestPackagingCursorLosesTies(t *testing.T) {
	for page, want := range map[int]struct{ tracks, counts string }{
		5: {"01234567", "830"}, // the first page ends between two seconds
		3: {"0123457", "8510"}, // the second page ends within one
	} {
		e := demo(emulator.Options{Assumptions: emulator.Assumptions{PackagingPage: page}})
		// one track in the first second, two in each of the next three, one in the last
		for i := range 8 {
			second := time.Duration((i+1)/2) * time.Second
			e.PutPackagings("DEMO", emulator.Packaging{Track: fmt.Sprint(i), CreatedTime: at("2026-01-01 00:00:00").Add(second)})
		}
		tracks, counts := "", ""
		for query, more := "", true; more; {
			got := packagings(t, e, query)
			tracks += strings.ReplaceAll(got.rows(t, "track"), " ", "")
			counts += fmt.Sprint(got.count())
			query = cursorAfter(t, got)
			more = query != ""
		}
		if tracks != want.tracks || counts != want.counts {
			t.Errorf("pages of %d: tracks %s, counts %s, want %+v", page, tracks, counts, want)
		}
	}
}

func TestPackagingRequestsAreRefused(t *testing.T) {
	e := demo(emulator.Options{})
	for query, code := range map[string]string{
		"last_created_time_cid=20260101000000":                                   "9001",
		"last_update_time=20260101000000":                                        "9001",
		"last_created_time_cid=2026-01-01&last_update_time=20260101000000":       "9002",
		"last_created_time_cid=20260101000000&last_update_time=20260230000000":   "9002",
		"last_created_time_cid=20260101000000.5&last_update_time=20260101000000": "9002",
		"search_condition=cid":                                                   "9001",
		"search_keyword=a":                                                       "9001",
		"search_condition=track&search_keyword=HD":                               "9002",
		"page_unit=10":                  "9003",
		"page_index=1":                  "9003",
		"from=2026-01-02&to=2026-01-01": "9002",
		"last_created_time=20260101000000&last_update_time=20260101000000&from=2026-1": "9003",
	} {
		if got := packagings(t, e, query); got.Status != 200 || got.ErrorCode != code || got.Data != nil {
			t.Errorf("%s: %d %s, want code %s", query, got.Status, got.Text, code)
		}
	}
	if got := get(t, e, "/api/v2/drm/pack", "site_id=NONE&api_code="+codeDRM); got.ErrorCode != "1003" {
		t.Errorf("%s", got.Text)
	}
	if got := packagings(t, e, ""); string(got.Data) != "[]" || got.count() != 0 || len(e.Packagings("NONE")) != 0 {
		t.Errorf("no packagings: %s", got.Text)
	}
}
