package journal_test

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/drmhub/drmhub/server/internal/journal"
	"github.com/drmhub/drmhub/server/internal/store"
	"github.com/drmhub/drmhub/server/internal/store/storetest"
)

// plan is one way in which a call can go wrong.
type plan struct {
	kind    kind
	faults  map[int]fault // of the vendor, by the number of the write that reaches it
	stops   []crash       // of the process that is called first, the one that comes after it …
	settles bool          // a process settles what it finds before it is called again
}

// crash is where a process ends: at one of its journal's writes, which is durable by then, or is
// not. The zero value is none.
type crash struct {
	write int
	after bool
}

// stopper counts the writes of a store, and stops the process, as it were, at one of them: from
// then on nothing is written.
type stopper struct {
	at      crash
	check   func() // if set, it runs after every commit
	writes  int
	stopped bool
}

var errStopped = errors.New("the process is stopped")

func (s *stopper) hooks() store.Hooks {
	point := func(after bool) error {
		s.stopped = s.stopped || s.at == crash{s.writes, after}
		if s.stopped {
			return errStopped
		}
		return nil
	}
	return store.Hooks{
		BeforeCommit: func() error { s.writes++; return point(false) },
		AfterCommit: func() error {
			if s.check != nil {
				s.check()
			}
			return point(true)
		},
	}
}

// house is where plans are run, in processes that come and go on one store.
type house struct {
	vendor *world
	db     *store.DB
	plans  int
}

// calm keeps a journal from doing anything by itself during a test.
var calm = journal.Options{Lease: time.Hour, FirstPause: time.Hour}

// reach is how many things go wrong in one plan: faults of the vendor, and processes that are
// stopped, one after the other.
type reach struct{ faults, stops int }

// TestStoppingAtAnyWriteLosesNothing reaches further where DRMHUB_TEST_EXHAUSTIVE is set, which
// takes a quarter of an hour. Otherwise, of the two ways to go on after a stop, the two stores take
// turns.
func TestStoppingAtAnyWriteLosesNothing(t *testing.T) {
	t.Parallel() // most of the time it waits for the disk
	reaches, far := []reach{{1, 1}}, os.Getenv("DRMHUB_TEST_EXHAUSTIVE") != ""
	if far {
		reaches = []reach{{2, 1}, {1, 2}}
	}
	for _, k := range kinds {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, dsn string) {
				t.Parallel()
				h := &house{vendor: &world{blank: true, plainReadBack: true}, db: open(t, dsn)}
				for _, reach := range reaches {
					for i, faults := range k.faults(reach.faults) {
						for j, settles := range []bool{false, true} {
							if far || strings.HasPrefix(dsn, "sqlite:") == ((i+j)%2 == 0) {
								h.stopAnywhere(t, plan{kind: k, faults: faults, settles: settles}, reach.stops)
							}
						}
					}
				}
				t.Logf("%d plans", h.plans)
			})
		})
	}
}

// stopAnywhere runs a plan, and then with one process more stopped, at every one of its writes,
// until so many are.
func (h *house) stopAnywhere(t *testing.T, p plan, stops int) {
	writes := h.run(t, p)
	if t.Failed() {
		t.FailNow() // one plan that fails is enough to read
	}
	for n := 1; n <= writes && len(p.stops) < stops; n++ {
		for _, after := range []bool{false, true} {
			more := p
			more.stops = append(slices.Clone(p.stops), crash{n, after})
			h.stopAnywhere(t, more, stops)
		}
	}
}

// run runs a plan, and answers how often the first process wrote that was not stopped.
func (h *house) run(t *testing.T, p plan) (writes int) {
	h.plans++
	h.vendor.calls, h.vendor.faults = 0, p.faults
	c := &course{t: t, house: h, plan: p, name: fmt.Sprintf("n%d", h.plans), requestID: uuid.NewString()}
	for i, at := range p.stops {
		if i == 0 {
			c.in(at, func(r *replica) { c.ask(r, false) })
		} else {
			c.in(at, c.goOn)
		}
	}
	if len(p.stops) > 0 {
		return c.in(crash{}, c.goOn)
	}
	writes = c.in(crash{}, func(r *replica) { c.ask(r, false) })
	c.in(crash{}, c.goOn)
	return writes
}

// course is the course of one plan.
type course struct {
	t               *testing.T
	house           *house
	plan            plan
	process         *stopper
	name, requestID string // of what the call is for, and its own
	settling        bool   // the process settles by itself
}

// in runs something in a process that is stopped somewhere, and answers how often it wrote.
func (c *course) in(process crash, do func(*replica)) (writes int) {
	r := newReplica(c.t, c.house.db, c.house.vendor, calm)
	watch := newWatch(c, r)
	c.process = &stopper{at: process, check: watch.committed}
	c.house.vendor.before = watch.left
	c.house.db.SetHooks(c.process.hooks())
	do(r)
	writes = c.process.writes
	c.process.stopped = c.process.stopped || process != crash{} // it may have made fewer writes
	if err := r.Close(c.t.Context()); err != nil && !c.process.stopped {
		c.t.Error(err)
	}
	c.house.db.SetHooks(store.Hooks{})
	c.house.vendor.before = nil
	return writes
}

// goOn is what happens after a process was stopped: time passes, and the caller calls again until
// the outcome is known.
func (c *course) goOn(r *replica) {
	c.pass(r)
	if c.plan.settles {
		c.settle(r)
	}
	known := c.ask(r, true)
	for range 3 {
		if !known {
			c.pass(r)
			known = c.ask(r, true)
		}
	}
	if !known && !c.plan.kind.blind {
		c.errorf("it is never known")
	}
	c.settled(r)
}

func (c *course) settle(r *replica) {
	c.settling = true
	defer func() { c.settling = false }()
	for range 4 {
		if open, err := r.SettleDue(c.t.Context()); open == 0 || err != nil {
			break
		}
		c.pass(r)
	}
	if !c.plan.kind.secret { // settling lacks the secrets, and the caller has to send them again
		c.settled(r)
	}
}

func (c *course) pass(r *replica) {
	if err := r.Pass(c.t.Context()); err != nil && !c.process.stopped {
		c.t.Error(err)
	}
}
