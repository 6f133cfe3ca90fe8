// Command lanes measures whether a vendor that stalls holds up the callers of another one.
//
//	go run ./bench/lanes
//	go run ./bench/lanes -rounds 10 -time 5s -stuck 100
//
// The real server, built from this source, has two vendor accounts with the default lanes: NAVER
// Cloud's twin in this process, and a PallyCon that takes every request and never responds. In each
// round, eight callers list the sites of NAVER Cloud for the time, first alone, and then while 100
// others call PallyCon. The program prints the percentiles of the eight callers, and the quotient
// of the 99th percentiles of all rounds. Then it prints the server's goroutines and memory, alone
// and beside the 100 callers. It fails if the quotient is above the limit, or if there are more
// goroutines than the lane allows.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/drmhub/drmhub/bench/internal/load"
	"github.com/drmhub/drmhub/bench/internal/program"
	"github.com/drmhub/drmhub/bench/internal/report"
)

func main() { program.Main(run) }

const (
	// callers is how many callers list sites at once.
	callers = 8
	// reads and queue are those of the default lane.
	reads, queue = 32, 64
	// connection is how many goroutines net/http has for each connection, and spare is how many
	// further ones there may be.
	connection, spare = 2, 50
)

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("lanes", flag.ContinueOnError)
	rounds := flags.Int("rounds", 10, "how many `rounds`")
	length := flags.Duration("time", 2*time.Second, "how `long` each half of a round is")
	stuck := flags.Int("stuck", 100, "how many `callers` call the vendor that stalls")
	limit := flags.Float64("limit", 1.2, "the largest `quotient` of the 99th percentiles")
	if err := flags.Parse(args); err != nil {
		return err
	}
	s, err := start(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	if _, err := s.list(ctx, *length/4); err != nil { // It opens the connections.
		return err
	}
	t := report.NewTable(out, "round:", "quiet p50:", "p99:", "stalled p50:", "p99:")
	var all measurement
	for round := range *rounds {
		one, err := s.measure(ctx, *length, *stuck)
		if err != nil {
			return err
		}
		t.Row(append([]string{fmt.Sprint(round + 1)}, one.cells()...)...)
		all.quiet, all.stalled = append(all.quiet, one.quiet...), append(all.stalled, one.stalled...)
	}
	slices.Sort(all.quiet)
	slices.Sort(all.stalled)
	quotient := float64(at(all.stalled, 99)) / float64(at(all.quiet, 99))
	t.Row(append([]string{"all"}, all.cells()...)...)
	fmt.Fprintf(out, "\nthe quotient is %.2f\n", quotient)
	alone, busy, err := s.bounds(ctx, *stuck)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "goroutines: %d, and %d beside the callers who are stuck; memory: %d MiB, and %d MiB\n",
		alone.Goroutines, busy.Goroutines, alone.Resident>>20, busy.Resident>>20)
	if quotient > *limit || busy.Goroutines-alone.Goroutines >= (1+connection)*reads+queue+spare {
		return errors.New("the vendor that stalls holds up the other one")
	}
	return nil
}

// A measurement is how long calls took, in order.
type measurement struct{ quiet, stalled []time.Duration }

func (m measurement) cells() []string {
	return []string{
		at(m.quiet, 50).String(), at(m.quiet, 99).String(), at(m.stalled, 50).String(), at(m.stalled, 99).String(),
	}
}

// at returns a percentile.
func at(sorted []time.Duration, percent int) time.Duration {
	return load.Percentile(sorted, percent).Round(10 * time.Microsecond)
}
