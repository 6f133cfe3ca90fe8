package faultplan

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// walk passes three points, and returns early after a crash.
func walk(p *Plan) {
	for _, point := range []string{"one", "two", "three"} {
		if p.At(point, "slow", "crash") == "crash" {
			return
		}
	}
}

func TestExploreRunsEachPlanWithinTheBoundOnce(t *testing.T) {
	var ran []string
	plans := Explore(t, AtMost(2), func(p *Plan) {
		walk(p)
		ran = append(ran, p.String())
		if !p.Complete() || p.Count() != len(p.fixed) {
			t.Errorf("%v: a fault has not occurred: %v", p, p.Points())
		}
	})
	want := []string{
		"no faults", "0=slow", "0=slow, 1=slow", "0=slow, 1=crash", "0=slow, 2=slow", "0=slow, 2=crash", "0=crash",
		"1=slow", "1=slow, 2=slow", "1=slow, 2=crash", "1=crash", "2=slow", "2=crash",
	}
	if !slices.Equal(ran, want) || plans != len(want) {
		t.Errorf("%d plans ran: %q, want %q", plans, ran, want)
	}
	noCrash := func(faults []Fault) bool { return !slices.Contains(faults, "crash") }
	if plans := Explore(t, noCrash, walk); plans != 8 {
		t.Errorf("%d plans without a crash, want 8", plans)
	}
}

// failing records the message of a test that fails.
type failing struct {
	testing.TB
	failed  bool
	message string
}

func (f *failing) Failed() bool { return f.failed }

func (f *failing) Fatalf(format string, args ...any) {
	f.message = fmt.Sprintf(format, args...)
	runtime.Goexit()
}

func TestAPlanThatFailsIsPrintedAndReplayed(t *testing.T) {
	f := &failing{TB: t}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		Explore(f, AtMost(2), func(p *Plan) {
			walk(p)
			f.failed = p.Count("slow") == 1 && p.Count("crash") == 1
		})
	}()
	<-ended
	for _, want := range []string{ReplayVariable + `="0=slow, 1=crash" `, "   0 one ← slow\n   1 two ← crash\n"} {
		if !strings.Contains(f.message, want) {
			t.Errorf("the message is %q, want %q in it", f.message, want)
		}
	}
	t.Setenv(ReplayVariable, "0=slow, 1=crash")
	plans := Explore(t, AtMost(0), func(p *Plan) {
		if walk(p); p.String() != "0=slow, 1=crash" || !p.Complete() {
			t.Errorf("replayed %v: %v", p, p.Points())
		}
	})
	if _, err := parse("0-slow"); plans != 1 || err == nil {
		t.Errorf("%d plans were replayed, and a plan without sense is read with %v", plans, err)
	}
}

func TestASeedDrawsTheSameFaultsInAnyOrder(t *testing.T) {
	draw := func(names ...string) map[string]Fault {
		drawn, p := map[string]Fault{}, Seeded(7, 0.5)
		for i, name := range names {
			drawn[fmt.Sprint(name, slices.Index(names, name) == i)] = p.At(name, "cut", "refused")
		}
		return drawn
	}
	one, other := draw("a", "b", "a", "c", "d", "e"), draw("e", "d", "c", "a", "a", "b")
	if fmt.Sprint(one) != fmt.Sprint(other) {
		t.Errorf("drawn %v, and in another order %v", one, other)
	}
	p := Seeded(7, 0.25)
	for i := range 4000 {
		p.At(fmt.Sprint(i), "cut", "refused")
	}
	if n := p.Count(); n < 900 || n > 1100 || p.Count("cut") < 400 || p.Count("refused") < 400 {
		t.Errorf("%d of 4000 points meet a fault, want a quarter", n)
	}
}
