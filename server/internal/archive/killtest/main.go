// Command killtest kills the passes of an archive, again and again, and then compares every row
// with what the vendor has shown.
//
//	go run ./server/internal/archive/killtest -dsn sqlite:/tmp/kill.db
//	go run ./server/internal/archive/killtest -dsn postgres://… -kills 60
//	go run ./server/internal/archive/killtest -dsn clickhouse://…
//
// A child process makes passes over the sites of a simulated vendor, whose time runs 600 times as
// fast. One in twenty rows appears late. Rows come in bursts, and some are equal. One site's
// responses are cut, one fails, and two forget their oldest rows: of one that is documented. One
// site loses single rows, before they are final and later. The clock of the archive is ahead of the
// vendor's. Two of three children first change the archive: one erases a viewer, and one forgets
// the oldest rows of a site.
//
// The command kills the child with SIGKILL. Half of the times, it is at a chosen point: at the n-th
// time that the engine looks at its context while it writes, or between two calls of the engine.
// The other half is at a random time. Then a last child catches up. The command fails if a row is
// lost or doubled, if a span that was final is no longer, or if a count differs from a recount. It
// also fails if a row shows an erased viewer, if a row comes back that the archive has forgotten,
// if a row that was final goes because the vendor deletes it, or if no pass reports that.
//
// The archive must be empty at the start.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("killtest", flag.ContinueOnError)
	var o options
	flags.StringVar(&o.dsn, "dsn", "", "the `DSN` of an empty archive")
	flags.IntVar(&o.kills, "kills", 40, "how `often` to kill")
	flags.IntVar(&o.rows, "rows", 100_000, "the `rows` that the vendor has, about")
	flags.Uint64Var(&o.seed, "seed", uint64(time.Now().UnixNano()), "the `seed` of the choice of points and times")
	var c child
	flags.BoolVar(&c.is, "child", false, "be the process that is killed")
	flags.Int64Var(&c.began, "began", 0, "when the vendor's time began to run, in `nanoseconds`")
	flags.IntVar(&c.point, "point", 0, "the `number` of the point at which to die")
	flags.IntVar(&c.kill, "kill", 0, "the `number` of the kill, which says what the child changes first")
	flags.Int64Var(&c.until, "until", 0, "the `second` at which the vendor's time ends; the child catches up with it")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if o.dsn == "" {
		return errors.New("-dsn is missing")
	}
	c.options = o
	if c.is {
		return c.run(ctx, out)
	}
	return o.run(ctx, out)
}
