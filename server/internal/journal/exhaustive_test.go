package journal_test

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/drmhub/drmhub/internal/faultplan"
	"github.com/drmhub/drmhub/server/internal/journal"
	"github.com/drmhub/drmhub/server/internal/store"
	"github.com/drmhub/drmhub/server/internal/store/storetest"
)

// A plan is one way in which a call can go wrong.
type plan struct {
	*faultplan.Plan
	operation operation
	settles   bool // a process settles what it finds before it is called again
}

// The faults of a commit: it fails before it is durable, or after.
const (
	stopBefore fault = "stopped before the commit"
	stopAfter  fault = "stopped after the commit"
)

// A stopper fails the planned commit of a store, and from then on every commit, as if the process
// was stopped.
type stopper struct {
	plan    *faultplan.Plan // nil stops nothing
	goesOn  bool            // the commits after the planned one succeed
	check   func()          // if set, it runs after every commit
	stopped bool
}

var errStopped = errors.New("dsn=postgres://u:hunter2@h: the process is stopped")

func (s *stopper) hooks() store.Hooks {
	var planned fault
	point := func(here fault) error {
		s.stopped = s.stopped || planned == here && !s.goesOn
		if s.stopped || planned == here {
			return errStopped
		}
		return nil
	}
	return store.Hooks{
		BeforeCommit: func() error {
			if s.plan != nil && !s.stopped {
				planned = s.plan.At("commit", stopBefore, stopAfter)
			}
			return point(stopBefore)
		},
		AfterCommit: func() error {
			if s.check != nil {
				s.check()
			}
			return point(stopAfter)
		},
	}
}

// A rig runs plans, in processes that share one store and one vendor, one after the other.
type rig struct {
	vendor *fakeVendor
	db     *store.DB
	plans  int
}

// noBackground keeps a journal from doing anything by itself during a test.
var noBackground = journal.Options{Lease: time.Hour, FirstPause: time.Hour}

// A faultBudget bounds the faults of one plan. A fault of the store stops a process.
type faultBudget struct{ vendor, store int }

func (b faultBudget) allows(faults []fault) bool {
	vendor := 0
	for _, f := range faults {
		if f == lost || f == cut || f == refused {
			vendor++
		}
	}
	return vendor <= b.vendor && len(faults)-vendor <= b.store
}

// TestStoppingAtAnyWriteLosesNothing tries every plan with one fault of the vendor and one of the
// store. After a stop, the next process settles, or leaves that to the call. The two stores take
// turns in this.
//
// With DRMHUB_TEST_EXHAUSTIVE, plans have three faults, and each store goes both ways: 38,000
// plans. They took 44 minutes with -parallel 4, beside other work on two cores.
func TestStoppingAtAnyWriteLosesNothing(t *testing.T) {
	t.Parallel() // most of the time it waits for the disk
	budgets, exhaustive := []faultBudget{{1, 1}}, os.Getenv("DRMHUB_TEST_EXHAUSTIVE") != ""
	if exhaustive {
		budgets = []faultBudget{{2, 1}, {1, 2}}
	}
	for _, o := range operations {
		t.Run(o.name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, dsn string) {
				t.Parallel()
				g := &rig{vendor: &fakeVendor{blank: true, plainReadBack: true}, db: storetest.Open(t, dsn)}
				inTurn := func(point int) bool { return strings.HasPrefix(dsn, "sqlite:") == (point%2 == 0) }
				settles := []func(int) bool{inTurn}
				if exhaustive {
					settles = []func(int) bool{func(int) bool { return true }, func(int) bool { return false }}
				}
				for _, budget := range budgets {
					for _, settles := range settles {
						faultplan.Explore(t, budget.allows, func(p *faultplan.Plan) { g.run(t, o, p, settles) })
					}
				}
				t.Logf("%d plans", g.plans)
			})
		})
	}
}

// run runs a plan. settles decides whether the next process settles, by the number of points that
// were passed when the first process ended.
func (g *rig) run(t *testing.T, o operation, p *faultplan.Plan, settles func(points int) bool) {
	s := g.begin(t, o, p)
	s.inProcess(p, func(r *replica) { s.ask(r, false) })
	s.plan.settles = settles(len(p.Points()))
	if !s.process.stopped {
		s.inProcess(nil, s.callUntilKnown)
	}
	for s.process.stopped {
		s.inProcess(p, s.callUntilKnown)
	}
	if !p.Complete() {
		s.errorf("a planned fault has not occurred: the run is not repeatable")
	}
}

// begin returns the scenario of a plan.
func (g *rig) begin(t *testing.T, o operation, p *faultplan.Plan) *scenario {
	g.plans++
	g.vendor.calls, g.vendor.faults, g.vendor.plan = 0, o.always, p
	return &scenario{
		t: t, rig: g, plan: plan{Plan: p, operation: o}, name: fmt.Sprintf("n%d", g.plans), requestID: uuid.NewString(),
		process: &stopper{},
	}
}

// A scenario is the run of one plan.
type scenario struct {
	t               *testing.T
	rig             *rig
	plan            plan
	process         *stopper
	name, requestID string // of what the call is for, and its own
	settling        bool   // the process settles by itself
}

// inProcess runs do in a process that the plan may stop.
func (s *scenario) inProcess(p *faultplan.Plan, do func(*replica)) {
	r := newReplica(s.t, s.rig.db, s.rig.vendor, noBackground)
	watch := newInvariantChecker(s, r)
	s.process = &stopper{plan: p, check: watch.committed}
	s.rig.vendor.before = watch.left
	s.rig.db.SetHooks(s.process.hooks())
	do(r)
	if err := r.Close(s.t.Context()); err != nil && !s.process.stopped {
		s.t.Error(err)
	}
	s.rig.db.SetHooks(store.Hooks{})
	s.rig.vendor.before = nil
}

// callUntilKnown lets time pass after a process was stopped, and calls again until the outcome is
// known.
func (s *scenario) callUntilKnown(r *replica) {
	s.pass(r)
	if s.plan.settles {
		s.settle(r)
	}
	known := s.ask(r, true)
	for range 3 {
		if !known {
			s.pass(r)
			known = s.ask(r, true)
		}
	}
	if !known && !s.plan.operation.blind {
		s.errorf("it is never known")
	}
	s.checkRecord(r)
}

func (s *scenario) settle(r *replica) {
	s.settling = true
	defer func() { s.settling = false }()
	for range 4 {
		if open, err := r.SettleDue(s.t.Context()); open == 0 || err != nil {
			break
		}
		s.pass(r)
	}
	if !s.plan.operation.secret { // settling lacks the secrets, and the caller has to send them again
		s.checkRecord(r)
	}
}

func (s *scenario) pass(r *replica) {
	if err := r.Pass(s.t.Context()); err != nil && !s.process.stopped {
		s.t.Error(err)
	}
}
