// Command reload measures whether calls fail while the configuration is read again and again.
//
//	go run ./bench/reload
//	go run ./bench/reload -reloads 1000 -rate 200
//
// The real server, built from this source, calls PallyCon's twin in this process. Clients make
// calls at a steady rate: reads over gRPC and over REST, and one change of every twenty calls.
// First they call for some seconds alone. Then the program edits the configuration file and sends
// SIGHUP, as often as it is told, and waits each time until the server has read the file. Half way,
// it replaces the file with the vendor's key, as one replaces a credential: the twin takes both
// keys. The program prints the calls and their percentiles, and the server's goroutines and memory
// before and after. It fails if a call failed, if the new key is not used, or if goroutines are
// left.
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
	// spare is how many goroutines more there may be afterwards: connections come and go.
	spare = 20
	// settleTime bounds how long the goroutines of the last reloads may take to end.
	settleTime = time.Minute
)

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("reload", flag.ContinueOnError)
	reloads := flags.Int("reloads", 1000, "how many `times` the configuration is read again")
	rate := flags.Int("rate", 200, "how many `calls` a second are made")
	every := flags.Duration("every", 50*time.Millisecond, "how `long` the pause after a reload is")
	quiet := flags.Duration("quiet", 10*time.Second, "how `long` calls are made without a reload")
	if err := flags.Parse(args); err != nil {
		return err
	}
	s, err := start(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	alone, err := s.during(ctx, *rate, func() error { return program.Pause(ctx, *quiet) })
	if err != nil {
		return err
	}
	if err := program.Pause(ctx, program.Stale); err != nil {
		return err
	}
	before, err := s.Sample(ctx)
	if err != nil {
		return err
	}
	began := time.Now()
	beside, err := s.during(ctx, *rate, func() error { return s.reloadOften(ctx, *reloads, *every) })
	if err != nil {
		return err
	}
	took := time.Since(began)
	after, err := s.settled(ctx, before)
	if err != nil {
		return err
	}
	t := report.NewTable(out, "", "calls:", "failed:", "p50:", "p99:")
	alone.print(t, "alone")
	beside.print(t, fmt.Sprintf("beside %d reloads in %v", *reloads, took.Round(time.Second)))
	fmt.Fprintf(out, "\ngoroutines: %d before, %d after; memory: %d MiB before, %d MiB after\n",
		before.Goroutines, after.Goroutines, before.Resident>>20, after.Resident>>20)
	fmt.Fprintf(out, "%d requests had the new key\n", s.rotated.Load())
	return errors.Join(alone.failure, beside.failure, s.judge(before, after))
}

// judge returns an error if the new key was not used, or if goroutines are left.
func (s *server) judge(before, after program.Sample) error {
	switch {
	case s.rotated.Load() == 0:
		return errors.New("the new key was never used")
	case after.Goroutines > before.Goroutines+spare:
		return errors.New("goroutines are left")
	}
	return nil
}

// A measurement is how calls ended.
type measurement struct {
	took    []time.Duration
	failed  int
	failure error // the first one
}

// print adds a row to the table.
func (m *measurement) print(t *report.Table, name string) {
	at := func(percent int) string {
		return load.Percentile(m.took, percent).Round(10 * time.Microsecond).String()
	}
	slices.Sort(m.took)
	t.Row(name, fmt.Sprint(len(m.took)), fmt.Sprint(m.failed), at(50), at(99))
}
