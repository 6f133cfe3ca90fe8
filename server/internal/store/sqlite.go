package store

import (
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"

	_ "modernc.org/sqlite" // the driver "sqlite"
)

const (
	// sqliteWrites waits up to 10 s for other processes. A transaction takes the lock as it begins,
	// and is on the disk when it has ended.
	sqliteWrites = "_busy_timeout=10000&_txlock=immediate&_pragma=foreign_keys(1)&_pragma=synchronous(full)"
	sqliteReads  = "_busy_timeout=10000&_query_only=1&mode=rw"
)

// openSQLite opens a file, or memory. One connection writes, since SQLite lets one write at a time.
func openSQLite(name string, toWrite bool) (reads, writes *sql.DB, err error) {
	if name == ":memory:" && toWrite {
		only, err := sql.Open("sqlite", "file::memory:?"+sqliteWrites)
		if err != nil {
			return nil, nil, err
		}
		only.SetMaxOpenConns(1) // every connection would have a memory of its own
		return only, only, nil
	}
	file, err := sqliteFile(name)
	if err != nil {
		return nil, nil, err
	}
	mode := os.O_RDONLY
	if toWrite {
		mode = os.O_RDWR | os.O_CREATE
	}
	made, err := os.OpenFile(file, mode, 0o600) // SQLite would let everybody read it
	if err != nil {
		return nil, nil, fmt.Errorf("the store's file cannot be used: %w", err)
	}
	if err := made.Close(); err != nil {
		return nil, nil, err
	}
	uri := "file:" + (&url.URL{Path: file}).EscapedPath()
	if reads, err = sql.Open("sqlite", uri+"?"+sqliteReads); err != nil {
		return nil, nil, err
	}
	reads.SetMaxOpenConns(4)
	if !toWrite {
		return reads, reads, nil
	}
	if writes, err = sql.Open("sqlite", uri+"?mode=rw&_pragma=journal_mode(wal)&"+sqliteWrites); err != nil {
		return nil, nil, errors.Join(err, reads.Close())
	}
	writes.SetMaxOpenConns(1)
	return reads, writes, nil
}

// sqliteFile is the file that stands behind sqlite: in a DSN.
func sqliteFile(name string) (string, error) {
	if strings.HasPrefix(name, "///") { // a URL with an empty host, as others write it
		name = name[2:]
	}
	switch {
	case name == ":memory:":
		return "", errors.New("the store is in memory, and was never anywhere else")
	case name == "", strings.HasPrefix(name, "//"), strings.HasPrefix(name, ":"):
		return "", errors.New("the store's dsn names no file: write sqlite:drmhub.db or sqlite:/var/lib/drmhub/drmhub.db")
	}
	return name, nil
}
