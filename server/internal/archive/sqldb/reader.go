package sqldb

import (
	"context"
	"database/sql"
	"fmt"
)

// A reader runs statements that change nothing.
type reader struct {
	db   *DB
	from interface {
		QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	}
}

// snapshot calls do with a reader of what the archive holds at one moment. Otherwise, each
// statement reads what the archive holds when it begins. do must use no other reader: a database in
// memory has one connection.
func (d *DB) snapshot(ctx context.Context, do func(reader) error) error {
	options := &sql.TxOptions{ReadOnly: true}
	if d.isPostgres() {
		options.Isolation = sql.LevelRepeatableRead
	}
	tx, err := d.reads.BeginTx(ctx, options)
	if err != nil {
		return fmt.Errorf("cannot read the archive: %w", err)
	}
	defer tx.Rollback()
	return do(reader{d, tx})
}

// query returns the rows of a statement that changes nothing. It fails once the file is no longer
// in its place.
func (r reader) query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if err := r.db.file.Check(); err != nil {
		return nil, err
	}
	rows, err := r.from.QueryContext(ctx, r.db.sql(query), args...)
	if err != nil {
		return nil, fmt.Errorf("cannot read the archive: %w", err)
	}
	return rows, nil
}

// ints calls each with the columns of every row of a statement, all numbers. The slice is reused.
func (r reader) ints(ctx context.Context, query string, args []any, each func([]int64)) error {
	rows, err := r.query(ctx, query, args...)
	if err != nil {
		return err
	}
	return scanInts(rows, each)
}

// one returns the number that a statement computes.
func (r reader) one(ctx context.Context, query string, args ...any) (n int64, err error) {
	err = r.ints(ctx, query, args, func(v []int64) { n = v[0] })
	return n, err
}
