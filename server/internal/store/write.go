package store

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/drmhub/drmhub/server/internal/database"
)

// maxBatch is the maximum number of writes that share a transaction.
const maxBatch = 128

// ErrClosed is the error of a write after Close, or to a database that View has opened.
var ErrClosed = errors.New("nothing was written: the store is closed for writing")

// inDoubt is the error of a commit, or of what followed it.
type inDoubt struct{ error }

func (e inDoubt) Unwrap() error { return e.error }

// MayBeDurable reports whether a write that returned this error may be durable all the same, or may
// become so within MaxCommitDelay. After any other error, it left nothing behind.
func MayBeDurable(err error) bool {
	_, is := errors.AsType[inDoubt](err)
	return is
}

// A write waits for its commit.
type write struct {
	ctx  context.Context
	do   func(context.Context, *Tx) error
	done chan error // has room for one
}

// Write runs do in a transaction, and returns when the transaction is durable. Writes that wait at
// the same time share a transaction, and so they wait for the disk once.
//
// do may run several times. If it fails in a shared transaction, it runs again alone. If another
// write of that transaction fails, it runs again with the rest. If the database rolls it back in
// favor of another transaction, it runs again after a pause, in which other writes run. If do
// returns an error, its changes are undone. do must:
//   - use the context that it gets,
//   - leave the commit and the rollback to Write,
//   - not call Write or Reads.
//
// ctx can cancel the write until do runs for the first time, and Write then returns at once. After
// a failed commit, the write may or may not be durable: MayBeDurable tells such an error from
// others.
func (d *DB) Write(ctx context.Context, do func(context.Context, *Tx) error) error {
	err := d.writeOnce(ctx, do)
	for run := 1; run < maxRuns && database.IsRetryable(err); run++ {
		pause := retryPause + rand.N(retryPause) //nolint:gosec // It spreads the runs, and guards nothing.
		time.Sleep(time.Duration(run) * pause)
		err = d.writeOnce(context.WithoutCancel(ctx), do) // ctx cancels only the first run.
	}
	return err
}

// writeOnce is Write until the database rolls the write back in favor of another transaction.
func (d *DB) writeOnce(ctx context.Context, do func(context.Context, *Tx) error) error {
	w := &write{ctx: ctx, do: do, done: make(chan error, 1)}
	alone, err := d.queue.add(w)
	if err != nil {
		return err
	}
	if alone { // Another goroutine would cost two switches.
		defer d.queue.handOver()
		d.commitBatch([]*write{w})
	}
	select {
	case err = <-w.done:
		return err
	case <-ctx.Done():
	}
	if d.queue.withdraw(w) {
		return ctx.Err()
	}
	return <-w.done // It is in a transaction, or about to be.
}

// commitWaiting commits what waits whenever the queue is handed over, until the queue is closed.
func (d *DB) commitWaiting() {
	for {
		select {
		case <-d.queue.over:
		case <-d.queue.stopped:
			return
		}
		for batch := d.queue.take(); batch != nil; batch = d.queue.take() {
			d.commitBatch(batch)
		}
	}
}

// commitBatch commits the writes together. A write that fails leaves the batch and runs alone,
// since another write may have caused its failure.
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

func (d *DB) commitAlone(w *write) error {
	_, err := d.commit([]*write{w})
	return err
}

// transact runs the writes in one transaction. Its results are those of commit.
func (d *DB) transact(batch []*write) (failed *write, err error) {
	// The transaction serves many callers, so none of them can cancel it.
	ctx, cancel := context.WithTimeout(context.Background(), maxTransaction)
	defer cancel()
	if err := d.file.Check(); err != nil {
		return nil, fmt.Errorf("nothing was written: %w", err)
	}
	tx, err := d.begin(ctx)
	if err != nil {
		return nil, fmt.Errorf("nothing was written, since the store accepts no writes: %w", timeoutError(ctx, err))
	}
	defer tx.end()
	if failed, err := tx.run(batch); err != nil {
		if ctx.Err() != nil {
			return nil, timeoutError(ctx, err)
		}
		return failed, err
	}
	hooks := d.hooks.Load()
	if hooks != nil && hooks.BeforeCommit != nil {
		if err := hooks.BeforeCommit(); err != nil {
			return nil, inDoubt{err}
		}
	}
	if err := tx.commit(); err != nil {
		return nil, inDoubt{fmt.Errorf("the store's commit failed: %w", timeoutError(ctx, err))}
	}
	if hooks != nil && hooks.AfterCommit != nil {
		err = hooks.AfterCommit()
	} else {
		err = d.file.Check() // The file may have gone during the commit.
	}
	if err != nil {
		return nil, inDoubt{err}
	}
	return nil, nil
}

// timeoutError replaces a context error by one that names the store's own time limit.
func timeoutError(ctx context.Context, err error) error {
	if ctx.Err() == nil {
		return err
	}
	return fmt.Errorf("the store's database did not respond within %v", maxTransaction)
}

// Hooks let a test simulate a crash around a commit, and see the statements. The error of a
// commit's hook replaces the error of the write.
type Hooks struct {
	// Statement gets each statement of writes and reads before it runs.
	Statement func(query string, args []any)
	// BeforeCommit runs before the commit. Its error undoes the transaction, as a commit that
	// fails.
	BeforeCommit func() error
	// AfterCommit runs when the transaction is durable.
	AfterCommit func() error
}

// SetHooks sets the hooks of all later commits.
func (d *DB) SetHooks(h Hooks) { d.hooks.Store(&h) }

// show shows a statement to a test.
func (d *DB) show(query string, args []any) {
	if hooks := d.hooks.Load(); hooks != nil && hooks.Statement != nil {
		hooks.Statement(query, args)
	}
}
