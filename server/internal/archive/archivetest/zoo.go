package archivetest

import (
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/archive"
)

// The sites of the suite: several vendors, and zones whose days begin at other times. "ids" shows
// users by id, "md5" by MD5, and "both" by one or the other.
var sites = []struct{ name, zone, users string }{
	{"vendors/pallycon/sites/AB12", "Asia/Seoul", "ids"},
	{"vendors/pallycon/sites/CD34", "Asia/Seoul", "ids"},
	{"vendors/ncp/sites/7", "America/New_York", "md5"},
	{"vendors/other-1/sites/x", "Asia/Kolkata", "both"},
	{"vendors/other-1/sites/é ü", "Australia/Adelaide", "both"},
}

// zones are those of questions, and those that a site can change to.
var zones = []string{
	"UTC", "Asia/Seoul", "Asia/Kolkata", "Asia/Kathmandu", "America/New_York", "Australia/Adelaide", "Africa/Cairo",
}

func zone(name string) *time.Location {
	z, err := time.LoadLocation(name)
	if err != nil {
		panic(err)
	}
	return z
}

// The rows of the suite lie in these seconds. They hold two starts of months, the end of summer
// time in New York and Cairo, and its start in Adelaide.
var (
	worldFrom = time.Date(2026, 9, 29, 0, 0, 0, 0, time.UTC).Unix()
	worldTo   = time.Date(2026, 11, 3, 0, 0, 0, 0, time.UTC).Unix()
)

// edges are seconds at which one zone or another begins a day, a month, or winter time.
var edges = func() (out []int64) {
	for _, name := range zones {
		for _, month := range []time.Month{10, 11} {
			out = append(out, time.Date(2026, month, 1, 0, 0, 0, 0, zone(name)).Unix())
		}
	}
	return append(out,
		time.Date(2026, 11, 1, 6, 0, 0, 0, time.UTC).Unix(),   // New York
		time.Date(2026, 10, 29, 21, 0, 0, 0, time.UTC).Unix(), // Cairo
		time.Date(2026, 10, 3, 16, 30, 0, 0, time.UTC).Unix()) // Adelaide
}()

// Texts are what vendors send: empty, alike but for the case or a space, with quotes, and long.
var (
	users = []string{
		"", "LICENSETOKEN", "alice", "Alice", "alice ", "o'brien", `a"b\c`, "%_", "日本語", "🙂", "e\u0301", "\u00e9",
		"-1", "NULL", "user\nwith\ttabs", "bob", "carol", "dave", strings.Repeat("u", 512),
	}
	contents  = []string{"", "movie", "Movie", "it''s", "{}", "$1", "?", strings.Repeat("långt ", 1700)}
	devices   = []string{"", "d1", "D1", "d2", "d3", "d-ü", "00000000-0000-4000-8000-000000000001"}
	codes     = []string{"", "0000", "7001", "A5105", "-20130"}
	models    = []string{"", "Pixel 9", "pixel 9", "TV;2", strings.Repeat("m", 10_000)}
	platforms = []string{"", "Android", "iOS"}
	ways      = []string{"", "token", "gateway"}
)

func pick[T any](r *rand.Rand, from []T) T { return from[r.IntN(len(from))] }

// zoo makes about n rows of a site within a range, in any order. Many are equal, and many are of
// one second.
func zoo(r *rand.Rand, site int, span archive.Span, n int) []archive.Row {
	var out []archive.Row
	near := slices.DeleteFunc(slices.Clone(edges), func(s int64) bool {
		return !within(span, s-1) || !within(span, s+1)
	})
	burst := span.From + r.Int64N(span.To-span.From)
	for len(out) < n {
		second := span.From + r.Int64N(span.To-span.From)
		switch chance := r.IntN(10); {
		case chance < 3 && len(near) > 0:
			second = pick(r, near) - 1 + r.Int64N(3)
		case chance < 5:
			second = burst
		}
		row := zooRow(r, site)
		row.Second = second
		for range 1 + max(0, r.IntN(8)-5) {
			out = append(out, row)
		}
	}
	return out
}

func zooRow(r *rand.Rand, site int) archive.Row {
	row := archive.Row{
		Site: sites[site].name, User: pick(r, users), DRM: pb.License_DrmType(r.IntN(5)),
		Status: pb.License_Status(1 + r.IntN(2)), Content: pick(r, contents), Device: pick(r, devices),
		Code: pick(r, codes), Model: pick(r, models), Platform: pick(r, platforms), Integration: pick(r, ways),
		VendorDRM: pick(r, ways), VendorStatus: pick(r, codes),
	}
	if r.IntN(20) == 0 {
		row.Status = 0 // a word that drmhub does not know
	}
	if kind := sites[site].users; kind == "md5" || kind == "both" && r.IntN(2) == 0 {
		row.User, row.UserMD5 = "", row.Person()
		if r.IntN(30) == 0 {
			row.UserMD5 = "not an md5" // The adapter passes on what the vendor shows.
		}
	}
	return row
}

// zooQuestion asks for what some of the rows have. Each condition is there or not.
func zooQuestion(r *rand.Rand, some []archive.Row) archive.Question {
	var q archive.Question
	for _, s := range sites {
		if r.IntN(3) > 0 {
			q.Sites = append(q.Sites, s.name)
		}
	}
	if r.IntN(8) == 0 {
		q.Sites = append(q.Sites, "vendors/none/sites/none")
	}
	if r.IntN(2) == 0 {
		q.Within.From = worldFrom + r.Int64N(worldTo-worldFrom)
	}
	if r.IntN(2) == 0 {
		q.Within.To = max(q.Within.From, worldFrom) + 1 + r.Int64N(20*86400)
	}
	row := zooRow(r, r.IntN(len(sites)))
	if len(some) > 0 {
		row = pick(r, some)
	}
	for _, set := range pickSome(r, []func(){
		func() { q.Person = row.Person() }, func() { q.DRM = row.DRM }, func() { q.Status = row.Status },
		func() { q.Content = row.Content }, func() { q.Device = row.Device }, func() { q.Code = row.Code },
		func() { q.Model = row.Model }, func() { q.Platform = row.Platform },
		func() { q.Integration = row.Integration },
	}) {
		set()
	}
	return q
}

// pickSome returns up to three of these in any order, often none.
func pickSome[T any](r *rand.Rand, from []T) []T {
	out := slices.Clone(from)
	r.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out[:max(0, r.IntN(6)-2)]
}

func zooGrouping(r *rand.Rand) archive.Grouping {
	var dimensions []pb.SummarizeLicensesRequest_Dimension
	for d := pb.SummarizeLicensesRequest_SITE; d <= pb.SummarizeLicensesRequest_DEVICE; d++ {
		dimensions = append(dimensions, d)
	}
	by := archive.Grouping{
		By: pickSome(r, dimensions), Interval: pb.SummarizeLicensesRequest_Interval(r.IntN(5)),
		Limit: 1 + r.IntN(200),
	}
	if r.IntN(4) > 0 {
		by.Zone = zone(pick(r, zones))
	}
	if r.IntN(3) == 0 {
		by.Offset = r.IntN(50)
	}
	for _, f := range pickSome(r, []archive.Figure{
		archive.ByStart, archive.ByTotal, archive.ByIssued, archive.ByRefused, archive.ByUsers, archive.ByDevices,
	}) {
		by.Order = append(by.Order, archive.Order{By: f, Desc: r.IntN(2) == 0})
	}
	return by
}
