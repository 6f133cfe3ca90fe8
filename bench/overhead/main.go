// Command overhead measures drmhub beside the bare parts that it is made of: grpc-go, and net/http
// with encoding/json.
//
//	go run ./bench/overhead                       five minutes
//	go run ./bench/overhead -rounds 9 -time 3s
//	go run ./bench/overhead -only sites -over REST
//
// drmhub is the real server, built from this source. It verifies the token of each call, measures
// each call, and checks everything that it checks in production. The bare part is this program with
// -bare. For each call, it makes the same request to the same vendor with a plain net/http client.
// It reads the response with encoding/json, and responds over gRPC with the messages of the
// contract, or over REST with structs that have json tags. It has no tokens, no telemetry, no
// limits, no checks, and no error but HTTP 500. Before the measurement, the program checks that
// both respond the same.
//
// Both are processes of their own. The vendor has PallyCon's calls, and is in this process. Its
// responses are made once, before the measurement, so its own cost is small, and the same for both.
// The callers are in this process too. They read the bytes of a response without decoding them.
//
// The vendor's large list has 999 licenses, since PallyCon's largest page has 1,000. A reader must
// read beyond a full page to learn whether more rows follow, and then makes a second call.
//
// Both are called in turns in each round, and the order changes with it. Each figure is the median
// of the rounds, and each ratio the median of the rounds' ratios. A ratio of throughput above 1
// means that drmhub is faster. In the other ratios, less than 1 means that drmhub takes less. CPU
// is the time of the processor that the process has used for a call. Allocations are counted over
// the rounds of 1 and of 32 callers together, since the counter of the server is renewed every 15
// seconds.
//
// The command fails if a throughput misses what is demanded.
package main

import (
	"context"
	"flag"
	"io"
	"time"

	"github.com/drmhub/drmhub/bench/internal/program"
)

func main() { program.Main(run) }

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("overhead", flag.ContinueOnError)
	rounds := flags.Int("rounds", 5, "how many `rounds`")
	length := flags.Duration("time", 2*time.Second, "how `long` each server is called in a round")
	only := flags.String("only", "", "measure only the `call` with this name, such as sites")
	over := flags.String("over", "", "measure only this `face`, gRPC or REST")
	binary := program.Flag(flags)
	bare := flags.String("bare", "", "be the bare parts, for the vendor at this `URL`")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *bare != "" {
		return serveBare(ctx, *bare, out)
	}
	chosen, chosenFaces, err := choose(*only, face(*over))
	if err != nil {
		return err
	}
	b, err := start(ctx, *binary)
	if err != nil {
		return err
	}
	defer b.Close()
	if err := b.compareAnswers(ctx); err != nil {
		return err
	}
	t := newTable(out)
	for _, c := range chosen {
		for _, f := range chosenFaces {
			all, err := b.measure(ctx, c, f, *rounds, *length)
			if err != nil {
				return err
			}
			for i, m := range all {
				t.add(c, f, callers[i], m)
			}
		}
	}
	return t.Missed()
}
