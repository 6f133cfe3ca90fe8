package main

import (
	"context"
	"fmt"
	"time"

	"github.com/drmhub/drmhub/bench/internal/load"
	"github.com/drmhub/drmhub/bench/internal/program"
	"github.com/drmhub/drmhub/internal/postgres"
)

// replicas measures more and more replicas on one PostgreSQL. They share the machine with it, so
// the processor bounds what more of them can do. The time of the processor for a mutation says what
// another replica costs.
func (b *bench) replicas(ctx context.Context, sizes []int) error {
	c := b.curve("replicas", figure{"mutations", "%.0f/s", false}, figure{"p50", "%.2f ms", false},
		figure{"p99", "%.2f ms", false}, figure{"replicas' CPU of a mutation", "%.3f ms", true},
		mebibytes("memory of all"))
	for _, n := range sizes {
		values, err := b.withReplicas(ctx, n)
		if err != nil {
			return err
		}
		c.add(n, values)
	}
	return c.end()
}

func (b *bench) withReplicas(ctx context.Context, n int) ([]float64, error) {
	run, err := program.Begin("growth")
	if err != nil {
		return nil, err
	}
	defer run.Close()
	dsn, drop, err := postgres.Database(ctx)
	if err != nil {
		return nil, err
	}
	run.OnClose(drop)
	configuration := fmt.Sprintf(listeners+"vendors:", dsn) + fmt.Sprintf(account, "acme", run.Vendor(vendor(1)))
	var all []*server
	for i := range n {
		s, err := b.serve(ctx, run, fmt.Sprintf("replica-%d", i), configuration)
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	before, err := used(all)
	if err != nil {
		return nil, err
	}
	done, err := load.Run(ctx, members, b.length, load.Each(func(ctx context.Context, number int) error {
		s := all[number%n]
		return reset(ctx, s.conns[number/n%len(s.conns)], number)
	}))
	if err != nil {
		return nil, err
	}
	after, err := used(all)
	milli := float64(time.Millisecond)
	return []float64{
		done.Rate(), float64(load.Percentile(done.Took, 50)) / milli, float64(load.Percentile(done.Took, 99)) / milli,
		float64(after.cpu-before.cpu) / milli / done.Calls(), float64(after.resident) / (1 << 20),
	}, err
}

// A use is what replicas have used.
type use struct {
	cpu      time.Duration
	resident int
}

func used(all []*server) (sum use, err error) {
	for _, s := range all {
		cpu, err := s.CPU()
		if err != nil {
			return sum, err
		}
		resident, err := s.Memory("VmRSS")
		if err != nil {
			return sum, err
		}
		sum.cpu, sum.resident = sum.cpu+cpu, sum.resident+resident
	}
	return sum, nil
}
