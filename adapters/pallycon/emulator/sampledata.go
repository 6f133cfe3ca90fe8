package emulator

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/drmhub/drmhub/adapters/twin"
)

// The sample history spans the last 120 days. A site's licenses of one day depend only on the seed
// and the day. So a sandbox that starts again an hour later shows the same history, and one more
// hour of it.
const (
	sampleDays = 120
	// suspendedDays is how many days ago the sample data's suspended site was suspended.
	suspendedDays = 20
	// troubledDays is for how many days the troubles of the sample data have lasted.
	troubledDays = 5
)

// fillSampleData fills the server for a sandbox.
func (e *Emulator) fillSampleData() {
	now := e.Clock().Now()
	today := now.Truncate(24 * time.Hour)
	suspended := today.AddDate(0, 0, -suspendedDays).Add(6 * time.Hour)
	for _, model := range sampleSites {
		e.PutSites(model.site)
		audience := newAudience(twin.Rand(e.seed, "audience of "+model.site.SiteID), model)
		for ago := sampleDays; ago >= 0; ago-- {
			date := today.AddDate(0, 0, -ago)
			random := twin.Rand(e.seed, model.site.SiteID+date.Format(day))
			asked := audience.day(random, date)
			if ago < troubledDays {
				asked = append(asked, audience.troubled(e.seed, date)...)
			}
			if model.suspended {
				asked = afterSuspension(suspended, asked, random)
			}
			future := func(l License) bool { return l.RegTime.After(now) }
			e.PutLicenses(model.site.SiteID, slices.DeleteFunc(asked, future)...)
		}
		ended := today
		if model.suspended {
			ended = suspended
			e.putChange(StatusChange{
				SiteID: model.site.SiteID, ServiceCode: ServiceDRM,
				RegMessage: "Contract ended", RegStatus: ChangeApproved,
				RegTime: suspended.Add(-9 * time.Hour), UpdateTime: suspended,
			})
		}
		random := twin.Rand(e.seed, "packagings of "+model.site.SiteID)
		e.PutPackagings(model.site.SiteID, model.packagings(random, ended)...)
	}
	e.fillAccount(today)
}

// afterSuspension returns what viewers asked for on a day, at a site that was suspended at an
// instant. Most of them stop then, and a few get errors.
func afterSuspension(suspended time.Time, asked []License, random *rand.Rand) []License {
	kept := asked[:0]
	for _, l := range asked {
		stubborn := random.Float64() < 0.05
		late := l.RegTime.After(suspended)
		if late && !stubborn {
			continue
		}
		if late {
			l.Status, l.ErrorCode = StatusFail, "1004"
		}
		kept = append(kept, l)
	}
	return kept
}

// putChange puts the request to suspend a service of a site.
func (e *Emulator) putChange(change StatusChange) {
	e.mu.Lock()
	defer e.mu.Unlock()
	change.ReqGroupID, change.RegType, change.RegID = e.requestID(), ChangeSuspend, e.account.id
	e.find(change.SiteID).changes[change.ServiceCode] = &change
}

// An audience is the viewers of one site, with their devices and contents.
type audience struct {
	model    siteModel
	contents []string
	viewers  []viewer
}

// A viewer is an end user with one to three devices.
type viewer struct {
	id      string
	devices []device
}

type device struct {
	deviceModel
	id string
}

func newAudience(random *rand.Rand, model siteModel) *audience {
	a := &audience{model: model, contents: model.contents()}
	random.Shuffle(len(a.contents), func(i, j int) { a.contents[i], a.contents[j] = a.contents[j], a.contents[i] })
	for i := range model.users {
		v := viewer{id: model.userID(random, i)}
		for range 1 + random.IntN(3) {
			m := weighted(random, deviceModels)
			d := device{deviceModel: m, id: m.newID(random)}
			if m.sharedID != "" && random.Float64() < 0.8 {
				d.id = m.sharedID
			}
			v.devices = append(v.devices, d)
		}
		a.viewers = append(a.viewers, v)
	}
	return a
}

// day returns the licenses of one day, in any order.
func (a *audience) day(random *rand.Rand, date time.Time) []License {
	busy := a.model.week[date.Weekday()] * (0.9 + 0.2*random.Float64())
	count := int(a.model.perDay*busy + random.Float64())
	popular := rand.NewZipf(random, 1.2, 4, uint64(len(a.contents)-1))
	licenses := make([]License, 0, count+count/16)
	for range count {
		v := a.viewers[random.IntN(len(a.viewers))]
		d := v.devices[random.IntN(len(v.devices))]
		hour := weighted(random, a.model.hours)
		l := License{
			CID: a.contents[popular.Uint64()], DRMType: d.drm, UserID: v.id, DeviceID: d.id, DeviceModel: d.name,
			LicenseType: "gateway", PlatformName: d.platform,
			RegTime: date.Add(time.Duration(hour.hour)*time.Hour + time.Duration(random.IntN(3600))*time.Second),
		}
		if random.Float64() < a.model.tokenShare {
			l.LicenseType = "token"
			if random.Float64() < 0.04 {
				l.UserID = "LICENSETOKEN"
			}
		}
		if random.Float64() < 0.03 {
			l.Status, l.ErrorCode = StatusFail, failureCode(random, a.model.site.SiteID, l)
		}
		licenses = append(licenses, l)
		if random.Float64() < 0.015 { // Some players ask twice.
			licenses = append(licenses, l)
		}
	}
	return licenses
}

// failureCode returns a code of the license server that fits l.
func failureCode(random *rand.Rand, site string, l License) string {
	fits := func(wanted, value string) bool { return wanted == "" || wanted == value }
	for {
		f := weighted(random, failureCodes)
		if fits(f.site, site) && fits(f.licenseType, l.LicenseType) && fits(f.drm, l.DRMType) {
			return f.code
		}
	}
}

// weighted returns one of the choices, drawn by weight.
func weighted[C interface{ weight() float64 }](random *rand.Rand, choices []C) C {
	total := 0.0
	for _, c := range choices {
		total += c.weight()
	}
	at := random.Float64() * total
	for _, c := range choices {
		if at -= c.weight(); at < 0 {
			return c
		}
	}
	return choices[len(choices)-1]
}

// hex returns a random number of so many hexadecimal digits.
func hex(random *rand.Rand, digits int) string {
	text := ""
	for len(text) < digits {
		text += fmt.Sprintf("%016x", random.Uint64())
	}
	return text[:digits]
}
