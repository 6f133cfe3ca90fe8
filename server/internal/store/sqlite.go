package store

import (
	"database/sql"
	"errors"
	"fmt"

	"github.com/drmhub/drmhub/server/internal/database"
)

var (
	sqliteReads = fmt.Sprintf("_busy_timeout=%d&_query_only=1&mode=rw", maxFileWait.Milliseconds())
	// sqliteWrites makes a transaction take the lock when it begins. A committed transaction is on
	// the disk.
	sqliteWrites = fmt.Sprintf("_busy_timeout=%d&_txlock=immediate&_pragma=foreign_keys(1)&_pragma=synchronous(full)",
		maxFileWait.Milliseconds())
)

// openSQLite opens a file, or memory. SQLite allows one write at a time, so one connection writes.
func openSQLite(name string, toWrite bool) (reads, writes *sql.DB, opened *database.File, err error) {
	if name == database.Memory {
		if !toWrite {
			return nil, nil, nil, errors.New("the store is in memory, so another process cannot read it: " +
				"configure a file or PostgreSQL")
		}
		only, err := database.OpenSQLite("file::memory:?" + sqliteWrites)
		if err != nil {
			return nil, nil, nil, err
		}
		only.SetMaxOpenConns(1) // Each connection would have its own memory.
		return only, only, nil, nil
	}
	file, err := database.SQLiteFile("store", name)
	if err != nil {
		return nil, nil, nil, err
	}
	if opened, err = database.OpenFile("store", file, toWrite); err != nil {
		return nil, nil, nil, err
	}
	uri := database.SQLiteURI(file)
	if reads, err = database.OpenSQLite(uri + "?" + sqliteReads); err != nil {
		return nil, nil, nil, errors.Join(err, opened.Close())
	}
	reads.SetMaxOpenConns(5) // one of them is the anchor
	if !toWrite {
		return reads, reads, opened, nil
	}
	if writes, err = database.OpenSQLite(uri + "?mode=rw&_pragma=journal_mode(wal)&" + sqliteWrites); err != nil {
		return nil, nil, nil, errors.Join(err, reads.Close(), opened.Close())
	}
	writes.SetMaxOpenConns(1)
	return reads, writes, opened, nil
}
