// Command growth measures how drmhub grows: latency, memory, start and store, as there is more of
// one thing.
//
//	go run ./bench/growth                             all, half an hour
//	go run ./bench/growth -only accounts,sites        some
//	go run ./bench/growth -short                      smaller sizes, two minutes
//	go run ./bench/growth -largest 1000000            without ten million licenses, a third of the time
//
// The things are configured accounts, sites at a vendor, kept mutations with their audit events,
// archived licenses, and replicas on one PostgreSQL. For each, the program prints a table with a
// row for each size.
//
// The server is the real one, built from this source, in a process of its own. The vendor is in
// this process. Its list of sites is made once. Kept mutations are copies of a real one, which the
// program writes into SQLite's file itself. Their audit events are copies too, so a check of the
// trail would find that their hashes are wrong. Archived licenses are written by the archive's
// engine, in large chunks. Start is the time from the start of the process until it takes calls.
// Memory is what is resident after the calls. Latencies are those of 4 callers, the 50th percentile
// and the 99th.
//
// The last row of a table is the exponent of the growth from the first size to the last: 0 means
// that a figure does not grow, and 1 that it grows like the size. The command fails if a median
// latency, the memory, the start, the store or the time of the processor grows faster than n log n.
// It needs Go, and PostgreSQL's programs for the replicas.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/drmhub/drmhub/bench/internal/program"
)

func main() { program.Main(run) }

// A dimension is one thing of which there can be more.
type dimension struct {
	name    string
	sizes   []int
	short   []int
	measure func(b *bench, ctx context.Context, sizes []int) error
}

var dimensions = []dimension{
	{"accounts", []int{4, 100, 1000}, []int{4, 50, 200}, (*bench).accounts},
	{"sites", []int{100, 1000, 10_000}, []int{100, 500, 2000}, (*bench).sites},
	{"kept", []int{1000, 10_000, 100_000, 1_000_000}, []int{1000, 5000, 20_000}, (*bench).kept},
	{"archived", []int{100_000, 1_000_000, 10_000_000}, []int{20_000, 100_000}, (*bench).archived},
	{"replicas", []int{1, 2, 4}, []int{1, 2}, (*bench).replicas},
}

// bench is what all dimensions need.
type bench struct {
	binary string // the server's program
	length time.Duration
	out    io.Writer
}

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("growth", flag.ContinueOnError)
	b := &bench{out: out}
	only := flags.String("only", "", "the `things` to measure, with commas: accounts, sites, kept, archived, replicas")
	largest := flags.Int("largest", 0, "leave out the sizes above this `number`")
	short := flags.Bool("short", false, "measure smaller sizes")
	flags.DurationVar(&b.length, "time", 2*time.Second, "how `long` each call is made")
	binary := program.Flag(flags)
	if err := flags.Parse(args); err != nil {
		return err
	}
	chosen, err := choose(*only)
	if err != nil {
		return err
	}
	running, err := program.Begin("growth")
	if err != nil {
		return err
	}
	defer running.Close()
	if b.binary = *binary; b.binary == "" {
		if b.binary, err = program.Build(ctx, running.Folder); err != nil {
			return err
		}
	}
	var failed error
	for _, d := range chosen {
		sizes := d.sizes
		if *short {
			sizes = d.short
		}
		if *largest > 0 {
			sizes = slices.DeleteFunc(slices.Clone(sizes), func(size int) bool { return size > *largest })
		}
		if err := d.measure(b, ctx, sizes); err != nil {
			failed = errors.Join(failed, fmt.Errorf("%s: %w", d.name, err))
		}
	}
	return failed
}

// choose returns the dimensions with these names, or all.
func choose(names string) (chosen []dimension, err error) {
	if names == "" {
		return dimensions, nil
	}
	for name := range strings.SplitSeq(names, ",") {
		i := slices.IndexFunc(dimensions, func(d dimension) bool { return d.name == name })
		if i < 0 {
			return nil, fmt.Errorf("-only: there is no %q", name)
		}
		chosen = append(chosen, dimensions[i])
	}
	return chosen, nil
}
