// Command measure measures an engine of the archive beside raw SQL on the same database. It is a
// part of bench/archive, which runs it and says what its figures mean.
//
// The figures go to standard output as lines of JSON.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"runtime/pprof"
	"strconv"
	"strings"

	"github.com/drmhub/drmhub/server/internal/archive"
	"github.com/drmhub/drmhub/server/internal/archive/archivetest"
	"github.com/drmhub/drmhub/server/internal/archive/clickhouse"
	"github.com/drmhub/drmhub/server/internal/archive/sqldb"
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

func run(ctx context.Context, args []string, out io.Writer) (err error) {
	flags := flag.NewFlagSet("measure", flag.ContinueOnError)
	var m measurement
	flags.StringVar(&m.dsn, "dsn", "", "the `DSN` of an empty archive")
	rawDSN := flags.String("raw", "", "the `DSN` of an empty database of the same kind, for raw SQL; "+
		"without it, the archive is filled, and nothing is measured")
	flags.IntVar(&m.rows, "rows", 500_000, "the `rows` of the world, about")
	flags.Func("server", "the `pid` of a database server, whose time counts too", func(pid string) error {
		n, err := strconv.Atoi(pid)
		m.servers = append(m.servers, n)
		return err
	})
	profile := flags.String("profile", "", "write a profile of the processor to this `file`")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *profile != "" {
		f, err := os.Create(*profile)
		if err != nil {
			return err
		}
		defer f.Close()
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	// The world is in memory, and a server has none. Each collection looks at it, and would be paid
	// for by whatever runs then.
	debug.SetGCPercent(400)
	m.out, m.world = out, archivetest.NewWorld(archivetest.FullSize(m.rows))
	m.large = strings.HasPrefix(m.dsn, "clickhouse:")
	if m.engine, err = open(ctx, m.dsn); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, m.engine.Close()) }()
	if *rawDSN == "" {
		return m.fill(ctx)
	}
	if m.raw, err = openRaw(ctx, *rawDSN); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, m.raw.db.Close()) }()
	for _, part := range []func(context.Context) error{m.ingest, m.nothingNew, m.queries} {
		if err := part(ctx); err != nil {
			return err
		}
	}
	return nil
}

func open(ctx context.Context, dsn string) (archive.Engine, error) {
	scheme, _, _ := strings.Cut(dsn, ":")
	switch scheme {
	case "sqlite", "postgres":
		return sqldb.Open(ctx, dsn)
	case "clickhouse":
		return clickhouse.Open(ctx, dsn)
	}
	return nil, fmt.Errorf("no engine takes the DSN %q", scheme)
}

// A measurement is one run.
type measurement struct {
	out     io.Writer
	world   *archivetest.World
	dsn     string // of the archive
	engine  archive.Engine
	raw     *raw
	rows    int
	servers []int
	large   bool // after the first rows, the archive is filled in large chunks

	newest []archive.Replacement // what the ingest wrote last, of the newest time
}

// A Figure is a line of the result.
type Figure struct {
	Name string `json:"name"`
	// Engine and Raw are what the archive and raw SQL take or reach. Unit is "ms", "rows/s" or
	// "bytes".
	Engine float64 `json:"engine"`
	Raw    float64 `json:"raw,omitempty"`
	Unit   string  `json:"unit"`
	// Note says more.
	Note string `json:"note,omitempty"`
}

func (m *measurement) report(f Figure) error { return json.NewEncoder(m.out).Encode(f) }
