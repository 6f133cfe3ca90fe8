package main

import (
	"context"
	"fmt"
	"time"

	"github.com/drmhub/drmhub/bench/internal/load"
	"github.com/drmhub/drmhub/bench/internal/program"
)

// A measurement has what the rounds of one row have measured, of drmhub and of the bare parts, and
// the ratios.
type measurement struct {
	rate, p50, p99, cost, allocations comparison
}

// A comparison has the figures of drmhub and of the bare parts, one by each round.
type comparison struct{ drmhub, bare []float64 }

func (c *comparison) add(drmhub, bare float64) {
	c.drmhub, c.bare = append(c.drmhub, drmhub), append(c.bare, bare)
}

// ratio returns the median of the rounds' ratios.
func (c *comparison) ratio() float64 {
	ratios := make([]float64, len(c.drmhub))
	for i := range ratios {
		ratios[i] = c.drmhub[i] / c.bare[i]
	}
	return load.Median(ratios)
}

// A round is what one load of one server has measured.
type round struct {
	load.Result
	cpu time.Duration
}

// measure makes all rounds of a case over one face, and returns a measurement for each number of
// callers.
func (b *bench) measure(
	ctx context.Context, c testCase, f face, rounds int, length time.Duration,
) ([]*measurement, error) {
	servers := [2]*server{b.drmhub, b.bare}
	var all []*measurement
	for _, n := range callers {
		all = append(all, &measurement{})
		for _, s := range servers { // This opens connections, and does what only a first call does.
			if _, err := s.round(ctx, c, f, n, length/4); err != nil {
				return nil, err
			}
		}
	}
	before, err := b.allocated(ctx)
	if err != nil {
		return nil, err
	}
	var calls [2]float64
	for number := range rounds {
		for i, n := range callers {
			both, err := b.roundOfBoth(ctx, c, f, n, length, number)
			if err != nil {
				return nil, err
			}
			calls[0] += both[0].Calls()
			calls[1] += both[1].Calls()
			all[i].add(both[0], both[1])
		}
	}
	after, err := b.allocated(ctx)
	if err != nil {
		return nil, err
	}
	for _, m := range all {
		m.allocations.add((after[0]-before[0])/calls[0], (after[1]-before[1])/calls[1])
	}
	return all, nil
}

// roundOfBoth makes a round of drmhub and of the bare parts. They take turns in who is first.
func (b *bench) roundOfBoth(
	ctx context.Context, c testCase, f face, callers int, length time.Duration, number int,
) (both [2]round, err error) {
	servers := [2]*server{b.drmhub, b.bare}
	for turn := range servers {
		which := (turn + number) % 2
		if both[which], err = servers[which].round(ctx, c, f, callers, length); err != nil {
			return both, err
		}
	}
	return both, nil
}

// round makes calls for a time.
func (s *server) round(
	ctx context.Context, c testCase, f face, callers int, length time.Duration,
) (r round, err error) {
	call, err := s.callers(c, f)
	if err != nil {
		return r, err
	}
	before, err := s.CPU()
	if err != nil {
		return r, err
	}
	if r.Result, err = load.Run(ctx, callers, length, call); err != nil {
		return r, fmt.Errorf("%s over %s: %w", c.name, f, err)
	}
	after, err := s.CPU()
	r.cpu = after - before
	return r, err
}

func (m *measurement) add(drmhub, bare round) {
	at := func(r round, percent int) float64 { return milliseconds(load.Percentile(r.Took, percent)) }
	m.rate.add(drmhub.Rate(), bare.Rate())
	m.p50.add(at(drmhub, 50), at(bare, 50))
	m.p99.add(at(drmhub, 99), at(bare, 99))
	m.cost.add(milliseconds(drmhub.cpu)/drmhub.Calls(), milliseconds(bare.cpu)/bare.Calls())
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// allocated returns how many objects both servers have allocated. It waits until drmhub counts them
// again.
func (b *bench) allocated(ctx context.Context) (counts [2]float64, err error) {
	select {
	case <-time.After(program.Stale - time.Since(b.asked)):
	case <-ctx.Done():
		return counts, ctx.Err()
	}
	b.asked = time.Now()
	for i, s := range []*server{b.drmhub, b.bare} {
		if counts[i], err = s.Metric(ctx, allocations); err != nil {
			return counts, err
		}
	}
	return counts, nil
}
