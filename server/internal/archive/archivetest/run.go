package archivetest

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"reflect"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/archive"
)

// Create makes an empty archive for a test. open opens it, and opens it again after Close.
type Create func(t *testing.T) (open func() archive.Engine)

// Run compares an engine with Memory: the same world, the same changes, the same questions. Part of
// it is random for a few seconds. DRMHUB_TEST_SEED repeats a run that failed.
func Run(t *testing.T, create Create) {
	seed, err := strconv.ParseUint(os.Getenv("DRMHUB_TEST_SEED"), 10, 64)
	if err != nil {
		seed = rand.Uint64() //nolint:gosec // A seed of a test.
	}
	t.Logf("DRMHUB_TEST_SEED=%d", seed)
	for name, test := range map[string]func(*pair){
		"questions":               (*pair).testQuestions,
		"changes":                 (*pair).testChanges,
		"pages while rows arrive": (*pair).testPages,
		"scan while rows arrive":  (*pair).testScan,
		"many at once":            (*pair).testConcurrency,
		"refusals":                (*pair).testRefusals,
		"state":                   (*pair).testState,
	} {
		t.Run(name, func(t *testing.T) { test(newPair(t, seed, create)) })
	}
}

// budget is how long each random part takes.
const budget = 1500 * time.Millisecond

// fill stores rows of all sites, complete up to a day before the end.
func (p *pair) fill(n int) {
	p.Helper()
	for i, s := range sites {
		p.truth[s.name] = zoo(p.random, i, archive.Span{From: worldFrom, To: worldTo}, n)
		p.read(s.name, archive.Span{From: worldFrom, To: worldTo - 86400}, true)
		p.read(s.name, archive.Span{From: worldTo - 86400, To: archive.MaxSecond + 1}, false)
	}
}

// testQuestions asks a world, and asks again after each kind of change and after reopening.
func (p *pair) testQuestions() {
	p.fill(400)
	p.same()
	byViewer := archive.Grouping{Limit: 10}
	byViewer.By = append(byViewer.By, pb.SummarizeLicensesRequest_USER)
	for _, change := range []func(){
		func() {},
		p.eraseOne,
		func() { p.forget(sites[0].name, worldFrom+10*86400) },
		func() { p.setZone(sites[1].name, "Australia/Adelaide") },
		p.reopen,
	} {
		change()
		p.same()
		for _, user := range users[1:] {
			p.summarize(archive.Question{Sites: siteNames(), Person: archive.Person(user)}, byViewer)
		}
		for until := time.Now().Add(budget / 3); time.Now().Before(until) && !p.Failed(); {
			p.ask()
		}
	}
}

// siteNames returns the names of all sites.
func siteNames() (all []string) {
	for _, s := range sites {
		all = append(all, s.name)
	}
	return all
}

// ask asks one random question in each way.
func (p *pair) ask() {
	p.Helper()
	q := zooQuestion(p.random, p.truth[pick(p.random, sites).name])
	want, _ := p.memory.Search(p.Context(), q, all, 1<<30)
	n, err := p.engine.Count(p.Context(), q)
	p.must(err)
	if n != int64(len(want)) {
		p.Errorf("Count(%v) = %d, want %d", q, n, len(want))
	}
	p.sameRows("Search", p.pages(q, 1+p.random.IntN(100), func() {}), want)
	if len(want) > 0 {
		below := pick(p.random, p.scanned(q, all)).Key
		p.sameRows("Scan below a key", p.scanned(q, below),
			slices.DeleteFunc(p.scanned(q, all), func(r archive.Row) bool { return r.Key >= below }))
	}
	p.sameRows("Scan", p.scanned(q, all), want)
	p.summarize(q, zooGrouping(p.random))
}

// summarize compares the groups of a question.
func (p *pair) summarize(q archive.Question, by archive.Grouping) {
	p.Helper()
	groups, total, err := p.engine.Summarize(p.Context(), q, by)
	p.must(err)
	wantGroups, wantTotal, _ := p.memory.Summarize(p.Context(), q, by)
	if total != wantTotal || len(groups) != len(wantGroups) {
		p.Fatalf("Summarize has %d of %d groups, want %d of %d\n%v\n%v", len(groups), total, len(wantGroups),
			wantTotal, q, by)
	}
	for i, g := range groups {
		g.Keys = slices.Clip(append([]string{}, g.Keys...))
		w := wantGroups[i]
		w.Keys = append([]string{}, w.Keys...)
		if !reflect.DeepEqual(g, w) {
			p.Fatalf("group %d is\n%.300v, want\n%.300v\nquestion %v\n%v", i, g, w, q, by)
		}
	}
}

// pages reads a search to its end. between runs before each further page.
func (p *pair) pages(q archive.Question, size int, between func()) (out []archive.Row) {
	p.Helper()
	for below := all; ; between() {
		page, err := p.engine.Search(p.Context(), q, below, size)
		p.must(err)
		out = append(out, page...)
		if len(page) > size {
			p.Fatalf("a page has %d rows instead of %d", len(page), size)
		}
		if len(page) < size {
			return out
		}
		below = page[size-1].Key
	}
}

func (p *pair) scanned(q archive.Question, below archive.Key) (out []archive.Row) {
	p.Helper()
	p.must(p.engine.Scan(p.Context(), q, below, func(rows []archive.Row) error {
		out = append(out, rows...)
		return nil
	}))
	return out
}

// arrive adds rows to what a vendor shows, and takes some away, and makes a pass over it.
func (p *pair) arrive() {
	p.Helper()
	i := p.random.IntN(len(sites))
	span := p.someSpan()
	p.mutate(i, span)
	p.read(sites[i].name, span, p.random.IntN(2) == 0)
}

// testPages reads pages while rows come and go. What stays all the time comes once.
func (p *pair) testPages() {
	p.fill(100)
	q := archive.Question{}
	for _, s := range sites {
		q.Sites = append(q.Sites, s.name)
	}
	for _, size := range []int{1 << 20, 23, 50} {
		p.throughout(q, func() []archive.Row { return p.pages(q, size, p.arrive) })
	}
}

// testScan changes rows in the middle of a scan.
func (p *pair) testScan() {
	p.fill(600)
	q := archive.Question{Sites: []string{sites[0].name, sites[2].name, sites[3].name}}
	p.throughout(q, func() (out []archive.Row) {
		p.must(p.engine.Scan(p.Context(), q, all, func(rows []archive.Row) error {
			out = append(out, rows...)
			p.arrive()
			return nil
		}))
		return out
	})
	stop := errors.New("stop")
	if err := p.engine.Scan(p.Context(), q, all, func([]archive.Row) error { return stop }); !errors.Is(err, stop) {
		p.Errorf("Scan returns %v instead of the error of yield", err)
	}
	p.same()
}

// throughout checks that a reading has each row once that is there before it and after it.
func (p *pair) throughout(q archive.Question, read func() []archive.Row) {
	p.Helper()
	before := p.scanned(q, all)
	got := map[archive.Key]archive.Row{}
	rows := read()
	p.wellKeyed(rows)
	for _, r := range rows {
		got[r.Key] = content(r)
	}
	after := map[archive.Key]archive.Row{}
	for _, r := range p.scanned(q, all) {
		after[r.Key] = content(r)
	}
	for _, r := range before {
		if after[r.Key] == content(r) && got[r.Key] != content(r) {
			p.Errorf("a reading leaves out a row that was there all the time: %s", short(r))
		}
	}
}

// testState stores states that are complete and empty.
func (p *pair) testState() {
	at := time.Date(2026, 11, 1, 12, 0, 0, 123456789, time.UTC)
	for _, state := range []archive.State{
		{},
		{
			Since: 1, Oldest: 2, Head: 3, LastSync: at, Next: at.Add(time.Minute), Checked: at.Add(-time.Hour),
			Lateness: 4, Refused: 5, Fill: archive.Fill{Seconds: 6, Took: 7},
			Failure: &archive.Failure{Code: 14, Reason: "VENDOR_DOWN", Message: "it's \"down\" – 日本", Time: at},
			Drift: []archive.Drift{
				{Span: archive.Span{From: 8, To: 9}, Detected: at, Archived: 10, Vendor: 11, Message: "é"}, {},
			},
		},
		{Head: 1},
	} {
		p.must(p.memory.SetState(p.Context(), sites[0].name, state))
		p.must(p.engine.SetState(p.Context(), sites[0].name, state))
		p.same()
		p.reopen()
		p.same()
	}
	p.testSince(sites[0].name)
}

// testSince checks that what callers ask for outlives what passes note at the same time.
func (p *pair) testSince(name string) {
	before, err := p.engine.Site(p.Context(), name)
	p.must(err)
	asked := before.State.Asked
	for since := range int64(20) {
		p.must(p.memory.SetSince(p.Context(), name, since))
		noted := before.State
		noted.Head = 100 + since
		var both sync.WaitGroup
		both.Go(func() {
			if err := p.engine.SetState(p.Context(), name, noted); err != nil {
				p.Error(err)
			}
		})
		p.must(p.engine.SetSince(p.Context(), name, since))
		both.Wait()
		p.must(p.memory.SetState(p.Context(), name, noted))
		p.same()
		after, err := p.engine.Site(p.Context(), name)
		p.must(err)
		if after.State.Asked == asked {
			p.Errorf("Asked is still %d", asked)
		}
		asked = after.State.Asked
	}
	p.reopen()
	p.same()
}

// testRefusals makes changes that an engine must refuse as a whole.
func (p *pair) testRefusals() {
	p.fill(20)
	site := sites[0].name
	span := archive.Span{From: worldFrom, To: worldFrom + 1}
	ended, cancel := context.WithCancel(p.Context())
	cancel()
	for name, err := range map[string]error{
		"an unknown site": p.refused(p.Context(), "vendors/a/sites/none", span),
		"a row outside":   p.refused(p.Context(), site, span, archive.Row{Site: site, Second: worldFrom + 1}),
		"a foreign row":   p.refused(p.Context(), site, span, archive.Row{Site: sites[1].name, Second: worldFrom}),
		"an empty range":  p.refused(p.Context(), site, archive.Span{From: worldFrom, To: worldFrom}),
		"too early a row": p.refused(p.Context(), site, archive.Span{From: 1, To: 2}),
		"too late a row":  p.refused(p.Context(), site, archive.Span{From: worldFrom, To: archive.MaxSecond + 2}),
		"an ended call":   p.refused(ended, site, span),
		"the state of an unknown site": p.engine.SetState(p.Context(), "vendors/a/sites/none",
			archive.State{Head: 1}),
		"the reach of an unknown site": p.engine.SetSince(p.Context(), "vendors/a/sites/none", 1),
	} {
		if err == nil {
			p.Errorf("the engine accepts %s", name)
		}
	}
	unknown, err := p.engine.Site(p.Context(), "vendors/a/sites/none")
	p.must(err)
	if !reflect.DeepEqual(unknown, archive.Site{Name: "vendors/a/sites/none"}) {
		p.Errorf("an unknown site is %s", describe(unknown))
	}
	p.same()
}

// refused makes a final pass that the engine must refuse.
func (p *pair) refused(ctx context.Context, site string, span archive.Span, rows ...archive.Row) error {
	_, err := p.engine.Replace(ctx, archive.Replacement{Site: site, Span: span, Rows: rows, Final: true})
	return err
}
