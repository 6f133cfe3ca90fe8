package emulator

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// siteModel describes one sample site.
type siteModel struct {
	site          Site // Its id contains the time of creation.
	onFor, offFor int  // days since it was last switched on and off; 0 means not in this history
	perDay        float64
	failing       float64 // share of the licenses
	users         int
	userID        func(random *rand.Rand, i int) string
	contents      []string
	misPackaged   string // for three days: the content was packaged again, with other keys
	fairPlayFails bool   // since yesterday: the site has another certificate than the app
}

// sampleSites are the sample sites. The testers of demo_site and the families of kids_and_songs are
// also in another vendor's sample data: the demo site runs at both vendors, and the children's
// songs moved here twenty days ago. A search for one of these users finds them at both.
var sampleSites = []siteModel{
	{
		site:   Site{SiteID: "drm-20230526081150-HbXuL", SiteName: "sports_night", PolicyID: 102},
		offFor: 6, perDay: 60, failing: 0.03, users: 120,
		userID:   func(random *rand.Rand, _ int) string { return "fan_" + letters(random, "0123456789abcdef", 10) },
		contents: numbered("match-%03d", 80),
	},
	{
		site:   Site{SiteID: "drm-20230912054417-kQzTe", SiteName: "demo_site", Enabled: true},
		perDay: 40, failing: 0.08, users: 25,
		userID: func(_ *rand.Rand, i int) string { return fmt.Sprintf("tester%02d", i+1) },
		contents: []string{"bigbuckbunny", "configtest", "cosmos-laundromat", "sintel", "tears-of-steel",
			"test-multitrack", "elephants-dream"},
		misPackaged: "cosmos-laundromat",
	},
	{
		site: Site{
			SiteID: "drm-20240304012233-WmRpa", SiteName: "kids_and_songs", Enabled: true, PolicyID: 101,
			FairPlayCert: FairPlayCert{ //nolint:gosec // A made-up key of a made-up site.
				CertFile:   "https://files.kids-and-songs.example/fps/fairplay.cer",
				PrivateKey: "https://files.kids-and-songs.example/fps/privatekey.pem",
				SecretKey:  "5f0c1b7d92e84a3645d7108be9cc2af3",
			},
		},
		onFor: 20, perDay: 45, failing: 0.05, users: 60,
		userID:        func(_ *rand.Rand, i int) string { return fmt.Sprintf("family%03d@kids.example", i+1) },
		contents:      numbered("song%%%03d", 40), // These ids need an escape.
		fairPlayFails: true,
	},
	{
		// This site was never switched on.
		site: Site{SiteID: "drm-20241118023005-PdYcN", SiteName: "winter_festival"},
	},
}

// numbered returns ids from 1 to n.
func numbered(format string, n int) []string {
	ids := make([]string, n)
	for i := range ids {
		ids[i] = fmt.Sprintf(format, i+1)
	}
	return ids
}

// hourShares are the weights of the hours of the UTC day. The viewers live in Seoul, where the
// evening is around 13:00 UTC.
var hourShares = []float64{2, 2, 3, 4, 4, 3, 3, 4, 5, 7, 9, 12, 14, 14, 11, 7, 4, 2, 1, 1, 1, 1, 1, 2}

func drawHour(random *rand.Rand) time.Duration {
	return time.Duration(draw(random, hourShares)) * time.Hour
}

// deviceModel is a kind of device, with the DRM that it uses.
type deviceModel struct {
	name, platform, drm string
	sharedID            string // the id that desktop Chrome has on all PCs of a kind
}

// The devices of the viewers, with their weights. The first device is the vendor's example.
var (
	deviceModels = []deviceModel{
		{"ChromeCDM-Mac-ARM64-9", "PLATFORM_MAC_OS", "Widevine", "23abfd802575758cb3bfdc147e819fc6"},
		{"ChromeCDM-Windows-x86-64-9", "PLATFORM_WINDOWS", "Widevine", "b7a3c05e1fd94a6283e6d07c5519ba42"},
		{"SM-S911N", "PLATFORM_ANDROID", "Widevine", ""},
		{"SM-T870", "PLATFORM_ANDROID", "Widevine", ""},
		{"iOS-device", "PLATFORM_IOS", "FairPlay", ""},
		{"Mac-device", "PLATFORM_MAC_OS", "FairPlay", ""},
		{"playready-device", "PLATFORM_WINDOWS", "PlayReady", ""},
		{"SmartTV-webOS", "PLATFORM_WEBOS", "PlayReady", ""},
	}
	deviceShares = []float64{8, 18, 24, 6, 27, 4, 6, 7}
)

func drawDevice(random *rand.Rand) deviceModel { return deviceModels[draw(random, deviceShares)] }

// draw returns the index of one of the shares, drawn by its weight.
func draw(random *rand.Rand, shares []float64) int {
	total := 0.0
	for _, s := range shares {
		total += s
	}
	at := random.Float64() * total
	for i, s := range shares {
		if at -= s; at < 0 {
			return i
		}
	}
	return len(shares) - 1
}
