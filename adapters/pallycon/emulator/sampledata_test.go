package emulator_test

import (
	"slices"
	"testing"
	"time"

	"github.com/drmhub/drmhub/adapters/pallycon/emulator"
	"github.com/drmhub/drmhub/adapters/twin"
	"github.com/drmhub/drmhub/adapters/twin/twintest"
)

func sampleData(seed uint64, now time.Time) *emulator.Emulator {
	return emulator.New(emulator.Options{Seed: seed, WithSampleData: true, Clock: twin.FrozenClock(now)})
}

func TestSampleDataIsReproducible(t *testing.T) {
	now := at("2026-01-02 15:04:05")
	one, same, other := sampleData(7, now), sampleData(7, now), sampleData(8, now)
	later := sampleData(7, now.Add(time.Hour))
	for _, site := range one.Sites() {
		rows := one.Licenses(site.SiteID)
		if !slices.Equal(rows, same.Licenses(site.SiteID)) {
			t.Errorf("%s differs from one run to the next", site.SiteID)
		}
		if slices.Equal(rows, other.Licenses(site.SiteID)) {
			t.Errorf("%s is the same from another seed", site.SiteID)
		}
		all := later.Licenses(site.SiteID)
		past := slices.IndexFunc(all, func(l emulator.License) bool { return !l.RegTime.After(now) })
		if !slices.Equal(rows, all[past:]) {
			t.Errorf("an hour later %s has another past", site.SiteID)
		}
	}
}

func TestSampleSitesArePlausible(t *testing.T) {
	e := sampleData(1, at("2026-01-02 15:04:05"))
	suspended, watermarked := 0, 0
	for _, site := range e.Sites() {
		if len(site.SiteID) != 4 {
			t.Errorf("site id %q does not have four characters", site.SiteID)
		}
		for _, p := range site.Products {
			switch {
			case p.ServiceCode == emulator.ServiceFWM:
				watermarked++
			case p.StatusCode == emulator.StateSuspended:
				suspended++
				got := get(t, e, "/api/v2/plan/request/status/"+site.SiteID, "api_code="+codeSite+"&service_code=PD001")
				if got.field("reg_status") != "ST003" {
					t.Errorf("suspended without a request: %s", got.Text)
				}
			}
		}
	}
	twintest.Within(t, "sites", len(e.Sites()), 3, 6)
	twintest.Within(t, "suspended sites", suspended, 1, 1)
	twintest.Within(t, "sites with watermarking", watermarked, 1, 3)
}

func TestSampleLicensesArePlausible(t *testing.T) {
	now := at("2026-01-02 15:04:05")
	e := sampleData(1, now)
	var total, failed, tokenless, repeats int
	oldest := now
	hours, weekdays, drms, codes := map[int]int{}, map[time.Weekday]int{}, map[string]int{}, map[string]int{}
	users, contents := map[string]bool{}, map[string]bool{}
	for _, site := range e.Sites() {
		rows := e.Licenses(site.SiteID)
		for i, l := range rows {
			total++
			if l.RegTime.After(now) {
				t.Fatalf("a license from the future: %+v", l)
			}
			if l.RegTime.Before(oldest) {
				oldest = l.RegTime
			}
			if (l.Status == emulator.StatusFail) != (l.ErrorCode != "0000") {
				t.Errorf("status and code contradict each other: %+v", l)
			}
			if l.Status == emulator.StatusFail {
				failed++
				codes[l.ErrorCode]++
			}
			if l.UserID == "LICENSETOKEN" {
				tokenless++
			}
			if i > 0 && rows[i-1] == l {
				repeats++
			}
			if site.SiteID == "MOVI" {
				weekdays[l.RegTime.Weekday()]++
				hours[l.RegTime.Hour()]++
			}
			users[l.UserID], contents[l.CID] = true, true
			drms[l.DRMType]++
		}
		if gap := now.Sub(rows[0].RegTime); site.SiteID == "MOVI" && gap > time.Hour {
			t.Errorf("the newest license is %v old", gap)
		}
	}
	twintest.Within(t, "licenses", total, 36_000, 44_000)
	twintest.Within(t, "days", int(now.Sub(oldest).Hours()/24), 115, 122)
	twintest.Within(t, "failures in 1000", failed*1000/total, 20, 45)
	twintest.Within(t, "licenses without a user", tokenless, 500, 3000)
	twintest.Within(t, "repeated licenses", repeats, 200, 2000)
	twintest.Within(t, "users", len(users), 300, 600)
	twintest.Within(t, "contents", len(contents), 200, 500)
	twintest.Within(t, "kinds of DRM", len(drms), 4, 4)
	twintest.Within(t, "failure codes", len(codes), 10, 25)
	if hours[13] < 3*hours[19] {
		t.Errorf("no daily rhythm: %d licenses at 22:00 in Seoul, %d at 04:00", hours[13], hours[19])
	}
	if weekdays[time.Sunday] < weekdays[time.Tuesday]*5/4 {
		t.Errorf("no weekly shape: %v", weekdays)
	}
}

// TestSampleFailuresHaveCauses checks that what the failures of a cause have in common fails
// always, and that their viewers get licenses otherwise.
func TestSampleFailuresHaveCauses(t *testing.T) {
	now := at("2026-01-02 15:04:05")
	e := sampleData(1, now)
	for _, c := range []struct {
		site, code string
		common     func(emulator.License) string // empty if always another one
	}{
		{"MOVI", "7001", func(l emulator.License) string { return l.CID }},
		{"DEMO", "7001", func(l emulator.License) string { return l.CID }},
		{"MOVI", "7110", func(l emulator.License) string { return l.DeviceModel }},
		{"MOVI", "7115", func(l emulator.License) string { return l.DeviceModel }},
		{"MOVI", "7316", func(l emulator.License) string { return l.DeviceID }},
	} {
		failing, users, today := map[string]bool{}, map[string]bool{}, 0
		for _, l := range e.Licenses(c.site) {
			if l.ErrorCode == c.code {
				failing[c.common(l)], users[l.UserID] = true, true
				if now.Sub(l.RegTime) < 24*time.Hour {
					today++
				}
			}
		}
		if c.code != "7316" && len(failing) != 1 || today == 0 || len(users) < 2 {
			t.Errorf("%s %s: %d failures of a day, of %d users, for %v", c.site, c.code, today, len(users), failing)
		}
		succeeds := false
		for _, l := range e.Licenses(c.site) {
			if l.Status == emulator.StatusSuccess && failing[c.common(l)] {
				t.Errorf("%s %s: %+v has a license", c.site, c.code, l)
			}
			succeeds = succeeds || l.Status == emulator.StatusSuccess && users[l.UserID]
		}
		if !succeeds {
			t.Errorf("%s %s: its viewers get no license at all", c.site, c.code)
		}
	}
}

func BenchmarkSampleData(b *testing.B) {
	for b.Loop() {
		sampleData(1, at("2026-01-02 15:04:05"))
	}
}
