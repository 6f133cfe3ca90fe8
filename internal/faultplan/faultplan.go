// Package faultplan decides which faults occur in a test, and where.
//
// A test names the points that it passes, such as a request that leaves or a record that is
// written. At each point it lists the faults that can occur there, and a Plan returns the one that
// does. Explore runs a test with every plan within a bound. Seeded draws faults at random.
package faultplan

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// A Fault names what goes wrong at a point. The zero Fault means that nothing does.
type Fault string

// A Point is a place in a run where faults can occur.
type Point struct {
	Name  string
	Can   []Fault // the faults that can occur here
	Fault Fault   // the fault that did
}

// A Plan returns the faults of one run, and records the points of that run. Goroutines may share
// it.
type Plan struct {
	choose func(number int, point string, can []Fault) Fault
	fixed  map[int]Fault // by the number of the point; nil in a seeded plan

	mu     sync.Mutex
	points []Point
}

// At passes a point, and returns the fault that occurs there. A fault listed twice is twice as
// likely in a seeded plan.
func (p *Plan) At(point string, can ...Fault) Fault {
	p.mu.Lock()
	defer p.mu.Unlock()
	fault := p.choose(len(p.points), point, can)
	p.points = append(p.points, Point{point, can, fault})
	return fault
}

// Points returns the points that the run has passed so far.
func (p *Plan) Points() []Point {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.points)
}

// Count returns how often any of these faults has occurred, or any fault if none is named.
func (p *Plan) Count(faults ...Fault) int {
	n := 0
	for _, point := range p.Points() {
		if point.Fault != "" && (len(faults) == 0 || slices.Contains(faults, point.Fault)) {
			n++
		}
	}
	return n
}

// Complete reports whether every fault of a fixed plan has occurred.
func (p *Plan) Complete() bool {
	points := p.Points()
	for at, fault := range p.fixed {
		if at >= len(points) || points[at].Fault != fault {
			return false
		}
	}
	return true
}

// String returns the faults of a fixed plan with the numbers of their points. ReplayVariable takes
// this text.
func (p *Plan) String() string {
	var faults []string
	for _, at := range slices.Sorted(maps.Keys(p.fixed)) {
		faults = append(faults, fmt.Sprintf("%d=%s", at, p.fixed[at]))
	}
	return cmp.Or(strings.Join(faults, ", "), noFaults)
}

const noFaults = "no faults"

// trace returns the points of the run, a line for each.
func (p *Plan) trace() string {
	var lines strings.Builder
	for i, point := range p.Points() {
		fmt.Fprintf(&lines, "%4d %s", i, point.Name)
		if point.Fault != "" {
			fmt.Fprintf(&lines, " ← %s", point.Fault)
		}
		lines.WriteByte('\n')
	}
	return lines.String()
}

// Fixed returns the plan with these faults, by the numbers of their points. The first point is 0.
func Fixed(faults map[int]Fault) *Plan {
	choose := func(number int, _ string, can []Fault) Fault {
		if fault := faults[number]; slices.Contains(can, fault) {
			return fault
		}
		return ""
	}
	return &Plan{choose: choose, fixed: faults}
}

// parse reads what String returns.
func parse(text string) (*Plan, error) {
	faults := map[int]Fault{}
	for entry := range strings.SplitSeq(text, ", ") {
		if entry == noFaults {
			continue
		}
		number, fault, _ := strings.Cut(entry, "=")
		at, err := strconv.Atoi(number)
		if err != nil || fault == "" {
			return nil, fmt.Errorf("%q is not a fault plan such as \"3=cut, 5=refused\"", text)
		}
		faults[at] = Fault(fault)
	}
	return Fixed(faults), nil
}

// Seeded returns a plan that draws a fault at this share of the points. A draw depends on the seed,
// on the name of the point, and on how often that name came before. It does not depend on the order
// of other points, so concurrent runs of one seed meet the same faults.
func Seeded(seed uint64, share float64) *Plan {
	seen := map[string]uint64{}
	return &Plan{choose: func(_ int, point string, can []Fault) Fault {
		name := fnv.New64a()
		_, _ = name.Write([]byte(point)) // A hash never fails.
		seen[point]++
		random := rand.New(rand.NewPCG(seed+seen[point], name.Sum64())) //nolint:gosec // A plan is repeatable.
		if len(can) == 0 || random.Float64() >= share {
			return ""
		}
		return can[random.IntN(len(can))]
	}}
}
