// Command stream measures what a long stream of licenses costs the server: its maximum memory, and
// the time.
//
//	go run ./bench/stream             one million rows over gRPC
//	go run ./bench/stream -rest       the same as lines of JSON over REST
//	go run ./bench/stream -slow 5ms   with a client that pauses after every message
//	go run ./bench/stream -rows 100000 -limit 40
//
// The command fails if the server takes 64 MiB or more, or the limit in -limit.
//
// The server is the real one, built from this source as a release is. It runs as a process of its
// own, so its memory can be read: VmHWM of /proc is the maximum that was ever resident. Vendor and
// client are in this program. The vendor makes up its rows as the server asks for them. The command
// needs Linux and Go.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"time"

	"github.com/drmhub/drmhub/bench/internal/program"
)

func main() { program.Main(run) }

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("stream", flag.ContinueOnError)
	rows := flags.Int("rows", 1_000_000, "the number of `rows` to stream")
	limit := flags.Int("limit", 64, "the limit of the server's memory, in `MiB`")
	rest := flags.Bool("rest", false, "stream lines of JSON over REST instead of messages over gRPC")
	slow := flags.Duration("slow", 0, "the `time` that the client pauses after every message, or thousand lines")
	binary := program.Flag(flags)
	if err := flags.Parse(args); err != nil {
		return err
	}
	running, s, err := start(ctx, *binary, *rows)
	if err != nil {
		return err
	}
	defer running.Close()
	idle, err := peak(s)
	if err != nil {
		return err
	}
	receive := overGRPC
	address := s.GRPC
	if *rest {
		receive, address = overREST, s.HTTP
	}
	begun := time.Now()
	got, err := receive(ctx, address, *slow)
	if err != nil {
		return fmt.Errorf("after %d rows: %w", got, err)
	}
	took := time.Since(begun)
	most, err := peak(s)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%d rows in %s, %.0f rows/s; the server's memory: %.1f MiB before, %.1f MiB maximum\n",
		got, took.Round(time.Millisecond), float64(got)/took.Seconds(), mebibytes(idle), mebibytes(most))
	switch {
	case got != *rows:
		return fmt.Errorf("%d rows arrived, and the vendor holds %d", got, *rows)
	case most >= *limit<<20:
		return fmt.Errorf("the server took %.1f MiB, and must stay under %d MiB", mebibytes(most), *limit)
	}
	return nil
}

func mebibytes(bytes int) float64 { return float64(bytes) / (1 << 20) }
