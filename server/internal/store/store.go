// Package store is the database that the journal and the audit trail are kept in: SQLite inside the
// process, or PostgreSQL for several replicas.
//
// Both get the same SQL. Parameters are $1, $2 and so on. Instants are BIGINT microseconds since
// 1970 (UTC). Both databases know ON CONFLICT and RETURNING. The order of texts differs: PostgreSQL
// sorts them by the collation of its database.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"

	"github.com/pressly/goose/v3"

	"github.com/drmhub/drmhub/server/internal/database"
)

// Memory is the DSN of a SQLite database that exists while it is open.
const Memory = "sqlite:" + database.Memory

// A DB is an open database with the tables of this version. It is safe for concurrent use.
type DB struct {
	reads, writes *sql.DB
	dialect       goose.Dialect
	queue         *queue
	hooks         atomic.Pointer[Hooks]
	observer      atomic.Pointer[Observer]
	file          *database.File // nil unless the database is a file
}

// Open opens the database that dsn names, and updates its tables to this version:
//
//	sqlite:FILE       a file; Open creates it if it is missing, and only its owner can read it. One
//	                  process can have it open for writing
//	sqlite::memory:   the DSN Memory
//	postgres://…      a PostgreSQL server; pgx also reads libpq's environment and password file
//
// Errors contain no password. ctx bounds the opening only.
func Open(ctx context.Context, dsn string) (*DB, error) {
	d, err := open(dsn, true)
	if err != nil {
		return nil, err
	}
	if err := tables.Migrate(ctx, d.dialect, d.writes); err != nil {
		return nil, errors.Join(err, d.closePools())
	}
	if d.file != nil {
		if err := d.takeOver(ctx); err != nil {
			return nil, errors.Join(err, d.closePools())
		}
	}
	go d.commitWaiting()
	return d, nil
}

// takeOver ends the leases of the processes that had the file before this one. No other process has
// it open for writing, so all of them are dead, and nobody needs to wait for the end of their
// leases.
func (d *DB) takeOver(ctx context.Context) error {
	for _, remove := range []string{"DELETE FROM replicas", "DELETE FROM archive_leases"} {
		if _, err := d.writes.ExecContext(ctx, remove); err != nil {
			return fmt.Errorf("cannot take the store over: %w", err)
		}
	}
	return d.file.Watch(ctx, d.reads)
}

// View opens a database that Open has created, for reading only, also while another process has it
// open. Write returns ErrClosed.
func View(ctx context.Context, dsn string) (*DB, error) {
	d, err := open(dsn, false)
	if err != nil {
		return nil, err
	}
	if err := tables.CheckVersion(ctx, d.dialect, d.reads); err != nil {
		return nil, errors.Join(err, d.closePools())
	}
	d.queue.close()
	return d, nil
}

// open prepares the connections, which open at their first use. Unless toWrite is set, the database
// must exist.
func open(dsn string, toWrite bool) (*DB, error) {
	d := &DB{queue: newQueue()}
	var err error
	switch scheme, rest, _ := strings.Cut(dsn, ":"); scheme {
	case "sqlite":
		d.dialect = goose.DialectSQLite3
		d.reads, d.writes, d.file, err = openSQLite(rest, toWrite)
	case "postgres", "postgresql":
		d.dialect = goose.DialectPostgres
		d.reads, d.writes, err = openPostgres(dsn)
	default:
		err = errors.New("the store's dsn must begin with sqlite: or postgres://")
	}
	return d, err
}

// Reads returns what makes queries that change nothing. Close their rows before the next Write: a
// database in memory has one connection for both.
func (d *DB) Reads() Queries { return Queries{d} }

// Check returns an error if the database's file is no longer in its place. Nothing is read and
// written then, until the file is back. A database without a file has no error.
func (d *DB) Check() error { return d.file.Check() }

// Close waits for the writes that have been queued, and closes the database. Later writes return
// ErrClosed.
func (d *DB) Close() error {
	d.queue.close()
	return d.closePools()
}

func (d *DB) closePools() error {
	err := errors.Join(d.file.Release(), d.reads.Close())
	if d.reads != d.writes {
		err = errors.Join(err, d.writes.Close())
	}
	return errors.Join(err, d.file.Close())
}
