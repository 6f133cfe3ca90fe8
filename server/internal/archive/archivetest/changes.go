package archivetest

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/drmhub/drmhub/server/internal/archive"
)

// someSpan returns a range of the world: short or long, at times with the head, which has no end.
func (p *pair) someSpan() archive.Span {
	from := worldFrom + p.random.Int64N(worldTo-worldFrom)
	to := from + 1 + p.random.Int64N(pick(p.random, []int64{1, 3600, 86400, 20 * 86400}))
	if p.random.IntN(8) == 0 {
		to = archive.MaxSecond + 1
	}
	return archive.Span{From: from, To: to}
}

// mutate changes what a vendor shows of a range: late rows come, equal ones too, and some go.
func (p *pair) mutate(site int, span archive.Span) {
	name := sites[site].name
	if p.random.IntN(3) > 0 {
		late := archive.Span{From: span.From, To: min(span.To, max(worldTo, span.From+1))}
		p.truth[name] = append(p.truth[name], zoo(p.random, site, late, 1+p.random.IntN(20))...)
	}
	if p.random.IntN(3) == 0 {
		p.truth[name] = slices.DeleteFunc(p.truth[name], func(r archive.Row) bool {
			return within(span, r.Second) && p.random.IntN(4) == 0
		})
	}
}

func (p *pair) eraseOne() {
	p.Helper()
	person := archive.Person(pick(p.random, users[1:]))
	var at []string
	for _, s := range sites {
		if p.random.IntN(3) > 0 {
			at = append(at, s.name)
		}
	}
	got, err := p.engine.Erase(p.Context(), at, person)
	p.must(err)
	if want, _ := p.memory.Erase(p.Context(), at, person); got != want {
		p.Errorf("Erase(%v, %s) = %d rows, want %d", at, person, got, want)
	}
	n, err := p.engine.Count(p.Context(), archive.Question{Sites: at, Person: person})
	p.must(err)
	if n != 0 {
		p.Errorf("%d rows of an erased viewer are found", n)
	}
}

func (p *pair) forget(site string, before int64) {
	p.Helper()
	got, err := p.engine.Forget(p.Context(), site, before)
	p.must(err)
	if want, _ := p.memory.Forget(p.Context(), site, before); got != want {
		p.Errorf("Forget(%s, %d) = %d rows, want %d", site, before, got, want)
	}
}

// testChanges makes random changes, and compares everything after each.
func (p *pair) testChanges() {
	p.fill(30)
	for until := time.Now().Add(2 * budget); time.Now().Before(until) && !p.Failed(); {
		site := pick(p.random, sites).name
		switch chance := p.random.IntN(40); {
		case chance == 0:
			p.reopen()
		case chance == 1:
			p.forget(site, worldFrom+p.random.Int64N(worldTo-worldFrom))
		case chance == 2:
			p.setZone(site, pick(p.random, zones))
		case chance < 5:
			p.eraseOne()
		case chance < 8:
			p.interrupted(site)
		case chance < 12:
			p.read(site, p.someSpan(), true) // Nothing is new.
		default:
			p.arrive()
		}
		p.same()
		p.ask()
	}
}

// interrupted makes a pass whose context ends while it runs. It takes place as a whole or not at
// all.
func (p *pair) interrupted(site string) {
	p.Helper()
	span := archive.Span{From: worldFrom, To: worldTo}
	p.truth[site] = append(p.truth[site], zoo(p.random, p.index(site), span, 30)...)
	r := p.replacement(site, span, true)
	ctx, cancel := context.WithCancel(p.Context())
	defer time.AfterFunc(time.Duration(p.random.Int64N(int64(3*time.Millisecond))), cancel).Stop()
	_, err := p.engine.Replace(ctx, r)
	cancel()
	held, readErr := p.engine.Site(p.Context(), site)
	p.must(readErr)
	want, _ := p.memory.Site(p.Context(), site)
	if err != nil && describe(held) == describe(want) {
		return // same compares the rest.
	}
	_, memoryErr := p.memory.Replace(p.Context(), r)
	p.must(memoryErr)
}

func (p *pair) index(site string) int {
	for i, s := range sites {
		if s.name == site {
			return i
		}
	}
	panic("no such site: " + site)
}

// testConcurrency changes all sites at once, several times the same range, while others ask.
func (p *pair) testConcurrency() {
	p.fill(50)
	var all sync.WaitGroup
	var passes []archive.Replacement
	for i, s := range sites {
		span := archive.Span{From: worldFrom, To: worldFrom + 10*86400}
		p.truth[s.name] = append(p.truth[s.name], zoo(p.random, i, span, 100)...)
		passes = append(passes, p.replacement(s.name, span, true))
	}
	q := archive.Question{Sites: []string{sites[0].name, sites[2].name}}
	by := zooGrouping(p.random)
	for _, r := range append(slices.Clone(passes), passes...) {
		all.Go(func() {
			if _, err := p.engine.Replace(p.Context(), r); err != nil {
				p.Error(err)
			}
		})
		all.Go(func() {
			if _, err := p.engine.Search(p.Context(), q, archive.Above(worldTo), 100); err != nil {
				p.Error(err)
			}
			if _, _, err := p.engine.Summarize(p.Context(), q, by); err != nil {
				p.Error(err)
			}
		})
	}
	all.Wait()
	for _, r := range passes {
		_, err := p.memory.Replace(p.Context(), r)
		p.must(err)
	}
	p.same()
}
