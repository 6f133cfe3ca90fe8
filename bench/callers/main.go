// Command callers measures what it costs to know who calls: calls a second in auth mode jwt and in
// mode none, in one run.
//
//	go run ./bench/callers
//	go run ./bench/callers -rounds 20 -time 1s
//
// ListSites asks a vendor, as most calls do: a twin of NAVER Cloud in this process. ListVendors
// calls no vendor and writes nothing, so the share of verification is larger than in any other
// call. Both servers are real ones, built from this source, in processes of their own. They take
// turns in each round, and change the order with it. Each caller has one token, which the server
// has verified before. The program prints the median of the rounds' ratios, and the server's CPU
// time for a call, which depends less on a busy machine.
//
// A second table compares a server that has no telemetry with one that measures every call and
// samples no trace.
//
// The rows of algorithms are ListVendors with a new token in each call, so that the server verifies
// each.
//
// Then 50 callers storm with 1,000 tokens in two seconds, each signed with a key that nobody knows.
// The program counts how often the server fetches the issuer's key set, and compares the latency of
// good callers with that in a quiet time.
//
// The command fails if ListSites over gRPC reaches less than 0.95 of mode none, or of no telemetry.
// It also fails if a storm causes more than three fetches, or doubles the 99th percentile of good
// callers' latency.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"time"

	"github.com/drmhub/drmhub/bench/internal/issuer"
	"github.com/drmhub/drmhub/bench/internal/load"
	"github.com/drmhub/drmhub/bench/internal/program"
	"github.com/drmhub/drmhub/bench/internal/report"
)

const (
	// minRatio is the demanded ratio of calls a second in mode jwt to those in mode none.
	minRatio   = 0.95
	maxFetches = 3
	maxSlower  = 2.0
	callers    = 16
)

func main() { program.Main(run) }

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("callers", flag.ContinueOnError)
	rounds := flags.Int("rounds", 15, "how many `rounds`")
	length := flags.Duration("time", time.Second, "how `long` each server is called in a round")
	storms := flags.Int("storms", 5, "how many `storms` of unknown keys")
	if err := flags.Parse(args); err != nil {
		return err
	}
	b, err := start(ctx)
	if err != nil {
		return err
	}
	defer b.Close()
	telemetry, err := b.compareAll(ctx, out, [2]*server{b.off, b.on}, *rounds, *length)
	if err != nil {
		return err
	}
	grpc, err := b.compareAll(ctx, out, [2]*server{b.none, b.jwt}, *rounds, *length)
	if err != nil {
		return err
	}
	for _, alg := range issuer.Algorithms {
		if err := b.verifyEach(ctx, out, alg); err != nil {
			return err
		}
	}
	failed := b.storm(ctx, out, *storms)
	if telemetry < minRatio {
		lost := fmt.Errorf("telemetry leaves %.3f of the calls, less than %.2f", telemetry, minRatio)
		failed = errors.Join(failed, lost)
	}
	if grpc < minRatio {
		failed = errors.Join(failed, fmt.Errorf("mode jwt reaches %.3f of mode none, less than %.2f", grpc, minRatio))
	}
	return failed
}

// compareAll prints a table that compares two servers, and returns the ratio of ListSites over
// gRPC.
func (b *bench) compareAll(
	ctx context.Context, out io.Writer, servers [2]*server, rounds int, length time.Duration,
) (ratio float64, err error) {
	report.NewTable(out, "calls", servers[0].name+":", servers[1].name+":", "ratio:",
		"CPU of a call, "+servers[0].name+":", servers[1].name+":")
	if ratio, err = compare(ctx, out, servers, "gRPC, ListSites", (*server).askVendor, rounds, length); err != nil {
		return 0, err
	}
	if _, err = compare(ctx, out, servers, "gRPC, ListVendors", (*server).overGRPC, rounds, length); err != nil {
		return 0, err
	}
	_, err = compare(ctx, out, servers, "REST, ListVendors", (*server).overREST, rounds/2+1, length)
	return ratio, err
}

// compare calls both servers in turns, and returns the median of the ratios.
func compare(
	ctx context.Context, out io.Writer, servers [2]*server, title string, call caller, rounds int, length time.Duration,
) (ratio float64, err error) {
	var ratios []float64
	var rates, costs [2][]float64
	for round := range rounds + 1 {
		var rate [2]float64
		for i := range servers {
			which := (i + round) % 2
			done, err := servers[which].load(ctx, call, length)
			if err != nil {
				return 0, err
			}
			rate[which] = done.rate
			if round > 0 { // The first round opens connections, and fills caches.
				rates[which], costs[which] = append(rates[which], done.rate), append(costs[which], done.cost)
			}
		}
		if round > 0 {
			ratios = append(ratios, rate[1]/rate[0])
		}
	}
	ratio = load.Median(ratios)
	fmt.Fprintf(out, "| %s | %.0f/s | %.0f/s | %.3f | %.1f µs | %.1f µs |\n",
		title, load.Median(rates[0]), load.Median(rates[1]), ratio, load.Median(costs[0]), load.Median(costs[1]))
	return ratio, nil
}

// verifyEach measures calls with a new token each.
func (b *bench) verifyEach(ctx context.Context, out io.Writer, alg string) error {
	const calls = 4000
	tokens := make(chan string, calls)
	for range calls {
		tokens <- b.idp.Token(alg, "caller", time.Hour, claims)
	}
	close(tokens)
	done, err := b.jwt.spend(ctx, tokens)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "| gRPC, each verified with %s | | %.0f/s | | | %.1f µs |\n", alg, done.rate, done.cost)
	return nil
}
