// Command callers measures what it costs to know who calls: calls a second in auth mode jwt and in mode
// none, in one run.
//
//	go run ./bench/callers
//	go run ./bench/callers -rounds 20 -time 1s
//
// ListSites asks a vendor, as most calls do: a twin of NAVER Cloud in this process. ListVendors calls no
// vendor and writes nothing, so the share of verification is larger than in any other call. Both servers
// are real ones, built from this source, in processes of their own. They take turns in each round, and
// change the order with it. Each caller has one token, which the server has verified before. The program
// prints the median of the rounds' ratios, and the server's CPU time for a call, which depends less on a
// busy machine.
//
// The rows of algorithms are ListVendors with a new token in each call, so that the server verifies each.
//
// Then 50 callers storm with 1,000 tokens in two seconds, each signed with a key that nobody knows. The
// program counts how often the server fetches the issuer's key set, and compares the latency of good
// callers with that in a quiet time.
//
// The command fails if ListSites over gRPC reaches less than 0.95 of mode none, if a storm causes more
// than three fetches, or if the storm doubles the 99th percentile of good callers' latency.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/drmhub/drmhub/bench/internal/issuer"
	"github.com/drmhub/drmhub/bench/internal/program"
)

const (
	// leastRatio is the demanded ratio of calls a second in mode jwt to those in mode none.
	leastRatio = 0.95
	maxFetches = 3
	maxSlower  = 2.0
	callers    = 16
)

func main() {
	program.Main(func(ctx context.Context, args []string) error { return run(ctx, args, os.Stdout) })
}

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
	defer b.stop()
	fmt.Fprintln(out, "| calls | mode none | mode jwt | ratio | CPU of a call, none | jwt |")
	fmt.Fprintln(out, "| --- | ---: | ---: | ---: | ---: | ---: |")
	grpc, err := b.compare(ctx, out, "gRPC, ListSites", (*server).askVendor, *rounds, *length)
	if err != nil {
		return err
	}
	if _, err = b.compare(ctx, out, "gRPC, ListVendors", (*server).overGRPC, *rounds, *length); err != nil {
		return err
	}
	if _, err = b.compare(ctx, out, "REST, ListVendors", (*server).overREST, *rounds/2+1, *length); err != nil {
		return err
	}
	for _, alg := range issuer.Algorithms {
		if err := b.verifyEach(ctx, out, alg); err != nil {
			return err
		}
	}
	failed := b.storm(ctx, out, *storms)
	if grpc < leastRatio {
		failed = errors.Join(failed, fmt.Errorf("mode jwt reaches %.3f of mode none, less than %.2f", grpc, leastRatio))
	}
	return failed
}

// compare calls both servers in turns, and returns the median of the ratios.
func (b *bench) compare(
	ctx context.Context, out io.Writer, title string, call caller, rounds int, length time.Duration,
) (ratio float64, err error) {
	var ratios []float64
	var rates, costs [2][]float64
	servers := []*server{b.none, b.jwt}
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
	ratio = median(ratios)
	fmt.Fprintf(out, "| %s | %.0f/s | %.0f/s | %.3f | %.1f µs | %.1f µs |\n",
		title, median(rates[0]), median(rates[1]), ratio, median(costs[0]), median(costs[1]))
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

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}
