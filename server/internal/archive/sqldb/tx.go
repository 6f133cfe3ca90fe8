package sqldb

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"

	"github.com/drmhub/drmhub/server/internal/database"
)

// maxRuns is how often a transaction runs that PostgreSQL rolls back in favor of another one.
const maxRuns = 6

// A tx is a transaction that writes.
type tx struct {
	*sql.Tx
	db      *DB
	bound   map[string]*sql.Stmt // statements of this transaction
	written int                  // rows
}

// inDoubt is the error of a commit, or of what followed it: the transaction may have taken effect.
type inDoubt struct{ error }

// Unwrap returns the error as the database reported it.
func (e inDoubt) Unwrap() error { return e.error }

// The errors of write, each with its cause.
const (
	unchanged = "cannot write to the archive, and nothing was changed: %w"
	unknown   = "cannot write to the archive, and it is unknown whether the change took effect; do it again: %w"
)

// write runs do in a transaction. It may run again if PostgreSQL rolls it back. What do has found
// out is complete once write returns without an error. The error says what became of the
// transaction.
func (d *DB) write(ctx context.Context, do func(context.Context, *tx) error) error {
	select {
	case d.writing <- struct{}{}:
	case <-ctx.Done():
		return fmt.Errorf(unchanged, ctx.Err())
	}
	defer func() { <-d.writing }()
	err := d.file.Check()
	for run := 1; err == nil; run++ {
		if err = d.transact(ctx, do); err == nil {
			return nil
		}
		d.codes.clear() // They may hold ids that do not exist.
		if database.IsRetryable(err) && run < maxRuns {
			err = ctx.Err()
		}
	}
	if _, is := errors.AsType[inDoubt](err); is {
		return fmt.Errorf(unknown, err)
	}
	return fmt.Errorf(unchanged, err)
}

func (d *DB) transact(ctx context.Context, do func(context.Context, *tx) error) error {
	begun, err := d.writes.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer begun.Rollback()
	tx := &tx{Tx: begun, db: d, bound: map[string]*sql.Stmt{}}
	if err := do(ctx, tx); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil && !database.IsRetryable(err) {
		return inDoubt{err}
	} else if err != nil {
		return err
	}
	d.keep(ctx, tx)
	d.truncate(ctx, tx.written)
	if err := d.file.Check(); err != nil { // The file may have gone during the commit.
		return inDoubt{err}
	}
	return nil
}

// maxPrepared bounds how many statements are kept.
const maxPrepared = 400

// keep prepares the statements of a transaction for the next ones. That is not possible while it
// runs, since it has the only connection. pgx keeps statements by itself.
func (d *DB) keep(ctx context.Context, tx *tx) {
	for query := range tx.bound {
		if d.prepared[query] != nil || len(d.prepared) >= maxPrepared {
			continue
		}
		s, err := d.writes.PrepareContext(context.WithoutCancel(ctx), query) //nolint:sqlclosecheck // See prepared.
		if err == nil {
			d.prepared[query] = s
		}
	}
}

// statement returns a prepared statement, which ends with the transaction.
func (tx *tx) statement(ctx context.Context, query string) (*sql.Stmt, error) {
	if s := tx.bound[query]; s != nil {
		return s, nil
	}
	if s := tx.db.prepared[query]; s != nil {
		tx.bound[query] = tx.StmtContext(ctx, s)
		return tx.bound[query], nil
	}
	s, err := tx.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	tx.bound[query] = s
	return s, nil
}

func (tx *tx) exec(ctx context.Context, query string, args ...any) (changed int64, err error) {
	var result sql.Result
	if tx.db.isPostgres() {
		result, err = tx.ExecContext(ctx, tx.db.sql(query), args...)
	} else {
		var s *sql.Stmt
		if s, err = tx.statement(ctx, query); err != nil { //nolint:sqlclosecheck // It ends with the transaction.
			return 0, err
		}
		result, err = s.ExecContext(ctx, args...)
	}
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

func (tx *tx) query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if tx.db.isPostgres() {
		return tx.QueryContext(ctx, tx.db.sql(query), args...)
	}
	s, err := tx.statement(ctx, query) //nolint:sqlclosecheck // It ends with the transaction.
	if err != nil {
		return nil, err
	}
	return s.QueryContext(ctx, args...)
}

func (tx *tx) ints(ctx context.Context, query string, args []any, each func([]int64)) error {
	rows, err := tx.query(ctx, query, args...)
	if err != nil {
		return err
	}
	return scanInts(rows, each)
}

// makeKey makes the key of the keyed hash of erased persons, once.
func (d *DB) makeKey(ctx context.Context) error {
	return d.write(ctx, func(ctx context.Context, tx *tx) error {
		if err := tx.lock(ctx, 0, true); err != nil {
			return err
		}
		key := make([]byte, 32)
		_, _ = rand.Read(key) // It never fails.
		_, err := tx.exec(ctx, `INSERT INTO archive_meta (generation, key)
			SELECT 1, `+tx.db.bytes()+` WHERE NOT EXISTS (SELECT 1 FROM archive_meta)`, key)
		return err
	})
}

// bytes is a parameter of bytes where PostgreSQL cannot know that by itself.
func (d *DB) bytes() string {
	if d.isPostgres() {
		return "?::BYTEA"
	}
	return "?"
}

// remember makes the ids that this process remembers those of the database. Transactions call it
// first.
func (tx *tx) remember(ctx context.Context) error {
	var generation int64
	rows, err := tx.query(ctx, "SELECT generation, key FROM archive_meta")
	if err != nil {
		return err
	}
	defer rows.Close()
	if !rows.Next() {
		return errors.Join(rows.Err(), errors.New("the archive has lost its key"))
	}
	if err := rows.Scan(&generation, &tx.db.codes.key); err != nil {
		return err
	}
	if generation != tx.db.codes.generation {
		tx.db.codes.clear()
		tx.db.codes.generation = generation
	}
	return errors.Join(rows.Err(), rows.Close())
}

// forgetIDs makes every process forget the ids that it remembers.
func (tx *tx) forgetIDs(ctx context.Context) error {
	_, err := tx.exec(ctx, "UPDATE archive_meta SET generation = generation + 1")
	return err
}
