package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"slices"
	"time"
)

const (
	// largestBatch is how many writes share a transaction at most.
	largestBatch = 128
	// longestTransaction is how long a transaction may take. The database may be out of reach, and
	// its locks those of a process that froze.
	longestTransaction = 15 * time.Second
	// attempts is how often a write is run that the database ends in favour of another one, each
	// time after a longer pause, so that the other can end.
	attempts = 6
	pause    = 20 * time.Millisecond
)

// ErrClosed is the error of a write that comes after Close, or to a database that is only viewed.
var ErrClosed = errors.New("the store is closed for writing")

// write is one write that waits for its commit.
type write struct {
	ctx  context.Context
	do   func(context.Context, *sql.Tx) error
	done chan error // has room for one
}

// Write runs do in a transaction, and returns when that is durable. Writes that wait at the same
// time share a transaction, and with it the wait for the disk.
//
// do may run more than once: it is run again, alone, where it failed in a transaction with others,
// and together with others where one of them failed. Its error undoes what it wrote. It must use
// the context that it is given, leave the end of the transaction to Write, and not call Write or
// Reads itself. ctx is heeded until do runs for the first time.
//
// After an error of the commit itself, the write may be durable or not.
func (d *DB) Write(ctx context.Context, do func(context.Context, *sql.Tx) error) error {
	w := &write{ctx: ctx, do: do, done: make(chan error, 1)}
	if err := d.enqueue(w); err != nil {
		return err
	}
	return <-w.done // comes soon: a transaction waits for nobody but the database, and not for long
}

func (d *DB) enqueue(w *write) error {
	d.closing.RLock()
	defer d.closing.RUnlock()
	if d.closed {
		return ErrClosed
	}
	select {
	case d.queue <- w:
		return nil
	case <-w.ctx.Done():
		return w.ctx.Err()
	}
}

// commitAll takes what waits, over and over, until the queue is closed.
func (d *DB) commitAll() {
	defer close(d.stopped)
	for first := range d.queue {
		batch := []*write{first}
	gather:
		for len(batch) < largestBatch {
			select {
			case w, ok := <-d.queue:
				if !ok {
					break gather
				}
				batch = append(batch, w)
			default:
				break gather
			}
		}
		d.commitBatch(batch)
	}
}

// commitBatch commits the writes at once. One that fails is taken out and run alone, since its
// failure may be the others' doing.
func (d *DB) commitBatch(batch []*write) {
	batch = slices.DeleteFunc(batch, func(w *write) bool {
		err := w.ctx.Err()
		if err != nil {
			w.done <- err
		}
		return err != nil
	})
	for len(batch) > 1 {
		failed, err := d.commit(batch)
		if failed == nil {
			for _, w := range batch {
				w.done <- err
			}
			return
		}
		failed.done <- d.commitAlone(failed)
		batch = slices.DeleteFunc(batch, func(w *write) bool { return w == failed })
	}
	for _, w := range batch {
		w.done <- d.commitAlone(w)
	}
}

func (d *DB) commitAlone(w *write) (err error) {
	for attempt := range attempts {
		time.Sleep(time.Duration(attempt) * (pause + rand.N(pause))) //nolint:gosec // It spreads attempts, and guards nothing.
		if _, err = d.commit([]*write{w}); !isRetryable(err) {
			return err
		}
	}
	return err
}

// commit runs the writes in one transaction. failed is the one whose error ended it; it is nil
// where the transaction itself failed.
func (d *DB) commit(batch []*write) (failed *write, err error) {
	// of all the writes at once: none of their callers ends it
	ctx, cancel := context.WithTimeout(context.Background(), longestTransaction)
	defer cancel()
	tx, err := d.writes.BeginTx(ctx, nil)
	if err != nil {
		return nil, fmt.Errorf("the store takes no writes: %w", timeoutError(ctx, err))
	}
	defer func() { _ = tx.Rollback() }() // does nothing after a commit
	for _, w := range batch {
		if err := w.run(ctx, tx); err != nil {
			if ctx.Err() != nil {
				return nil, timeoutError(ctx, err)
			}
			return w, err
		}
	}
	hooks := d.hooks.Load()
	if hooks != nil && hooks.BeforeCommit != nil {
		if err := hooks.BeforeCommit(); err != nil {
			return nil, err
		}
	}
	if err := tx.Commit(); err != nil {
		return nil, fmt.Errorf("the store's commit failed: %w", timeoutError(ctx, err))
	}
	if hooks != nil && hooks.AfterCommit != nil {
		return nil, hooks.AfterCommit()
	}
	return nil, nil
}

// run runs the write. It may be anybody's code, and a panic in it is its caller's, not everybody's.
func (w *write) run(ctx context.Context, tx *sql.Tx) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("a write panicked: %v\n%s", p, debug.Stack())
		}
	}()
	return w.do(ctx, tx)
}

// timeoutError replaces a context error by one that names the store's own time limit.
func timeoutError(ctx context.Context, err error) error {
	if ctx.Err() == nil {
		return err
	}
	return fmt.Errorf("the store's database did not answer within %v", longestTransaction)
}

// Hooks let a test stop the process, as it were, around a write. Their error takes the place of the
// write's.
type Hooks struct {
	// BeforeCommit is called when all is written but nothing durable: its error undoes it.
	BeforeCommit func() error
	// AfterCommit is called when it is durable.
	AfterCommit func() error
}

// SetHooks sets what is called around every write from now on.
func (d *DB) SetHooks(h Hooks) { d.hooks.Store(&h) }
