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
	mode := os.O_RDONLY
	if toWrite {
		mode = os.O_RDWR | os.O_CREATE
	}
	made, err := os.OpenFile(file, mode, 0o600) // SQLite would create a file that everybody can read.
	if err != nil {
		return nil, nil, nil, fmt.Errorf("cannot use the store's file: %w", err)
	}
	info, err := made.Stat()
	if err := errors.Join(err, made.Close()); err != nil {
		return nil, nil, nil, err
	}
	opened = &openFile{path: file, info: info}
	if toWrite {
		if err := keepPrivate(file, file+"-wal", file+"-shm"); err != nil {
			return nil, nil, nil, err
		}
	}
	uri := "file:" + (&url.URL{Path: file}).EscapedPath()
	if reads, err = sql.Open("sqlite", uri+"?"+sqliteReads); err != nil {
		return nil, nil, nil, err
	}
	reads.SetMaxOpenConns(4)
	if !toWrite {
		return reads, reads, opened, nil
	}
	if writes, err = sql.Open("sqlite", uri+"?mode=rw&_pragma=journal_mode(wal)&"+sqliteWrites); err != nil {
		return nil, nil, nil, errors.Join(err, reads.Close())
	}
	writes.SetMaxOpenConns(1)
	return reads, writes, opened, nil
}

// keepPrivate takes the rights of others away from files that exist already.
func keepPrivate(files ...string) error {
	for _, file := range files {
		info, err := os.Stat(file)
		if err != nil || info.Mode().Perm()&0o077 == 0 {
			continue // A missing file is created with the rights of the store's file.
		}
		if err := os.Chmod(file, info.Mode().Perm()&0o700); err != nil {
			return fmt.Errorf("others can read the store's file, and its rights cannot be changed: %w", err)
		}
	}
	return nil
}

// An openFile is the file that the connections have open.
type openFile struct {
	path string
	info os.FileInfo
}

var errReplaced = errors.New("nothing was written, since the store's file was moved, deleted or replaced: " +
	"put it back, or restart drmhub")

// check returns an error if the path no longer names the open file. SQLite would write to the old file,
// which nobody finds after a restart. A nil openFile is no file.
func (f *openFile) check() error {
	if f == nil {
		return nil
	}
	if now, err := os.Stat(f.path); err != nil || !os.SameFile(f.info, now) {
		return errReplaced
	}
	return nil
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
