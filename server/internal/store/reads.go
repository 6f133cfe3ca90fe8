package store

import (
	"context"
	"database/sql"
)

// Queries read from a database. They fail once its file is no longer in its place: what they would
// read is gone after a restart.
type Queries struct{ db *DB }

// QueryContext returns the rows of a query.
func (q Queries) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if err := q.db.Check(); err != nil {
		return nil, err
	}
	q.db.show(query, args)
	return q.db.reads.QueryContext(ctx, query, args...)
}

// QueryRowContext returns the first row of a query.
func (q Queries) QueryRowContext(ctx context.Context, query string, args ...any) Row {
	if err := q.db.Check(); err != nil {
		return Row{err: err}
	}
	q.db.show(query, args)
	return Row{row: q.db.reads.QueryRowContext(ctx, query, args...)}
}

// A Row is the result of a query for one row.
type Row struct {
	row *sql.Row
	err error
}

// Scan reads the row, or returns sql.ErrNoRows.
func (r Row) Scan(into ...any) error {
	if r.err != nil {
		return r.err
	}
	return r.row.Scan(into...)
}
