// Package store is the database that the journal and the audit trail are kept in: SQLite inside the
// process, or PostgreSQL for several replicas.
//
// Both speak the same SQL here: parameters are $1, $2 …, instants are BIGINT microseconds since
// 1970 (UTC), and ON CONFLICT and RETURNING are known to both. The order of texts is not the same:
// PostgreSQL sorts them as its database was told to.
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

// Memory is the DSN of a SQLite database that lives as long as it is open.
const Memory = "sqlite::memory:"

// DB is an open database with the tables of this version. It is safe for concurrent use.
type DB struct {
	reads, writes *sql.DB
	dialect       goose.Dialect
	queue         chan *write
	stopped       chan struct{} // closed when nothing is written any more
	hooks         atomic.Pointer[Hooks]

	closing sync.RWMutex // held for reading by who puts into queue
	closed  bool         // so is the queue
}

// Open opens the database that dsn names, and brings its tables up to this version:
//
//	sqlite:FILE       a file, which is made where it is not there; only its owner can read it then
//	sqlite::memory:   is Memory
//	postgres://…      as pgx reads it, which knows libpq's environment variables and password file, too
//
// Its error holds no password. ctx bounds the opening alone.
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

// View opens a database that Open has made, to be read alone: nothing in it is changed, and Write
// answers ErrClosed.
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

// open prepares the connections, which are made when they are used. Where nothing is to be written,
// the database must be there.
func open(dsn string, toWrite bool) (*DB, error) {
	d := &DB{queue: make(chan *write, largestBatch), stopped: make(chan struct{})}
	var err error
	switch scheme, rest, _ := strings.Cut(dsn, ":"); scheme {
	case "sqlite":
		d.dialect = goose.DialectSQLite3
		d.reads, d.writes, err = openSQLite(rest, toWrite)
	case "postgres", "postgresql":
		d.dialect = goose.DialectPostgres
		d.reads, d.writes, err = openPostgres(dsn)
	default:
		err = errors.New("the store's dsn must begin with sqlite: or postgres://")
	}
	return d, err
}

// Reads is for queries that change nothing. Their rows must be closed before the next Write: in
// memory there is one connection for both.
func (d *DB) Reads() *sql.DB { return d.reads }

// Close waits for the writes that were handed in, and closes the database. Writes that come later
// answer ErrClosed.
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
