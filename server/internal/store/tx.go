package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/drmhub/drmhub/internal/panics"
	"github.com/drmhub/drmhub/server/internal/database"
)

// A Tx is the transaction of a batch of writes. The functions of a write use it while they run.
type Tx struct {
	ctx    context.Context //nolint:containedctx // With its end, the transaction ends, and no statement may run.
	db     *DB
	tx     *sql.Tx
	conn   *sql.Conn
	queue  []queued
	after  []after
	of     *write // the write whose function runs
	failed *write // the write that a queued statement has failed
	err    error  // of failed
}

// queued is a statement that waits to run.
type queued struct {
	database.Statement
	changed func(rows int64) error
	of      *write
}

// after is a function that a write runs after its queued statements.
type after struct {
	do func(context.Context) error
	of *write
}

// begin begins a transaction on the connection for writing.
func (d *DB) begin(ctx context.Context) (*Tx, error) {
	conn, err := d.writes.Conn(ctx)
	if err != nil {
		return nil, err
	}
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	return &Tx{ctx: ctx, db: d, tx: tx, conn: conn}, nil
}

// commit commits the transaction, and returns the connection.
func (t *Tx) commit() error {
	return errors.Join(t.tx.Commit(), t.conn.Close())
}

// end rolls the transaction back, unless it is committed, and returns the connection.
func (t *Tx) end() {
	_ = t.tx.Rollback()
	_ = t.conn.Close()
}

// run runs the writes, and returns the one that failed.
func (t *Tx) run(batch []*write) (failed *write, err error) {
	for _, w := range batch {
		t.call(w, func() error { return w.do(t.ctx, t) })
	}
	t.flush()
	for _, a := range t.after {
		t.call(a.of, func() error { return a.do(t.ctx) })
	}
	t.flush()
	return t.failed, t.err
}

// call calls a function of a write, unless the transaction has failed.
func (t *Tx) call(of *write, do func() error) {
	if t.failed != nil {
		return
	}
	t.of = of
	if err := catch(do); err != nil && t.failed == nil {
		t.failed, t.err = of, err
	}
}

// catch turns a panic into an error of the write, so that it does not affect the others.
func catch(do func() error) (err error) {
	if p := panics.Catch(func() { err = do() }); p != nil {
		return fmt.Errorf("a write panicked: %w", p)
	}
	return err
}

// Queue makes a short statement run later: before the next query or ExecContext of any write, and
// at the latest before the commit. Statements that wait run together, for which PostgreSQL needs
// one round trip. changed gets the number of rows that the statement changed. If it returns an
// error, the write fails with this error. It may be nil.
func (t *Tx) Queue(changed func(rows int64) error, query string, args ...any) {
	t.db.show(query, args)
	t.queue = append(t.queue, queued{database.Statement{Query: query, Args: args}, changed, t.of})
}

// QueueRow is Queue for a query. Its first row goes into row, an *int64 or a *string for each
// column. Without a row, they stay as they are.
func (t *Tx) QueueRow(row []any, query string, args ...any) {
	t.db.show(query, args)
	t.queue = append(t.queue, queued{Statement: database.Statement{Query: query, Args: args, Row: row}, of: t.of})
}

// After calls do once the statements that this write has queued have run, and before the commit.
func (t *Tx) After(do func(context.Context) error) { t.after = append(t.after, after{do, t.of}) }

// flush runs the queued statements.
func (t *Tx) flush() {
	queue := t.queue
	if t.failed != nil || len(queue) == 0 {
		return
	}
	t.queue = nil
	statements := make([]database.Statement, len(queue))
	for i, q := range queue {
		statements[i] = q.Statement
	}
	changed, err := database.RunTogether(t.ctx, t.conn, statements)
	for i, rows := range changed {
		if check := queue[i].changed; check != nil {
			if err := catch(func() error { return check(rows) }); err != nil {
				t.failed, t.err = queue[i].of, err
				return
			}
		}
	}
	if err != nil {
		t.failed, t.err = queue[min(len(changed), len(queue)-1)].of, err
	}
}

// ExecContext runs a statement that returns no rows, after those that are queued.
func (t *Tx) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	if t.flush(); t.failed != nil {
		return nil, t.err
	}
	t.db.show(query, args)
	return t.tx.ExecContext(ctx, query, args...)
}

// QueryContext returns the rows of a query, which runs after the statements that are queued.
func (t *Tx) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if t.flush(); t.failed != nil {
		return nil, t.err
	}
	t.db.show(query, args)
	return t.tx.QueryContext(ctx, query, args...)
}

// QueryRowContext returns the first row of a query, which runs after the statements that are
// queued.
func (t *Tx) QueryRowContext(ctx context.Context, query string, args ...any) Row {
	if t.flush(); t.failed != nil {
		return Row{err: t.err}
	}
	t.db.show(query, args)
	return Row{row: t.tx.QueryRowContext(ctx, query, args...)}
}
