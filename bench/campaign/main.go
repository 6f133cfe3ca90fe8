// Command campaign makes thousands of mutations while everything around them fails, and then
// compares what the journal says with what the vendors did, record by record.
//
//	go run ./bench/campaign --mutations 10000 --seed 1
//	go run ./bench/campaign --mutations 500 --store sqlite
//
// Several clients call every mutating RPC of every vendor, each call with a request_id and a
// deadline. On an unknown outcome, an unavailable server or a broken connection they call again
// with the same request_id, at any replica, until there is a definite answer, or give up: then the
// server has to settle it by itself. The vendors are the four twins, in this process. They cut
// connections before a write and after it, answer 5xx, throttle, answer what is no JSON or has no
// end, stall for longer than anybody waits and go on with the write then, and restart. The server
// is the real one, built from this source: one process on SQLite, two on one PostgreSQL. They are
// killed with SIGKILL at random moments and started again at once.
//
// In the end nothing fails any more, and the servers settle what is open. Then every mutation that
// the journal holds and every effect in the twins' ledgers must belong together:
//
//	lost         SUCCEEDED, and the vendor shows no effect of it,
//	             or not as the last one where it was the last
//	doubled      more effects than one for one request_id
//	misreported  FAILED with an effect; told to a client otherwise than the journal says;
//	             two responses to one request_id; an effect that no mutation claims;
//	             something that nobody settles;
//	             Irdeto's entitlements are not those of AminoTV's licenses
//
// What nobody can read back, the reset of a password and the registration of a certificate, may
// stay unknown forever, with one effect or none. All calls that succeeded are made once more: they
// must be answered as before, and do nothing. The command fails unless the last three columns are
// zero, and explains what is not. PostgreSQL is the server in DRMHUB_TEST_POSTGRES, the postgres://
// DSN of somebody who may create databases, or one that is started for the purpose. What is asked
// for, and which requests meet faults, follow from the seed; what happens at the same time does
// not. It needs Go and Linux.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/drmhub/drmhub/bench/internal/program"
	"github.com/drmhub/drmhub/internal/postgres"
)

func main() {
	program.Main(func(ctx context.Context, args []string) error { return command(ctx, args, os.Stdout, os.Stderr) })
}

func command(ctx context.Context, args []string, out, progress io.Writer) error {
	o := options{
		Round: 2500, Callers: 64, Patience: 40 * time.Second,
		Timeout: time.Second, Late: 2500 * time.Millisecond, Quiet: 6 * time.Second,
		KillEvery: 10 * time.Second, Restarts: 20 * time.Second, Hurry: 20 * time.Second,
	}
	flags := flag.NewFlagSet("campaign", flag.ContinueOnError)
	flags.Uint64Var(&o.Seed, "seed", 1, "the `number` that everything grows from")
	flags.IntVar(&o.Mutations, "mutations", 10_000, "how `many` mutations to ask for, on each store")
	flags.IntVar(&o.Callers, "callers", o.Callers, "how `many` calls to make at the same time")
	store := flags.String("store", "", "sqlite, postgres or, by default, one after the other")
	binary := flags.String("server", "", "the server's `program`; without it, it is built from this source")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *store != "" && *store != "sqlite" && *store != "postgres" {
		return fmt.Errorf("--store must be sqlite or postgres, and not %q", *store)
	}
	if *binary == "" {
		folder, err := os.MkdirTemp("", "campaign-server")
		if err != nil {
			return err
		}
		defer func() { _ = os.RemoveAll(folder) }()
		if *binary, err = program.Build(ctx, folder); err != nil {
			return err
		}
	}
	var failed error
	if *store != "postgres" {
		failed = report(ctx, o, "One server on SQLite", *binary, "", 1, out, progress)
	}
	if *store != "sqlite" {
		dsn, stop, err := postgres.Database(ctx)
		if err != nil {
			return errors.Join(failed, err)
		}
		defer stop()
		failed = errors.Join(failed, report(ctx, o, "Two replicas on PostgreSQL", *binary, dsn, 2, out, progress))
	}
	return failed
}

// report runs a campaign, and prints what came of it.
func report(ctx context.Context, o options, title, binary, dsn string, replicas int, out, progress io.Writer) error {
	begun := time.Now()
	res, err := run(ctx, o, binary, dsn, replicas, progress)
	fmt.Fprintf(out, "\n%s, seed %d, %v:\n\n", title, o.Seed, time.Since(begun).Round(time.Second))
	res.print(out)
	res.explain(out, o)
	return errors.Join(err, res.err(o))
}
