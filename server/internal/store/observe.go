package store

import (
	"database/sql"
	"errors"
	"time"

	"github.com/drmhub/drmhub/server/internal/database"
)

// An Observer is told of the transactions of a DB. It must not block.
type Observer interface {
	// Committed reports how long a transaction took, how many writes it held, and how it failed.
	Committed(took time.Duration, writes int, failed Failure)
}

// A Failure says why a transaction left nothing behind.
type Failure string

// The failures of transactions.
const (
	// Success means that the transaction is durable.
	Success Failure = ""
	// Unavailable means that the database failed. A transaction whose commit failed may be durable.
	Unavailable Failure = "unavailable"
	// Conflict means that PostgreSQL rolled the transaction back in favor of another one. The store
	// runs it again.
	Conflict Failure = "conflict"
	// WriteFailed means that one of the writes failed.
	WriteFailed Failure = "write"
)

// Failures are the failures but Success.
var Failures = []Failure{Unavailable, Conflict, WriteFailed}

// Observe sets the observer of all later transactions.
func (d *DB) Observe(o Observer) { d.observer.Store(&o) }

// commit runs the writes in one transaction, and tells the observer. failed is the write whose
// error ended the transaction, or nil if the transaction itself failed.
func (d *DB) commit(batch []*write) (failed *write, err error) {
	began := time.Now()
	failed, err = d.transact(batch)
	if o := d.observer.Load(); o != nil {
		(*o).Committed(time.Since(began), len(batch), failureOf(failed, err))
	}
	return failed, err
}

func failureOf(failed *write, err error) Failure {
	switch {
	case err == nil:
		return Success
	case errors.Is(err, database.ErrBroke):
		return Unavailable
	case database.IsRetryable(err):
		return Conflict
	case failed != nil:
		return WriteFailed
	}
	return Unavailable
}

// A Load is how busy a database is.
type Load struct {
	// Queued is how many writes wait for a transaction.
	Queued int
	// Reads and Writes are the pools of connections. They are the same pool if the database is in
	// memory.
	Reads, Writes sql.DBStats
}

// Load returns how busy the database is now.
func (d *DB) Load() Load {
	return Load{Queued: d.queue.size(), Reads: d.reads.Stats(), Writes: d.writes.Stats()}
}
