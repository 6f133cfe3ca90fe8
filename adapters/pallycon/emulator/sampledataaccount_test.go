package emulator_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/drmhub/drmhub/adapters/pallycon/emulator"
	"github.com/drmhub/drmhub/adapters/twin/twintest"
)

func TestSampleAccountIsReproducible(t *testing.T) {
	now := at("2026-01-02 15:04:05")
	one, other, later := sampleData(7, now), sampleData(8, now), sampleData(7, now.Add(time.Hour))
	if !slices.Equal(one.Members(), later.Members()) || slices.Equal(one.Members(), other.Members()) {
		t.Errorf("members\n%+v\nan hour later\n%+v", one.Members(), later.Members())
	}
	if !slices.Equal(one.SiteOrders(), later.SiteOrders()) {
		t.Errorf("orders\n%+v\nan hour later\n%+v", one.SiteOrders(), later.SiteOrders())
	}
	for _, site := range one.Sites() {
		packagings := one.Packagings(site.SiteID)
		if !slices.Equal(packagings, later.Packagings(site.SiteID)) ||
			slices.Equal(packagings, other.Packagings(site.SiteID)) {
			t.Errorf("packagings of %s are not those of the seed", site.SiteID)
		}
	}
}

func TestSampleMembersArePlausible(t *testing.T) {
	now := at("2026-01-02 15:04:05")
	e := sampleData(1, now)
	groups, states, emails := map[int]int{}, map[string]int{}, map[string]bool{}
	for i, m := range e.Members() {
		groups[m.GroupSeq]++
		states[m.StatusCode]++
		emails[m.MemberEmail] = true
		if m.RegTime.After(now) || m.MemberSeq != i+1 || !strings.HasSuffix(m.MemberEmail, ".example") {
			t.Errorf("%+v", m)
		}
	}
	twintest.Within(t, "members", len(emails), 26, 60) // more than a page
	twintest.Within(t, "groups", len(groups), 3, 3)
	twintest.Within(t, "inactive members", states["MT002"], 1, 15)
}

func TestSampleOrdersAndPackagingsArePlausible(t *testing.T) {
	now := at("2026-01-02 15:04:05")
	e := sampleData(1, now)
	ordered := map[string]time.Time{}
	orderStates := map[string]int{}
	for _, o := range e.SiteOrders() {
		orderStates[o.Status]++
		issued := slices.ContainsFunc(e.Sites(), func(s emulator.Site) bool {
			return s.SiteID == o.SiteID && s.ServiceName == o.ServiceName
		})
		if (o.Status == emulator.OrderApproved) != issued {
			t.Errorf("%+v does not fit the sites", o)
		}
		if o.RegTime.After(now) || o.UpdateTime.After(now) || o.UpdateTime.Before(o.RegTime) {
			t.Errorf("%+v", o)
		}
		ordered[o.SiteID] = o.UpdateTime
	}
	twintest.Within(t, "states of orders", len(orderStates), 3, 3)

	for _, site := range e.Sites() {
		packagings, first := e.Packagings(site.SiteID), map[string]time.Time{}
		again, ties := 0, 0
		for i, k := range packagings {
			early := k.CreatedTime.Before(ordered[site.SiteID]) || k.UpdateTime.Before(k.CreatedTime)
			if early || k.UpdateTime.After(now) {
				t.Errorf("%s: %+v", site.SiteID, k)
			}
			if k.UpdateTime.After(k.CreatedTime) {
				again++
			}
			if i > 0 && packagings[i-1].UpdateTime.Equal(k.UpdateTime) {
				ties++
			}
			first[k.CID] = k.CreatedTime
		}
		n, licenses, gateway := len(packagings), e.Licenses(site.SiteID), 0
		twintest.Within(t, "packagings of "+site.SiteID, n, 120, 900)
		twintest.Within(t, "packagings that are not the first of "+site.SiteID, again, n/20, n-len(first))
		twintest.Within(t, "packagings as old as another of "+site.SiteID, ties, n/3, n)
		for _, l := range licenses {
			if l.LicenseType == "gateway" {
				gateway++
			}
			packaged, known := first[l.CID]
			if known == (l.ErrorCode == "7001") || known && l.RegTime.Before(packaged) {
				t.Fatalf("%s: %s at %v for %q, packaged at %v", site.SiteID, l.ErrorCode, l.RegTime, l.CID, packaged)
			}
			if l.ErrorCode == "8002" && e.Integration(site.SiteID).LicenseCallbackURL == "" {
				t.Errorf("%s: a callback refused, and it has no address: %+v", site.SiteID, l)
			}
		}
		byCallback := e.Integration(site.SiteID).LicenseCallbackURL != ""
		if byCallback != (gateway > len(licenses)/2) {
			t.Errorf("%s: %d licenses by gateway, callback %v", site.SiteID, gateway, byCallback)
		}
	}
}

// TestSampleDataAgreesWithItself compares the reports and the usage with the licenses.
func TestSampleDataAgreesWithItself(t *testing.T) {
	e := sampleData(1, at("2026-01-02 15:04:05"))
	for _, site := range e.Sites() {
		users, devices, issued := map[string]bool{}, map[string]bool{}, 0
		contents := map[string]bool{}
		for _, l := range e.Licenses(site.SiteID) {
			if l.RegTime.Year() == 2025 && l.RegTime.Month() == time.December {
				contents[l.CID] = true
				if l.Status == emulator.StatusSuccess {
					users[l.UserID], devices[l.DeviceID] = true, true
					issued++
				}
			}
		}
		query := "api_code=UA003003100&target_date=2025-12-31&site_id=" + site.SiteID
		got := get(t, e, "/api/v2/drm/statistics/targetDate", query)
		want := fmt.Sprintf(`{"license_cnt":%d,"user_acc_cnt":%d,"device_acc_cnt":%d,"target_date":20251231}`,
			issued, len(users), len(devices))
		if string(got.Data) != want {
			t.Errorf("%s: %s, want %s", site.SiteID, got.Data, want)
		}
		query = "api_code=UA003001100&from=2025-12-01&to=2025-12-31&site_id=" + site.SiteID
		got = get(t, e, "/api/v2/drm/cid-drmLicense", query)
		if got.count() != len(contents) {
			t.Errorf("%s: %d contents, want %d", site.SiteID, got.count(), len(contents))
		}
	}
}
