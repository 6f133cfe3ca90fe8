package faultplan

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"testing"
)

// ReplayVariable is the environment variable that makes Explore run one plan alone: the plan that a
// failed test has printed.
const ReplayVariable = "DRMHUB_TEST_FAULTPLAN"

// AtMost returns the bound of Explore that allows any n faults.
func AtMost(n int) func([]Fault) bool {
	return func(faults []Fault) bool { return len(faults) <= n }
}

// Explore calls run with the plan without faults, and then with every plan within the bound. It
// finds the points of a plan by running the plan with one fault less, so run must be repeatable.
// Explore returns how many plans it ran. The first plan that fails ends the test, and prints its
// points and how to replay it.
func Explore(t testing.TB, within func([]Fault) bool, run func(*Plan)) (plans int) {
	t.Helper()
	if text := os.Getenv(ReplayVariable); text != "" {
		p, err := parse(text)
		if err != nil {
			t.Fatal(err)
		}
		runOne(t, p, run)
		return 1
	}
	e := explorer{t, within, run, 0}
	e.explore(map[int]Fault{}, nil, 0)
	return e.plans
}

type explorer struct {
	t      testing.TB
	within func([]Fault) bool
	run    func(*Plan)
	plans  int
}

// explore runs a plan, and the plans that add faults to it at later points. So each combination of
// faults runs once.
func (e *explorer) explore(faults map[int]Fault, occurring []Fault, next int) {
	e.t.Helper()
	p := Fixed(faults)
	e.plans++
	runOne(e.t, p, e.run)
	for at := next; at < len(p.points); at++ {
		for _, fault := range p.points[at].Can {
			if more := append(slices.Clip(occurring), fault); e.within(more) {
				longer := maps.Clone(faults)
				longer[at] = fault
				e.explore(longer, more, at+1)
			}
		}
	}
}

func runOne(t testing.TB, p *Plan, run func(*Plan)) {
	t.Helper()
	defer func() {
		if t.Failed() {
			t.Helper()
			replay := fmt.Sprintf("%s=%q go test -run '^%s$'", ReplayVariable, p, t.Name())
			t.Fatalf("fault plan: %v\nTo replay it: %s\n%s", p, replay, p.trace())
		}
	}()
	run(p)
}
