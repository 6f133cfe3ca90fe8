package store

import (
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"strings"

	_ "modernc.org/sqlite" // the driver "sqlite"
)

var (
	sqliteReads = fmt.Sprintf("_busy_timeout=%d&_query_only=1&mode=rw", maxFileWait.Milliseconds())
	// sqliteWrites makes a transaction take the lock when it begins. A committed transaction is on
	// the disk.
	sqliteWrites = fmt.Sprintf("_busy_timeout=%d&_txlock=immediate&_pragma=foreign_keys(1)&_pragma=synchronous(full)",
		maxFileWait.Milliseconds())
)

// openSQLite opens a file, or memory. SQLite allows one write at a time, so one connection writes.
func openSQLite(name string, toWrite bool) (reads, writes *sql.DB, opened *openFile, err error) {
	if name == ":memory:" && toWrite {
		only, err := sql.Open("sqlite", "file::memory:?"+sqliteWrites)
		if err != nil {
			return nil, nil, nil, err
		}
		only.SetMaxOpenConns(1) // Each connection would have its own memory.
		return only, only, nil, nil
	}
	file, err := sqliteFile(name)
	if err != nil {
		return nil, nil, nil, err
	}
	if opened, err = openDatabase(file, toWrite); err != nil {
		return nil, nil, nil, err
	}
	uri := "file:" + (&url.URL{Path: file}).EscapedPath()
	if reads, err = sql.Open("sqlite", uri+"?"+sqliteReads); err != nil {
		return nil, nil, nil, errors.Join(err, opened.close())
	}
	reads.SetMaxOpenConns(5) // one of them is the anchor
	if !toWrite {
		return reads, reads, opened, nil
	}
	if writes, err = sql.Open("sqlite", uri+"?mode=rw&_pragma=journal_mode(wal)&"+sqliteWrites); err != nil {
		return nil, nil, nil, errors.Join(err, reads.Close(), opened.close())
	}
	writes.SetMaxOpenConns(1)
	return reads, writes, opened, nil
}

// sqliteFile returns the file that a DSN names after "sqlite:".
func sqliteFile(name string) (string, error) {
	if strings.HasPrefix(name, "///") { // A URL with an empty host also names a file.
		name = name[2:]
	}
	switch {
	case name == ":memory:":
		return "", errors.New("the store is in memory, so another process cannot read it: " +
			"configure a file or PostgreSQL")
	case name == "", strings.HasPrefix(name, "//"), strings.HasPrefix(name, ":"):
		return "", errors.New("the store's dsn names no file: " +
			"write sqlite:drmhub.db or sqlite:/var/lib/drmhub/drmhub.db")
	}
	return name, nil
}
