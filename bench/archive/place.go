package main

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/drmhub/drmhub/internal/clickhouse"
	"github.com/drmhub/drmhub/internal/postgres"
)

// A place is where the archive and the table of raw SQL are kept.
type place struct {
	archive, raw string // DSNs
	servers      []int  // the processes of the database servers that were started
	stop         func()
}

// place makes two empty databases.
func (o options) place(ctx context.Context, folder string) (place, error) {
	switch o.engine {
	case "sqlite":
		return place{
			archive: "sqlite:" + filepath.Join(folder, "archive.db"), raw: "sqlite:" + filepath.Join(folder, "raw.db"),
			stop: func() {},
		}, nil
	case "postgres":
		return o.two(func() (string, func(), error) { return postgres.Database(ctx) })
	case "clickhouse":
		return o.two(func() (string, func(), error) { return clickhouse.Database(ctx, o.shards) })
	}
	return place{}, fmt.Errorf("there is no engine %q", o.engine)
}

// two makes two databases on a server, unless -dsn names one.
func (o options) two(database func() (dsn string, drop func(), err error)) (p place, err error) {
	if o.dsn != "" {
		return place{archive: o.dsn, raw: o.dsn, stop: func() {}}, nil
	}
	archive, dropArchive, err := database()
	if err != nil {
		return place{}, err
	}
	raw, dropRaw, err := database()
	if err != nil {
		dropArchive()
		return place{}, err
	}
	return place{archive: archive, raw: raw, servers: servers(archive), stop: func() {
		dropArchive()
		dropRaw()
	}}, nil
}

// servers returns the processes that this one has started so far, and PostgreSQL's server of a DSN.
// That server is found by its socket, which is in the server's folder, since it belongs to no
// process.
func servers(dsn string) (pids []int) {
	children, _ := filepath.Glob("/proc/self/task/*/children") // The pattern is well-formed.
	for _, path := range children {
		list, _ := os.ReadFile(path) // A thread can have ended.
		for pid := range strings.FieldsSeq(string(list)) {
			n, _ := strconv.Atoi(pid) // The kernel writes numbers.
			pids = append(pids, n)
		}
	}
	u, err := url.Parse(dsn)
	if err != nil {
		return pids
	}
	file, err := os.ReadFile(filepath.Join(u.Query().Get("host"), "postmaster.pid"))
	if err != nil {
		return pids // It is not PostgreSQL, or runs elsewhere.
	}
	line, _, _ := strings.Cut(string(file), "\n")
	pid, _ := strconv.Atoi(line)
	return append(pids, pid)
}
