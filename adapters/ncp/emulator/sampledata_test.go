package emulator_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/drmhub/drmhub/adapters/ncp/emulator"
	pallycon "github.com/drmhub/drmhub/adapters/pallycon/emulator"
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
	if !slices.Equal(one.Sites(), same.Sites()) || !slices.Equal(one.Sites(), later.Sites()) {
		t.Error("the sites differ from one run to the next")
	}
	for _, site := range one.Sites() {
		rows := one.Licenses(site.SiteID)
		if !slices.Equal(rows, same.Licenses(site.SiteID)) {
			t.Errorf("%s differs from one run to the next", site.SiteName)
		}
		if len(rows) > 0 && slices.Equal(rows, other.Licenses(site.SiteID)) {
			t.Errorf("%s is the same from another seed", site.SiteName)
		}
		laterRows := later.Licenses(site.SiteID)
		past := slices.IndexFunc(laterRows, func(l emulator.License) bool { return !l.CreatedTime.After(now) })
		if len(rows) > 0 && !slices.Equal(rows, laterRows[past:]) {
			t.Errorf("an hour later %s has another past", site.SiteName)
		}
	}
}

func TestSampleDataIsPlausible(t *testing.T) {
	now := at("2026-01-02 15:04:05")
	e := sampleData(1, now)
	states, drms := map[string]int{}, map[string]int{}
	var total, failed, repeats, off int
	for _, site := range e.Sites() {
		states[site.Status]++
		forms := regexp.MustCompile(`^drm-\d{14}-[A-Za-z]{5} \w{3,20}$`)
		if !forms.MatchString(site.SiteID + " " + site.SiteName) {
			t.Errorf("no site of this vendor: %+v", site)
		}
		if got := site.CreatedTime.Format("20060102150405"); !strings.Contains(site.SiteID, got) {
			t.Errorf("site %s was created at %s", site.SiteID, got)
		}
		rows := e.Licenses(site.SiteID)
		if !site.Enabled && len(rows) > 0 {
			off++
			newest := rows[0].CreatedTime
			if newest.After(site.UpdatedTime) || site.UpdatedTime.Sub(newest) > 24*time.Hour {
				t.Errorf("the site that went off at %v issued its last license at %v", site.UpdatedTime, newest)
			}
		}
		if site.Enabled && (len(rows) == 0 || now.Sub(rows[0].CreatedTime) > 6*time.Hour) {
			t.Errorf("site %s is on, and has no new licenses", site.SiteName)
		}
		for i, l := range rows {
			total++
			if l.CreatedTime.After(now) || now.Sub(l.CreatedTime) > 31*24*time.Hour {
				t.Fatalf("a license out of time: %+v", l)
			}
			if l.LicenseStatus == emulator.StatusFail {
				failed++
			}
			if i > 0 && rows[i-1] == l {
				repeats++
			}
			drms[l.DRMType]++
		}
	}
	twintest.Within(t, "running sites", states[emulator.StatusRunning], 2, 3)
	twintest.Within(t, "ready sites", states[emulator.StatusReady], 2, 2)
	twintest.Within(t, "sites being created", states[emulator.StatusCreating], 1, 1)
	twintest.Within(t, "sites that went off", off, 1, 1)
	twintest.Within(t, "licenses", total, 3000, 5000)
	twintest.Within(t, "failures in 1000", failed*1000/total, 30, 90)
	twintest.Within(t, "repeated licenses", repeats, 20, 150)
	twintest.Within(t, "kinds of DRM", len(drms), 3, 3)
}

// TestSampleFailuresHaveCauses checks what the failures of a cause have in common, since the
// history shows no code.
func TestSampleFailuresHaveCauses(t *testing.T) {
	now := at("2026-01-02 15:04:05")
	e := sampleData(1, now)
	for _, c := range []struct {
		site   string
		common func(emulator.License) bool
	}{
		{"demo_site", func(l emulator.License) bool { return l.ContentID == "cosmos-laundromat" }},
		{"kids_and_songs", func(l emulator.License) bool { return l.DRMType == "FairPlay" }},
	} {
		i := slices.IndexFunc(e.Sites(), func(s emulator.Site) bool { return s.SiteName == c.site })
		users, others, failed := map[string]bool{}, 0, 0
		for _, l := range e.Licenses(e.Sites()[i].SiteID) {
			switch fails := l.LicenseStatus == emulator.StatusFail; {
			case now.Sub(l.CreatedTime) > 24*time.Hour:
			case c.common(l) && !fails:
				t.Errorf("%s: %+v has a license", c.site, l)
			case c.common(l):
				users[l.UserIDMD5] = true
			default:
				others++
				if fails {
					failed++
				}
			}
		}
		if len(users) < 2 || others < 10 || 5*failed > others {
			t.Errorf("%s: %d users fail, and %d of %d other requests", c.site, len(users), failed, others)
		}
	}
}

func TestSampleSitesTellHowTheyCameToBe(t *testing.T) {
	now := at("2026-01-02 15:04:05")
	e := sampleData(1, now)
	for _, site := range e.Sites() {
		log := do(t, e, requestAt(t, now, "GET", "/api/v1/sites/siteLog?siteId="+site.SiteID, ""))
		newest, _, _ := strings.Cut(log.rows(t, "description"), ".")
		_, newest, _ = strings.Cut(newest, site.SiteName+" ")
		want := "created"
		if site.Enabled {
			want = "enabled"
		} else if len(e.Licenses(site.SiteID)) > 0 {
			want = "disabled"
		}
		if newest != want {
			t.Errorf("%s: the log says last %q, want %q", site.SiteName, newest, want)
		}
	}
	e.Clock().Set(at("2026-01-03 00:00:00"))
	for _, site := range e.Sites() {
		if site.Status == emulator.StatusCreating {
			t.Errorf("the next day: %+v", site)
		}
	}
}

// TestUsersAreCustomersOfAnotherVendorToo checks that a user's failed licenses are found at both
// vendors, here under the MD5 of the user's id.
func TestUsersAreCustomersOfAnotherVendorToo(t *testing.T) {
	now := at("2026-01-02 15:04:05")
	here := sampleData(1, now)
	there := pallycon.New(pallycon.Options{Seed: 1, WithSampleData: true, Clock: twin.FrozenClock(now)})
	failedThere := map[string]bool{}
	for _, site := range []string{"DEMO", "KIDS"} {
		for _, l := range there.Licenses(site) {
			user := emulator.HashUserID(l.UserID)
			failedThere[user] = failedThere[user] || l.Status == pallycon.StatusFail
		}
	}
	for name, least := range map[string]int{"demo_site": 15, "kids_and_songs": 15} {
		i := slices.IndexFunc(here.Sites(), func(s emulator.Site) bool { return s.SiteName == name })
		both := map[string]bool{}
		for _, l := range here.Licenses(here.Sites()[i].SiteID) {
			failed, known := failedThere[l.UserIDMD5]
			if !known {
				t.Fatalf("%s: user %q is unknown at the other vendor", name, l.UserID)
			}
			if failed && l.LicenseStatus == emulator.StatusFail {
				both[l.UserID] = true
			}
		}
		if len(both) < least {
			t.Errorf("%s: %d users failed at both vendors, want at least %d", name, len(both), least)
		}
	}
}
