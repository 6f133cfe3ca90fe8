package emulator

import (
	"math/rand/v2"
	"time"

	"github.com/drmhub/drmhub/adapters/twin"
)

// packagings returns the packagings of a site up to a time. Every content is packaged before the
// first license. Some are packaged again later. All tracks of a content are packaged within one
// second.
func (m siteModel) packagings(random *rand.Rand, ended time.Time) []Packaging {
	var packagings []Packaging
	pack := func(content string, created, packaged time.Time) {
		for _, track := range m.tracks {
			packagings = append(packagings, Packaging{content, track, created, packaged})
		}
	}
	for _, content := range m.contents() {
		days, seconds := sampleDays+1+random.IntN(240), random.IntN(24*3600)
		age := time.Duration(days)*24*time.Hour + time.Duration(seconds)*time.Second
		created := ended.Add(-age)
		pack(content, created, created)
		for range int(2*m.repackaged*random.Float64() + random.Float64()) {
			later := time.Duration(random.Int64N(int64(age-time.Hour))) + time.Minute
			pack(content, created, created.Add(later))
		}
	}
	return packagings
}

// fillAccount puts the sub-members, the site orders, the integrations, a request that PallyCon has
// not approved yet, and a FairPlay certificate of the sample account.
func (e *Emulator) fillAccount(today time.Time) {
	ago := func(days, hours int) time.Time {
		return today.AddDate(0, 0, -days).Add(time.Duration(hours) * time.Hour)
	}
	e.PutSiteOrders(
		SiteOrder{
			Status: OrderApproved, SiteID: "MOVI", ServiceName: "Movie Garden",
			RegTime: ago(460, 2), UpdateTime: ago(459, 5),
		},
		SiteOrder{
			Status: OrderApproved, SiteID: "EDU1", ServiceName: "Open Campus",
			RegTime: ago(431, 1), UpdateTime: ago(431, 7),
		},
		SiteOrder{
			Status: OrderApproved, SiteID: "KIDS", ServiceName: "Kids & Songs",
			RegTime: ago(402, 4), UpdateTime: ago(399, 1),
		},
		SiteOrder{Status: OrderRejected, ServiceName: "test test", RegTime: ago(64, 8), UpdateTime: ago(63, 2)},
		SiteOrder{Status: OrderPending, ServiceName: "Stadium Live", RegTime: ago(2, 3)},
		SiteOrder{Status: OrderPending, ServiceName: "Documentary Club", RegTime: ago(1, 6)},
	)
	campus, movies := e.Integration("EDU1"), e.Integration("MOVI")
	// Most of its licenses come by gateway.
	campus.LicenseCallbackURL = "https://lms.open-campus.example/drm/license"
	campus.PackageCallbackURL = "https://lms.open-campus.example/drm/package"
	movies.TokenDuration = 6 * time.Hour
	e.PutIntegration("EDU1", campus)
	e.PutIntegration("MOVI", movies)
	e.putChange(StatusChange{
		SiteID: "MOVI", ServiceCode: ServiceFWM, RegMessage: "No longer needed", RegStatus: ChangePending,
		RegTime: ago(1, 4), UpdateTime: ago(1, 4),
	})
	e.putCertificate("MOVI", sampleCertificate)

	random := twin.Rand(e.seed, "members")
	registered := ago(480, 1)
	for _, name := range memberNames {
		group := weighted(random, memberGroups)
		m := Member{MemberEmail: name + "@" + group.domain, GroupSeq: group.seq, StatusCode: MemberActive}
		m.RegTime = registered
		if random.Float64() < 0.15 {
			m.StatusCode = MemberInactive
		}
		e.PutMembers(m)
		registered = registered.Add(time.Duration(random.IntN(13*24)) * time.Hour)
	}
}

// A memberGroup is a group of sub-members and the company that they work for.
type memberGroup struct {
	seq    int
	domain string
	share  float64
}

func (g memberGroup) weight() float64 { return g.share }

var memberGroups = []memberGroup{
	{GroupBusiness, "media-group.example", 6},
	{GroupTechnicalSupport, "media-group.example", 4},
	{GroupClients, "moviegarden.example", 8},
	{GroupClients, "open-campus.example", 6},
	{GroupClients, "kids-and-songs.example", 3},
}

// memberNames are more names than fit on a page of the default size.
var memberNames = []string{
	"jiwoo.kim", "minjun.lee", "seoyeon.park", "dohyun.choi", "hayoon.jung", "jiho.kang", "sua.cho", "yejun.yoon",
	"jimin.jang", "hyunwoo.lim", "chaewon.han", "junseo.oh", "yuna.seo", "taeyang.shin", "eunji.kwon", "sanghoon.hwang",
	"nari.ahn", "gunwoo.song", "haeun.jeon", "dongmin.hong", "soojin.yoo", "wonbin.ko", "mirae.moon", "jaehyun.yang",
	"bora.son", "kyungsoo.bae", "areum.baek", "sungmin.heo", "dahye.nam", "inho.shim", "yerin.noh", "ops",
}
