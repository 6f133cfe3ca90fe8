// Command restart replaces two replicas on PostgreSQL in turn while clients make mutations, and
// judges what the clients were told by what the vendor has.
//
//	go run ./bench/restart
//	go run ./bench/restart -rate 100 -time 2m
//
// A mutation is CreateProductLicense for a user of its own, at AminoTV's twin on loopback.
// Mutations begin at a steady rate, however long the earlier ones take. A client calls one replica,
// over gRPC or REST. It repeats a call as docs/clients.md says, with the same request_id, at the
// other replica. The replicas are the real server, built from this source. Each in its turn gets
// SIGTERM, ends, and is started again.
//
// The command fails if:
//
//   - lost: a license is missing whose caller was told of a success,
//   - doubled: a user has two licenses,
//   - failed: a client was told of a failure, or gave up.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"time"

	"github.com/drmhub/drmhub/bench/internal/program"
	"github.com/drmhub/drmhub/internal/postgres"
)

func main() { program.Main(run) }

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("restart", flag.ContinueOnError)
	rate := flags.Int("rate", 100, "how many mutations begin a `second`")
	length := flags.Duration("time", 2*time.Minute, "how `long` mutations begin")
	if err := flags.Parse(args); err != nil {
		return err
	}
	running, err := program.Begin("restart")
	if err != nil {
		return err
	}
	defer running.Close()
	binary, err := program.Build(ctx, running.Folder)
	if err != nil {
		return err
	}
	dsn, drop, err := postgres.Database(ctx)
	if err != nil {
		return err
	}
	defer drop()
	r, err := roll(ctx, binary, running.Folder, dsn, *rate, *length)
	if err != nil {
		return err
	}
	fmt.Fprintln(out, r)
	return r.problem()
}

// roll replaces two replicas in turn while mutations begin.
func roll(ctx context.Context, binary, folder, dsn string, rate int, length time.Duration) (*result, error) {
	b, err := newTestbed(ctx, folder, dsn)
	if err != nil {
		return nil, err
	}
	defer b.stop()
	all := []*replica{
		{binary: binary, config: b.config, name: "replica-0"}, {binary: binary, config: b.config, name: "replica-1"},
	}
	defer func() {
		for _, r := range all {
			r.stop()
		}
	}()
	for _, r := range all {
		if err := r.start(); err != nil {
			return nil, err
		}
	}
	clients, err := newClients(b, all)
	if err != nil {
		return nil, err
	}
	defer clients.close()
	ctx, cancel := context.WithTimeout(ctx, length)
	defer cancel()
	rolled := make(chan error, 1)
	restarts := 0
	go func() {
		for ctx.Err() == nil {
			r := all[restarts%2]
			r.stop()
			if err := r.start(); err != nil {
				rolled <- err
				return
			}
			restarts++
		}
		rolled <- nil
	}()
	outcome := clients.load(ctx, rate)
	if err := <-rolled; err != nil {
		return nil, err
	}
	outcome.restarts = restarts
	b.judge(outcome)
	return outcome, nil
}
