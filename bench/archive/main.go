// Command archive measures the archive beside raw SQL on the same database, and kills it.
//
//	go run ./bench/archive                                  a million rows in SQLite
//	go run ./bench/archive -rows 5000000 -engine postgres
//	go run ./bench/archive -engine clickhouse -rows 20000000 -shards 2
//	go run ./bench/archive -kills 40                        the kill test in place of the measurement
//
// The world is the same at each run: 90 days of 40 sites whose sizes follow Zipf's law, 250,000
// users, 12 codes, 8 % of the requests refused, equal rows and bursts. SQLite's files are in the
// folder for temporary files. A PostgreSQL or ClickHouse server is started for the run, unless -dsn
// names one.
//
// A process of its own fills the archive and asks it, in turns with raw SQL. Raw SQL has one table
// of numbers with one index. Its texts are numbered outside of the database, and never come back as
// texts. So the comparison favors raw SQL. Raw SQL asks the same: users and devices are distinct.
// Rates are per second of the processor, with that of the database server, where the program has
// started it. The world is in the memory of that process, so its garbage collector runs more rarely
// than by default. ClickHouse gets the first 500,000 rows in chunks of 4,000, as a backfill does,
// and the others in chunks of 100,000.
//
// Then the real server, built from this source, opens the archive. The program asks it over gRPC,
// exports a million rows, and reads its maximum memory (VmHWM of /proc).
//
// What raw SQL takes grows with the rows, and what the archive's counts by day and month take does
// not. So a smaller world shows smaller ratios.
//
// The program fails if a figure misses what is demanded of it. Nothing is demanded of ClickHouse.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"

	"github.com/drmhub/drmhub/bench/internal/program"
)

func main() { program.Main(run) }

type options struct {
	engine string
	dsn    string
	rows   int
	kills  int
	shards int
}

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("archive", flag.ContinueOnError)
	var o options
	flags.StringVar(&o.engine, "engine", "sqlite", "the `engine`: sqlite, postgres or clickhouse")
	flags.StringVar(&o.dsn, "dsn", "", "the `DSN` of an empty database; by default a server is started")
	flags.IntVar(&o.rows, "rows", 1_000_000, "the `rows` of the world, about")
	flags.IntVar(&o.kills, "kills", 0, "run the kill test with this `number` of kills")
	flags.IntVar(&o.shards, "shards", 1, "the `number` of ClickHouse's servers, 1 or 2")
	if err := flags.Parse(args); err != nil {
		return err
	}
	running, err := program.Begin("archive")
	if err != nil {
		return err
	}
	defer running.Close()
	folder := running.Folder
	place, err := o.place(ctx, folder)
	if err != nil {
		return err
	}
	running.OnClose(place.stop)
	if o.kills > 0 {
		return o.kill(ctx, folder, place, out)
	}
	t := newTable(out, o.engine, o.rows)
	if err := o.measure(ctx, folder, place, t); err != nil {
		return err
	}
	if err := overServer(ctx, running, place.archive, t); err != nil {
		return err
	}
	return t.Missed()
}

// build compiles a program of the archive.
func build(ctx context.Context, folder, name string) (binary string, err error) {
	return program.Compile(ctx, folder, "server/internal/archive/"+name)
}

func (o options) kill(ctx context.Context, folder string, p place, out io.Writer) error {
	binary, err := build(ctx, folder, "killtest")
	if err != nil {
		return err
	}
	//nolint:gosec // It was built above.
	c := exec.CommandContext(ctx, binary, "-dsn", p.archive, "-kills", strconv.Itoa(o.kills))
	c.Stdout, c.Stderr = out, os.Stderr
	return c.Run()
}

// measure runs the program that measures, and adds its figures to the table.
func (o options) measure(ctx context.Context, folder string, p place, t *table) error {
	binary, err := build(ctx, folder, "measure")
	if err != nil {
		return err
	}
	args := []string{"-dsn", p.archive, "-raw", p.raw, "-rows", strconv.Itoa(o.rows)}
	for _, pid := range p.servers {
		args = append(args, "-server", strconv.Itoa(pid))
	}
	c := exec.CommandContext(ctx, binary, args...) //nolint:gosec // It was built above.
	c.Stderr = os.Stderr
	lines, err := c.StdoutPipe()
	if err != nil {
		return err
	}
	if err := c.Start(); err != nil {
		return err
	}
	if err := t.read(lines); err != nil {
		return errors.Join(err, c.Process.Kill(), c.Wait())
	}
	if err := c.Wait(); err != nil {
		return fmt.Errorf("measuring: %w", err)
	}
	return nil
}
