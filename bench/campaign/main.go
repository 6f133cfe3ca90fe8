// Command campaign makes thousands of mutations while everything around them fails. Then it
// compares the journal with the effects at the vendors, record by record.
//
//	go run ./bench/campaign --mutations 10000 --seed 1
//	go run ./bench/campaign --mutations 500 --store sqlite
//
// Several clients call every mutating RPC of every vendor. Each call has a request_id and a
// deadline. After an unknown outcome, an unavailable server or a broken connection, the client
// retries with the same request_id at any replica. It ends with a definite response, or gives up,
// and then the server must settle the mutation by itself.
//
// The vendors are the four twins, in this process. They cut connections before a write and after
// it, send 5xx and throttle. They send bodies that are not JSON or have no end. They stall longer
// than any client waits and then go on with the write, and they restart. They refuse with an
// unknown code what took effect, show a page again, and spell their JSON otherwise. A proxy sends
// responses of its own. The server is the real one, built from this source: one process on SQLite,
// and two on one PostgreSQL. They are killed with SIGKILL at random moments and started again at
// once.
//
// Sixteen callers have tokens. Each is confined to vendors, to sites or to scopes, except for two
// admins. Some ops of different callers have the same request_id. Wrong callers try the same
// requests: with an expired token, without the scope, or for another vendor. All the while a spy
// lists, gets, settles and resends records as each caller. Calls are over gRPC and REST.
//
// In the end nothing fails, and the servers settle the open mutations. Then each mutation of the
// journal and each effect in the twins' ledgers must belong together:
//
//	lost         SUCCEEDED without an effect at the vendor,
//	             or a last effect that is not the last state
//	doubled      more than one effect of one request_id
//	misreported  FAILED with an effect; told to a client otherwise than the journal says;
//	             two responses to one request_id; an effect that no mutation claims;
//	             something that nobody settles;
//	             Irdeto's entitlements differ from AminoTV's licenses
//
//	leaked       a record that its caller may not see, in a list, an audit event or an error;
//	             a change of it, or a call by a wrong caller, that was not refused
//
// The reset of a password and the registration of a certificate cannot be read back. They may stay
// unknown forever, with one effect or none. All calls that succeeded are made once more, and must
// have the same response and no effect. The command fails unless the last three columns are zero
// and nothing leaked. It explains each discrepancy.
//
// PostgreSQL is the server in DRMHUB_TEST_POSTGRES, which is a postgres:// DSN with the right to
// create databases. Without it, the command starts a server. The mutations, and the requests that
// meet faults, follow from the seed. The timing does not. The command needs Go and Linux.
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
	program.Main(func(ctx context.Context, args []string, out io.Writer) error {
		return command(ctx, args, out, os.Stderr)
	})
}

func command(ctx context.Context, args []string, out, progress io.Writer) error {
	o := options{
		Round: 2500, Callers: 64, Patience: 40 * time.Second,
		Timeout: time.Second, Late: 2500 * time.Millisecond, Quiet: 6 * time.Second,
		KillEvery: 10 * time.Second, Restarts: 20 * time.Second, Hurry: 20 * time.Second,
	}
	flags := flag.NewFlagSet("campaign", flag.ContinueOnError)
	flags.Uint64Var(&o.Seed, "seed", 1, "the `number` that all random choices follow from")
	flags.IntVar(&o.Mutations, "mutations", 10_000, "the `number` of mutations to ask for, on each store")
	flags.IntVar(&o.Callers, "callers", o.Callers, "the `number` of calls at the same time")
	store := flags.String("store", "", "sqlite or postgres; by default, one after the other")
	binary := program.Flag(flags)
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *store != "" && *store != "sqlite" && *store != "postgres" {
		return fmt.Errorf("--store must be sqlite or postgres: %q", *store)
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

// report runs a campaign, and prints its result.
func report(ctx context.Context, o options, title, binary, dsn string, replicas int, out, progress io.Writer) error {
	begun := time.Now()
	res, err := run(ctx, o, binary, dsn, replicas, progress)
	fmt.Fprintf(out, "\n%s, seed %d, %v:\n\n", title, o.Seed, time.Since(begun).Round(time.Second))
	res.print(out)
	res.explain(out, o)
	return errors.Join(err, res.err(o))
}
