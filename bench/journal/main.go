// Command journal measures what the journal costs: mutations a second with it and without it, in
// one run.
//
//	go run ./bench/journal
//	go run ./bench/journal -rounds 5 -time 5s
//	go run ./bench/journal -only 64
//	go run ./bench/journal -places 8              # as many writes at once as drmhub permits by default
//
// A mutation is ResetMemberPassword, which is one write at the vendor and no read. The vendor is
// PallyCon's twin on loopback, in this process, without a delay. Each caller resets the password of
// a member of its own, since mutations of one resource wait for each other. Unless -places says
// otherwise, the lane has a place for each caller. A write keeps its place while the record of its
// send becomes durable. So fewer places measure the lane, and not the journal.
//
//   - "in memory", "SQLite" and "PostgreSQL" are the real server, built from this source. Only
//     store.dsn differs. Every call passes the whole chain of production. Except in memory, its
//     record is durable when the call returns. SQLite's file and PostgreSQL's data are in the
//     folder for temporary files, and both wait for its disk.
//   - "without" is a gRPC server of this program. It passes the calls to the same adapter, with a
//     log of steps in memory. It lacks the journal, the audit trail, validation and error shaping.
//     So the comparison does not favor the journal.
//
// All four run as processes of their own, and take turns in every round. The program prints the
// medians of the rounds: mutations a second, and the time of the processor that the server used for
// one. What PostgreSQL uses itself is not in it. It also prints what the disk alone permits. It
// needs Go and PostgreSQL's programs. It fails if SQLite or PostgreSQL misses the share of
// "without" that is demanded of it.
package main

import (
	"context"
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

// callers are the numbers of calls at the same time.
var callers = []int{1, 16, 64}

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("journal", flag.ContinueOnError)
	rounds := flags.Int("rounds", 5, "how many `rounds`")
	length := flags.Duration("time", 2*time.Second, "how `long` each is, for each server and number of callers")
	places := flags.Int("places", slices.Max(callers),
		"how many `writes` are under way at the vendor at once; drmhub's default is 8")
	only := flags.Int("only", 0, "measure only with this number of `callers`")
	binary := program.Flag(flags)
	bare := flags.String("without", "", "be the server without a journal, for the vendor at this `URL`")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *bare != "" {
		return serveBare(ctx, *bare, *places, out)
	}
	chosen := callers
	if *only != 0 {
		chosen = []int{*only}
	}
	running, servers, err := start(ctx, *binary, *places, slices.Max(chosen))
	if err != nil {
		return err
	}
	defer running.Close()
	rates, costs, err := measure(ctx, servers, chosen, *rounds, *length)
	if err != nil {
		return err
	}
	took, err := flush(running.Folder)
	if err != nil {
		return err
	}
	missed := table(out, chosen, servers, rates, costs)
	fmt.Fprintf(out, "\nThe disk makes a write durable in %.2f ms.", 1000*took.Seconds())
	if one := slices.Index(chosen, 1); one >= 0 {
		limit := 1 / (waits * took.Seconds())
		fmt.Fprintf(out, " One caller who waits for it %d times, and for nothing else, makes %.0f mutations a second: "+
			"%.0f%% of \"without\".", waits, limit, 100*limit/load.Median(rates[0][one]))
	}
	fmt.Fprintln(out)
	return missed
}

// measure returns the mutations a second and the cost of one, by server, number of callers and
// round.
func measure(
	ctx context.Context, servers []*server, callers []int, rounds int, length time.Duration,
) (rates, costs [][][]float64, err error) {
	rates, costs = make([][][]float64, len(servers)), make([][][]float64, len(servers))
	for i, s := range servers {
		rates[i], costs[i] = make([][]float64, len(callers)), make([][]float64, len(callers))
		// This opens connections, and does what only a first call does.
		if _, _, err := s.load(ctx, slices.Max(callers), length/4); err != nil {
			return nil, nil, err
		}
	}
	round := func(at, callers int) error {
		for i, s := range servers {
			rate, cost, err := s.load(ctx, callers, length)
			if err != nil {
				return err
			}
			rates[i][at], costs[i][at] = append(rates[i][at], rate), append(costs[i][at], cost)
		}
		return nil
	}
	for range rounds {
		for at, n := range callers {
			if err := round(at, n); err != nil {
				return nil, nil, err
			}
		}
	}
	return rates, costs, nil
}

// waits is how often a mutation of one write waits for the disk: for its intent, the send and the
// end.
const waits = 3

// demands are the least shares of "without", by server and number of callers.
var demands = map[string]map[int]float64{
	"SQLite":     {1: 0.35, 64: 0.5},
	"PostgreSQL": {1: 0.25, 64: 0.35},
}

// table writes the medians in Markdown, each as a share of the first server's median.
func table(out io.Writer, callers []int, servers []*server, rates, costs [][][]float64) error {
	columns := []string{"callers:"}
	for _, s := range servers {
		columns = append(columns, s.name+":")
	}
	t := report.NewTable(out, columns...)
	for at, n := range callers {
		first := load.Median(rates[0][at])
		cells := []string{fmt.Sprint(n), fmt.Sprintf("%.0f/s, %.2f ms", first, load.Median(costs[0][at]))}
		for i, s := range servers[1:] {
			rate := load.Median(rates[i+1][at])
			cell := fmt.Sprintf("%.0f/s (%.0f%%), %.2f ms", rate, 100*rate/first, load.Median(costs[i+1][at]))
			if least, demanded := demands[s.name][n]; demanded {
				figure := fmt.Sprintf("%s with %d callers: %.3f", s.name, n, rate/first)
				cell += ", " + t.Least(figure, rate/first, least)
			}
			cells = append(cells, cell)
		}
		t.Row(cells...)
	}
	return t.Missed()
}
