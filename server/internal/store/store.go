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
	"strings"
	"sync"
	"sync/atomic"

	"github.com/pressly/goose/v3"
)

// Memory is the DSN of a SQLite database that exists while it is open.
const Memory = "sqlite::memory:"

// A DB is an open database with the tables of this version. It is safe for concurrent use.
type DB struct {
	reads, writes *sql.DB
	dialect       goose.Dialect
	queue         chan *write
	stopped       chan struct{} // closed after the last write
	hooks         atomic.Pointer[Hooks]
	observer      atomic.Pointer[Observer]
	file          *openFile // nil unless the database is a file

	closing sync.RWMutex // held for reading by those that send to queue
	closed  bool         // queue is closed too
}

// Open opens the database that dsn names, and updates its tables to this version:
//
//	sqlite:FILE       a file; Open creates it if it is missing, and only its owner can read it
//	sqlite::memory:   the DSN Memory
//	postgres://…      a PostgreSQL server; pgx also reads libpq's environment and password file
//
// Errors contain no password. ctx bounds the opening only.
func Open(ctx context.Context, dsn string) (*DB, error) {
	d, err := open(dsn, true)
	if err != nil {
		return nil, err
	}
	if err := d.migrate(ctx); err != nil {
		return nil, errors.Join(err, d.closePools())
	}
	go d.commitAll()
	return d, nil
}

// View opens a database that Open has created, for reading only. Write returns ErrClosed.
func View(ctx context.Context, dsn string) (*DB, error) {
	d, err := open(dsn, false)
	if err != nil {
		return nil, err
	}
	if err := d.checkVersion(ctx); err != nil {
		return nil, errors.Join(err, d.closePools())
	}
	d.closed = true
	close(d.stopped)
	return d, nil
}

// open prepares the connections, which open at their first use. Unless toWrite is set, the database
// must exist.
func open(dsn string, toWrite bool) (*DB, error) {
	d := &DB{queue: make(chan *write, maxBatch), stopped: make(chan struct{})}
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

// Reads returns the pool for queries that change nothing. Close their rows before the next Write: a
// database in memory has one connection for both.
func (d *DB) Reads() *sql.DB { return d.reads }

// Close waits for the writes that have been queued, and closes the database. Later writes return
// ErrClosed.
func (d *DB) Close() error {
	d.closing.Lock()
	if !d.closed {
		d.closed = true
		close(d.queue)
	}
	d.closing.Unlock()
	<-d.stopped
	return d.closePools()
}

func (d *DB) closePools() error {
	if d.reads == d.writes {
		return d.reads.Close()
	}
	return errors.Join(d.reads.Close(), d.writes.Close())
}
