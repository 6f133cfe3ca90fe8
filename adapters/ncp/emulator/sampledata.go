package emulator

import (
	"math/rand/v2"
	"time"

	"github.com/drmhub/drmhub/adapters/twin"
)

// sampleDays is the length of the sample history. A site's licenses of one day depend only on the
// seed and the day. So a sandbox that is started again an hour later shows the same history, and
// one more hour.
const sampleDays = 30

// fillSampleData fills the server for a sandbox.
func (e *Emulator) fillSampleData(seed uint64) {
	now := e.now()
	today := now.Truncate(24 * time.Hour)
	e.PutPolicies(Policy{101, "offline_48h"}, Policy{102, "uhd_hardware"})
	for _, model := range sampleSites {
		s := model.site
		s.CreatedTime = createdTime(s.SiteID)
		s.UpdatedTime = s.CreatedTime
		until := now
		var on, off time.Time
		if model.perDay > 0 {
			on = s.CreatedTime.AddDate(0, 0, 1)
		}
		if model.onFor > 0 {
			on = daysBefore(today, model.onFor)
			s.UpdatedTime = on
		}
		if model.offFor > 0 {
			off = daysBefore(today, model.offFor)
			s.UpdatedTime, until = off, off
		}
		e.putSampleSite(s, on, off)
		if model.perDay > 0 {
			e.putHistory(seed, model, on, until)
		}
	}
	e.putSampleSite(Site{
		SiteID: "drm-" + today.Format(secondLayout) + "-TgVoS", SiteName: "music_awards", PolicyID: 102,
		Status: StatusCreating, ReadyTime: today.AddDate(0, 0, 1), CreatedTime: today, UpdatedTime: today,
	}, time.Time{}, time.Time{})
}

// putHistory adds the licenses that a site issued between two instants.
func (e *Emulator) putHistory(seed uint64, model siteModel, from, until time.Time) {
	id, today := model.site.SiteID, e.now().Truncate(24*time.Hour)
	audience := newAudience(twin.Rand(seed, "audience of "+id), model)
	for ago := sampleDays; ago >= 0; ago-- {
		date := today.AddDate(0, 0, -ago)
		var issued []License
		for _, l := range audience.day(twin.Rand(seed, id+date.Format(secondLayout)), date) {
			if l.CreatedTime.Before(from) || l.CreatedTime.After(until) {
				continue
			}
			if model.troubled(l, today) {
				l.LicenseStatus = StatusFail
			}
			issued = append(issued, l)
		}
		e.PutLicenses(id, issued...)
	}
}

// troubled reports whether a license request fails for the cause that the site has. The history
// shows no code, so that only what the failures have in common points at the cause.
func (m siteModel) troubled(l License, today time.Time) bool {
	since := func(days int) bool { return !l.CreatedTime.Before(daysBefore(today, days)) }
	return m.fairPlayFails && l.DRMType == "FairPlay" && since(1) ||
		m.misPackaged != "" && l.ContentID == m.misPackaged && since(3)
}

// daysBefore returns six in the morning of the day that many days ago.
func daysBefore(today time.Time, days int) time.Time {
	return today.AddDate(0, 0, -days).Add(6 * time.Hour)
}

// createdTime returns the time in a site's id.
func createdTime(siteID string) time.Time {
	const layout = "drm-" + secondLayout
	created, err := time.Parse(layout, siteID[:len(layout)])
	if err != nil {
		panic(err)
	}
	return created
}

// putSampleSite adds a site, and the entries of its log: when it was created, switched on and
// switched off. A zero time adds no entry.
func (e *Emulator) putSampleSite(s Site, on, off time.Time) {
	e.PutSites(s)
	e.mu.Lock()
	defer e.mu.Unlock()
	held := e.find(s.SiteID)
	held.note(EffectSiteCreated, s.CreatedTime)
	if !on.IsZero() {
		held.note(EffectSiteEnabled, on)
	}
	if !off.IsZero() {
		held.note(EffectSiteDisabled, off)
	}
}

// audience is the end users of one site.
type audience struct {
	model   siteModel
	viewers []viewer
}

// viewer is an end user with one to three devices.
type viewer struct {
	id      string
	devices []device
}

type device struct {
	deviceModel
	id string
}

func newAudience(random *rand.Rand, model siteModel) *audience {
	a := &audience{model: model}
	for i := range model.users {
		v := viewer{id: model.userID(random, i)}
		for range 1 + random.IntN(3) {
			m := drawDevice(random)
			d := device{m, m.sharedID}
			if m.sharedID == "" {
				d.id = letters(random, "0123456789abcdef", 32)
			}
			v.devices = append(v.devices, d)
		}
		a.viewers = append(a.viewers, v)
	}
	return a
}

// day returns the licenses of one day, in random order.
func (a *audience) day(random *rand.Rand, date time.Time) []License {
	count := int(a.model.perDay * (0.8 + 0.4*random.Float64()))
	popular := rand.NewZipf(random, 1.2, 4, uint64(len(a.model.contents)-1))
	licenses := make([]License, 0, count+count/16)
	for range count {
		v := a.viewers[random.IntN(len(a.viewers))]
		d := v.devices[random.IntN(len(v.devices))]
		l := License{
			ContentID: a.model.contents[popular.Uint64()], LicenseStatus: StatusSuccess, DRMType: d.drm,
			UserID: v.id, DeviceID: d.id, DeviceModel: d.name, PlatformName: d.platform,
			CreatedTime: date.Add(drawHour(random) + time.Duration(random.IntN(3600))*time.Second),
		}
		if random.Float64() < a.model.failing {
			l.LicenseStatus = StatusFail
		}
		licenses = append(licenses, l)
		if random.Float64() < 0.015 { // The player asks twice at once.
			licenses = append(licenses, l)
		}
	}
	return licenses
}
