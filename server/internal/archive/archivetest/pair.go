package archivetest

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/drmhub/drmhub/server/internal/archive"
)

// A pair is an engine, and Memory with the same content. Each change is made to both.
type pair struct {
	*testing.T
	random *rand.Rand
	engine archive.Engine
	memory *Memory
	open   func() archive.Engine
	truth  map[string][]archive.Row // what the vendors show
}

// newPair returns a pair with the suite's sites and without rows.
func newPair(t *testing.T, seed uint64, create Create) *pair {
	t.Helper()
	p := &pair{
		T: t, random: rand.New(rand.NewPCG(seed, 16)), //nolint:gosec // The same seed makes the same test.
		memory: NewMemory(), open: create(t), truth: map[string][]archive.Row{},
	}
	p.engine = p.open()
	t.Cleanup(func() { _ = p.engine.Close() })
	for _, s := range sites {
		p.setZone(s.name, s.zone)
	}
	return p
}

func (p *pair) must(err error) {
	p.Helper()
	if err != nil {
		p.Fatal(err)
	}
}

func (p *pair) setZone(site, name string) {
	p.Helper()
	p.must(p.memory.SetZone(p.Context(), site, zone(name)))
	p.must(p.engine.SetZone(p.Context(), site, zone(name)))
}

// reopen closes the engine and opens it again.
func (p *pair) reopen() {
	p.Helper()
	p.must(p.engine.Close())
	p.engine = p.open()
}

// read replaces a range by what the vendor shows of it now. Rows that stay must keep their keys.
func (p *pair) read(site string, span archive.Span, final bool) {
	p.Helper()
	r := p.replacement(site, span, final)
	before := p.rows(site, span)
	got, err := p.engine.Replace(p.Context(), r)
	p.must(err)
	want, err := p.memory.Replace(p.Context(), r)
	p.must(err)
	if got != want {
		p.Errorf("Replace(%s, %v) = %+v, want %+v", site, span, got, want)
	}
	p.keysKept(before, p.rows(site, span))
}

// replacement is what the vendor shows of a range.
func (p *pair) replacement(site string, span archive.Span, final bool) archive.Replacement {
	r := archive.Replacement{Site: site, Span: span, Final: final}
	for _, row := range p.truth[site] {
		if within(span, row.Second) {
			r.Rows = append(r.Rows, row)
		}
	}
	p.random.Shuffle(len(r.Rows), func(i, j int) { r.Rows[i], r.Rows[j] = r.Rows[j], r.Rows[i] })
	return r
}

func (p *pair) rows(site string, span archive.Span) []archive.Row {
	p.Helper()
	rows, err := p.engine.Rows(p.Context(), site, span)
	p.must(err)
	return rows
}

// keysKept compares two readings of a range. As many of equal rows keep their keys as both have.
func (p *pair) keysKept(before, after []archive.Row) {
	p.Helper()
	p.wellKeyed(after)
	old, keys, kept := counted(before), map[archive.Key]archive.Row{}, map[archive.Row]int{}
	for _, r := range before {
		keys[r.Key] = content(r)
	}
	for _, r := range after {
		if keys[r.Key] == content(r) {
			kept[content(r)]++
		}
	}
	for row, n := range counted(after) {
		if want := min(n, old[row]); kept[row] < want {
			p.Errorf("%d of %d equal rows kept their keys: %s", kept[row], want, short(row))
		}
	}
}

// wellKeyed checks that keys fall, and hold the second and the site's number.
func (p *pair) wellKeyed(rows []archive.Row) {
	p.Helper()
	numbers := map[string]int{}
	for i, r := range rows {
		if i > 0 && rows[i-1].Key <= r.Key {
			p.Fatalf("row %d has the key %d, after the key %d", i, r.Key, rows[i-1].Key)
		}
		if n, ok := numbers[r.Site]; r.Key.Second() != r.Second || ok && n != r.Key.Site() {
			p.Fatalf("the key %x of %s at %d has the second %d and the site %d", r.Key, r.Site, r.Second,
				r.Key.Second(), r.Key.Site())
		}
		numbers[r.Site] = r.Key.Site()
	}
}

func content(r archive.Row) archive.Row {
	r.Key = 0
	return r
}

func counted(rows []archive.Row) map[archive.Row]int {
	out := map[archive.Row]int{}
	for _, r := range rows {
		out[content(r)]++
	}
	return out
}

// sameRows compares rows as a multiset. Engines order the rows of one second as they like.
func (p *pair) sameRows(what string, got, want []archive.Row) {
	p.Helper()
	p.wellKeyed(got)
	g, w := counted(got), counted(want)
	for row, n := range w {
		if g[row] != n {
			p.Errorf("%s: %d rows instead of %d: %s", what, g[row], n, short(row))
		}
	}
	for row, n := range g {
		if w[row] == 0 {
			p.Errorf("%s: %d rows that nobody has shown: %s", what, n, short(row))
		}
	}
	if len(got) != len(want) {
		p.Errorf("%s: %d rows, want %d", what, len(got), len(want))
	}
}

// same checks that both hold the same sites, months and rows.
func (p *pair) same() {
	p.Helper()
	got, err := p.engine.Sites(p.Context())
	p.must(err)
	want, _ := p.memory.Sites(p.Context())
	for i := range want {
		if i >= len(got) || describe(got[i]) != describe(want[i]) {
			p.Fatalf("the sites are\n%s, want\n%s", describeAll(got), describeAll(want))
		}
		p.sameSite(want[i])
	}
	if len(got) != len(want) {
		p.Errorf("there are %d sites, want %d", len(got), len(want))
	}
}

func (p *pair) sameSite(want archive.Site) {
	p.Helper()
	got, err := p.engine.Site(p.Context(), want.Name)
	p.must(err)
	if describe(got) != describe(want) {
		p.Errorf("the site is %s, want %s", describe(got), describe(want))
	}
	months, err := p.engine.Months(p.Context(), want.Name)
	p.must(err)
	if wantMonths, _ := p.memory.Months(p.Context(), want.Name); len(months)+len(wantMonths) > 0 &&
		!reflect.DeepEqual(months, wantMonths) {
		p.Errorf("the months of %s are\n%+v, want\n%+v", want.Name, months, wantMonths)
	}
	whole := archive.Span{From: archive.MinSecond, To: archive.MaxSecond + 1}
	all, _ := p.memory.Rows(p.Context(), want.Name, whole)
	p.sameRows("Rows("+want.Name+")", p.rows(want.Name, whole), all)
}

func describe(s archive.Site) string {
	s.State.Asked = 0 // Each engine has numbers of its own.
	state, err := json.Marshal(s.State)
	return fmt.Sprintf("%s in %s with %d rows, spans %v, state %s, %v", s.Name, s.Zone, s.Rows, s.Spans, state, err)
}

// short shows a row with the first letters of its texts.
func short(r archive.Row) string {
	return fmt.Sprintf("%s at %d, key %x: user %.40q md5 %.40q, %v %v %.9q, content %.20q, device %.40q, model %.20q, "+
		"%q %q %q %q", r.Site, r.Second, r.Key, r.User, r.UserMD5, r.DRM, r.Status, r.Code, r.Content, r.Device,
		r.Model, r.Platform, r.Integration, r.VendorDRM, r.VendorStatus)
}

func describeAll(sites []archive.Site) (out string) {
	for _, s := range sites {
		out += describe(s) + "\n"
	}
	return out
}
