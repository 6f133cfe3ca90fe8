package emulator

import (
	"fmt"
	"math/rand/v2"
)

// A siteModel is what differs from one sample site to another.
type siteModel struct {
	site       Site
	suspended  bool
	perDay     float64    // licenses on an average day
	week       [7]float64 // how busy a day is, from Sunday; 1 is the average
	hours      []hourShare
	tokenShare float64 // of the licenses that come by token; the others come by gateway
	users      int
	userID     func(random *rand.Rand, i int) string
	contents   func() []string
	tracks     []string // of every content
	repackaged float64  // how often a content is packaged again, on average
}

// An hourShare is how busy an hour of the UTC day is.
type hourShare struct {
	hour  int
	share float64
}

func (h hourShare) weight() float64 { return h.share }

func hourShares(shares [24]float64) []hourShare {
	hours := make([]hourShare, len(shares))
	for hour, share := range shares {
		hours[hour] = hourShare{hour, share}
	}
	return hours
}

// The viewers live in Seoul, nine hours ahead of UTC. Evenings peak around 13:00 UTC, and office
// hours start at 00:00 UTC.
var (
	evenings = hourShares([24]float64{2, 2, 3, 4, 4, 3, 3, 4, 5, 7, 9, 12, 14, 14, 11, 7, 4, 2, 1, 1, 1, 1, 1, 2})
	studying = hourShares([24]float64{8, 10, 10, 6, 7, 9, 9, 8, 7, 5, 5, 7, 8, 7, 4, 2, 1, 0.5, 0.5, 0.5, 0.5, 1, 2, 5})
	leisure  = [7]float64{1.3, 0.8, 0.8, 0.85, 0.9, 1.1, 1.25}
	lectures = [7]float64{0.6, 1.2, 1.2, 1.2, 1.15, 1, 0.65}
)

var sampleSites = []siteModel{
	{
		site: Site{"DEMO", "Demo site", []Product{{ServiceDRM, StateInService}, {ServiceFWM, StateInService}}},
		week: leisure, hours: studying, perDay: 40, tokenShare: 0.7, users: 25,
		tracks: []string{"SD", "HD", "UHD1", "AUDIO"}, repackaged: 9, // Engineers try things out here.
		userID: func(_ *rand.Rand, i int) string { return fmt.Sprintf("tester%02d", i+1) },
		contents: func() []string {
			return []string{"bigbuckbunny", "configtest", "sintel", "tears-of-steel",
				"test-multitrack", "elephants-dream"}
		},
	},
	{
		site: Site{"MOVI", "Movie Garden", []Product{{ServiceDRM, StateInService}, {ServiceFWM, StateInService}}},
		week: leisure, hours: evenings, perDay: 178, tokenShare: 0.95, users: 260,
		tracks: []string{"SD", "HD", "AUDIO"}, repackaged: 0.15,
		userID: func(random *rand.Rand, _ int) string { return "usr_" + hex(random, 10) },
		contents: func() []string {
			ids := numbered(nil, "movie-%04d", 120)
			for _, series := range []string{"blue-harbor", "the-quiet-river", "midnight-market", "seoul-station"} {
				ids = numbered(ids, "drama-"+series+"-s01e%02d", 16)
			}
			return ids
		},
	},
	{
		site: Site{"EDU1", "Open Campus", []Product{{ServiceDRM, StateInService}}},
		week: lectures, hours: studying, perDay: 92, tokenShare: 0.2, users: 140,
		tracks: []string{"HD", "AUDIO"}, repackaged: 0.4,
		userID: func(random *rand.Rand, _ int) string {
			return fmt.Sprintf("%d%06d", 2019+random.IntN(7), random.IntN(1_000_000))
		},
		contents: func() []string {
			var ids []string
			for _, course := range []string{"phys101", "math201", "hist110", "chem120", "econ101", "law 300"} {
				ids = numbered(ids, "lecture/"+course+"/week%02d", 15)
			}
			return ids
		},
	},
	{
		site: Site{"KIDS", "Kids & Songs", []Product{{ServiceDRM, StateSuspended}}}, suspended: true,
		week: leisure, hours: evenings, perDay: 28, tokenShare: 1, users: 60,
		tracks: []string{"SD", "HD", "AUDIO"}, repackaged: 1,
		userID: func(_ *rand.Rand, i int) string { return fmt.Sprintf("family%03d@kids.example", i+1) },
		// The ids need escaping.
		contents: func() []string { return numbered(nil, "song%%%03d", 40) },
	},
}

// numbered returns ids with those from 1 to n added.
func numbered(ids []string, format string, n int) []string {
	for i := range n {
		ids = append(ids, fmt.Sprintf(format, i+1))
	}
	return ids
}

// A deviceModel is a kind of device, with the DRM that it uses.
type deviceModel struct {
	name, platform, drm string
	share               float64
	idDigits            int    // hexadecimal digits of a device id; 0 is a UUID
	sharedID            string // what desktop Chrome reports for most PCs
}

func (m deviceModel) weight() float64 { return m.share }

func (m deviceModel) newID(random *rand.Rand) string {
	if m.idDigits > 0 {
		return hex(random, m.idDigits)
	}
	h := hex(random, 32)
	return h[:8] + "-" + h[8:12] + "-4" + h[13:16] + "-a" + h[17:20] + "-" + h[20:]
}

// deviceModels are the kinds of devices. Names, forms of ids and Chrome's shared ids follow the
// guide's samples.
var deviceModels = []deviceModel{
	{"ChromeCDM-Windows-2", "Windows", "Widevine", 18, 34, "ea2e698d95b28441422f4997d6ffd5450a"},
	{"ChromeCDM-Mac-2", "Mac", "Widevine", 6, 34, "ab3dd736cd46607abbd81ec942e07a620a"},
	{"SM-S911N", "Android", "Widevine", 14, 32, ""},
	{"SM-G998N", "Android", "Widevine", 9, 32, ""},
	{"SM-T870", "Android", "Widevine", 5, 32, ""},
	{"Pixel 8", "Android", "Widevine", 3, 32, ""},
	{"iOS-device", "iOS", "FairPlay", 25, 40, ""},
	{"Mac-device", "Mac", "FairPlay", 4, 40, ""},
	{"AppleTV-device", "tvOS", "FairPlay", 2, 40, ""},
	{"playready-device", "Windows", "PlayReady", 6, 0, ""},
	{"SmartTV-Tizen", "Tizen", "PlayReady", 3, 0, ""},
	{"SmartTV-webOS", "webOS", "PlayReady", 3, 0, ""},
	{"SM-A546S", "Android", "NCG", 1.5, 32, ""},
	{"NCG-Windows", "Windows", "NCG", 0.5, 32, ""},
}

// A failureKind is a code of the license server that any license request may get now and then, and
// the license requests that can have it. Empty means any. The troubles have codes of their own.
type failureKind struct {
	code, site, licenseType, drm string
	share                        float64
}

func (f failureKind) weight() float64 { return f.share }

var failureCodes = []failureKind{
	{"7011", "", "token", "", 40},       // token expired
	{"7012", "", "token", "", 8},        // content id mismatch
	{"7019", "", "token", "", 6},        // token hash mismatch
	{"8002", "EDU1", "gateway", "", 40}, // the callback refused; the other sites have none
	{"9001", "", "", "", 3},             // missing parameter
	{"2001", "", "", "", 1},             // database
	{"2701", "", "", "", 1},
	{"2702", "", "", "", 1},
	{"7101", "", "", "Widevine", 8},
	{"7103", "", "", "Widevine", 4},
	{"7201", "", "", "PlayReady", 10},
	{"7203", "", "", "PlayReady", 4},
	{"7305", "", "", "FairPlay", 4},
	{"7311", "", "", "FairPlay", 2},
}
