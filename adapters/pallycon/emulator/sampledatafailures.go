package emulator

import (
	"math/rand/v2"
	"time"

	"github.com/drmhub/drmhub/adapters/twin"
)

// A trouble is a cause for which license requests of a sample site have failed for some days.
// Everything else in the sample data agrees with it: a content that was not packaged is in no
// packaging, and a revoked device model gets no license.
type trouble struct {
	site, code string
	perDay     int         // license requests on an average day
	content    string      // empty means any content of the site
	device     deviceModel // empty means any device
	viewers    int         // how many viewers have it
}

// troubles are the causes of failures that a support team asks about.
var troubles = []trouble{
	// The catalog offers an episode that nobody has packaged.
	{site: "MOVI", code: "7001", perDay: 8, content: "drama-seoul-station-s01e17", viewers: 40},
	{site: "DEMO", code: "7001", perDay: 4, content: "cosmos-laundromat", viewers: 6},
	// Widevine has revoked an old tablet. The operator could allow it.
	{site: "MOVI", code: "7110", perDay: 6, viewers: 5, device: deviceModel{
		name: "SM-T580", platform: "Android", drm: "Widevine", idDigits: 32,
	}},
	// Widevine has revoked a television box for good.
	{site: "MOVI", code: "7115", perDay: 3, viewers: 3, device: deviceModel{
		name: "TX3-Mini", platform: "Android", drm: "Widevine", idDigits: 32,
	}},
	// An old version of the app holds the certificate before the present one.
	{site: "MOVI", code: "7316", perDay: 5, viewers: 8, device: deviceModel{
		name: "iOS-device", platform: "iOS", drm: "FairPlay", idDigits: 40,
	}},
}

// troubled returns the license requests of one day that fail for the causes at the site of an
// audience, in any order. They have a source of random numbers of their own, so that all others are
// the same with and without them.
func (a *audience) troubled(seed uint64, date time.Time) []License {
	var failed []License
	for _, t := range troubles {
		if t.site != a.model.site.SiteID {
			continue
		}
		who := twin.Rand(seed, "viewers of "+t.site+t.code)
		devices := make([]viewer, t.viewers)
		for i := range devices {
			devices[i] = t.viewer(who, a)
		}
		random := twin.Rand(seed, t.site+t.code+date.Format(day))
		for range t.perDay/2 + random.IntN(t.perDay+1) {
			v := devices[random.IntN(len(devices))]
			failed = append(failed, t.request(random, a, v, date))
		}
	}
	return failed
}

// viewer returns a viewer of the audience with the device on which requests fail.
func (t trouble) viewer(random *rand.Rand, a *audience) viewer {
	v := a.viewers[random.IntN(len(a.viewers))]
	if t.device.name != "" {
		return viewer{v.id, []device{{t.device, t.device.newID(random)}}}
	}
	return v
}

// request returns one license request that failed.
func (t trouble) request(random *rand.Rand, a *audience, v viewer, date time.Time) License {
	d := v.devices[random.IntN(len(v.devices))]
	hour := weighted(random, a.model.hours)
	l := License{
		CID: t.content, DRMType: d.drm, UserID: v.id, DeviceID: d.id, DeviceModel: d.name, LicenseType: "token",
		PlatformName: d.platform, Status: StatusFail, ErrorCode: t.code,
		RegTime: date.Add(time.Duration(hour.hour)*time.Hour + time.Duration(random.IntN(3600))*time.Second),
	}
	if l.CID == "" {
		l.CID = a.contents[random.IntN(len(a.contents))]
	}
	return l
}
