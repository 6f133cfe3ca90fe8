package archivetest

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/archive"
)

// A Size is how large a World is.
type Size struct {
	Rows, Days, Sites, Users, Contents int
	// End is the second that the days end before. 0 means WorldEnd.
	End int64
}

// WorldEnd is the start of 2026-11-29 in UTC.
const WorldEnd = 1795910400

// FullSize is the world of measurements with this number of rows: 90 days of 40 sites.
func FullSize(rows int) Size {
	return Size{Rows: rows, Days: 90, Sites: 40, Users: 250_000, Contents: 20_000}
}

// A World is a history that follows from its size alone. Sites differ in size by Zipf's law, as
// users and contents do. 8 % of the requests are refused with one of 12 codes. Some rows are equal,
// and in some hours most rows have one second. Sites of "vendors/ncp" show users by MD5.
type World struct {
	Sites []string
	From  int64 // the first second
	End   int64 // the second after the last one

	rate     []float64 // rows an hour, by site
	users    []user
	contents []string
	devices  []device
	models   []model
	codes    []string
}

type user struct {
	id, md5 string
	devices []int32
}

type device struct {
	id    string
	model int
}

type model struct{ name, platform string }

// mix returns a number that looks random, the same for the same argument.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// NewWorld makes a world.
func NewWorld(size Size) *World {
	w := &World{End: cmp.Or(size.End, WorldEnd)}
	w.From = w.End - int64(size.Days)*86400
	sum := 0.0
	for i := range size.Sites {
		w.Sites = append(w.Sites, fmt.Sprintf("vendors/%s/sites/S%03d", []string{"pallycon", "ncp"}[i%2], i))
		w.rate = append(w.rate, math.Pow(float64(i+1), -0.9))
		sum += w.rate[i]
	}
	for i := range w.rate {
		w.rate[i] *= float64(size.Rows) / float64(size.Days*24) / sum
	}
	for i := range 120 {
		w.models = append(w.models, model{
			fmt.Sprintf("Model %c-%03d", 'A'+i%7, i),
			[]string{"Android", "iOS", "Windows", "Tizen", "webOS", "macOS"}[i%6],
		})
	}
	for i := range size.Contents {
		w.contents = append(w.contents, fmt.Sprintf("title-%05d-%06x", i, mix(uint64(i)^5)>>40))
	}
	for i := range 12 {
		w.codes = append(w.codes, fmt.Sprint(7001+i*13))
	}
	for i := range size.Users {
		w.addUser(uint64(i))
	}
	return w
}

// addUser adds a user with one or a few devices. One in 2,000 shares the account with many.
func (w *World) addUser(i uint64) {
	u := user{id: fmt.Sprintf("user-%010x", mix(i)>>24)}
	if i == 0 {
		u.id = "LICENSETOKEN"
	}
	u.md5 = archive.Person(u.id)
	n := []int{1, 1, 1, 1, 1, 2, 2, 3, 1, 2}[mix(i^77)%10]
	if mix(i^99)%2000 == 0 {
		n = 20 + int(mix(i^98)%40)
	}
	for range n {
		d := uint64(len(w.devices))
		h, g := mix(d^1<<40), mix(d^1<<41)
		u.devices = append(u.devices, int32(d))
		w.devices = append(w.devices, device{
			fmt.Sprintf("%08x-%04x-%04x-%04x-%012x", h>>32, h>>16&0xffff, h&0xffff, g>>48, g&0xffffffffffff),
			int(h % 1000 * (g % 1000) * uint64(len(w.models)) / 1_000_000), // A few models are frequent.
		})
	}
	w.users = append(w.users, u)
}

// User returns the id of a user, of whom the first has the most requests.
func (w *World) User(i int) string { return w.users[i].id }

// Content returns the id of a content, of which the first has the most requests.
func (w *World) Content(i int) string { return w.contents[i] }

// Hour returns the rows of a site in an hour since 1970, the newest first. Keys are not set.
func (w *World) Hour(site int, hour int64) []archive.Row {
	if hour < w.From/3600 || hour >= w.End/3600 {
		return nil
	}
	//nolint:gosec // The same hour must have the same rows.
	r := rand.New(rand.NewPCG(mix(uint64(hour)), mix(uint64(site))))
	rate := w.rate[site] * (1 + 0.7*math.Sin(float64(hour%24)/24*2*math.Pi)) * (0.8 + 0.4*r.Float64())
	n := int(rate)
	if r.Float64() < rate-float64(n) {
		n++
	}
	burst := -1
	if n > 40 && r.IntN(50) == 0 {
		burst = r.IntN(3600)
	}
	users := rand.NewZipf(r, 1.1, 200, uint64(len(w.users)-1))
	contents := rand.NewZipf(r, 1.2, 20, uint64(len(w.contents)-1))
	rows := make([]archive.Row, 0, n+n/50)
	for i := range n {
		second := r.IntN(3600)
		if burst >= 0 && i < n*2/3 {
			second = burst
		}
		row := w.row(r, site, w.users[users.Uint64()])
		row.Second, row.Content = hour*3600+int64(second), w.contents[contents.Uint64()]
		rows = append(rows, row)
		for r.IntN(100) == 0 {
			rows = append(rows, row)
		}
	}
	slices.SortStableFunc(rows, func(a, b archive.Row) int { return cmp.Compare(b.Second, a.Second) })
	return rows
}

// row makes a request of a user without its time and content.
func (w *World) row(r *rand.Rand, site int, u user) archive.Row {
	d := w.devices[u.devices[r.IntN(len(u.devices))]]
	drm := []pb.License_DrmType{1, 1, 1, 1, 1, 2, 2, 3, 3, 4}[r.IntN(10)]
	row := archive.Row{
		Site: w.Sites[site], User: u.id, Device: d.id, DRM: drm, VendorDRM: drm.String(),
		Status: pb.License_SUCCESS, VendorStatus: "success", Code: "0000", Integration: "token",
		Model: w.models[d.model].name, Platform: w.models[d.model].platform,
	}
	if site%2 == 1 {
		row.User, row.UserMD5 = "", u.md5
	}
	if r.IntN(100) < 8 {
		row.Status, row.VendorStatus, row.Code = pb.License_FAILURE, "fail", w.codes[min(r.IntN(12), r.IntN(12))]
	}
	if r.IntN(5) == 0 {
		row.Integration = "gateway"
	}
	return row
}

// Range returns the rows of a site in a range, the newest first.
func (w *World) Range(site int, span archive.Span) (out []archive.Row) {
	from, to := max(span.From, w.From), min(span.To, w.End)
	for hour := (to - 1) / 3600; hour >= from/3600 && from < to; hour-- {
		for _, r := range w.Hour(site, hour) {
			if within(span, r.Second) {
				out = append(out, r)
			}
		}
	}
	return out
}
