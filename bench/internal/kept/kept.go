// Package kept fills a journal with mutations, faster than a server could make them.
package kept

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"
	_ "modernc.org/sqlite" // the driver of the store's file
)

// perTransaction is how many mutations are copied in one transaction.
const perTransaction = 20_000

// Copy copies the first mutation of SQLite's file, its steps and its audit event, until there are n
// more. No server may have the file open. The audit events have wrong hashes, so a check of the
// trail finds that.
func Copy(ctx context.Context, file string, n int) (err error) {
	if n <= 0 {
		return nil
	}
	db, err := sql.Open("sqlite", file)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	var had int64
	const copied = `SELECT coalesce(max(position), 0) FROM audit_events WHERE chain = 'copies'`
	if err := db.QueryRowContext(ctx, copied).Scan(&had); err != nil {
		return err
	}
	for done := 0; done < n; done += perTransaction {
		if err := copySome(ctx, db, had+int64(done), min(perTransaction, n-done)); err != nil {
			return err
		}
	}
	return nil
}

// copySome copies n mutations in one transaction. had is how many copies there are.
func copySome(ctx context.Context, db *sql.DB, had int64, n int) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // It does nothing after Commit.
	var tables []*copier
	const of = ` WHERE mutation = (SELECT min(id) FROM mutations)`
	for _, from := range []string{
		"mutations WHERE id = (SELECT min(id) FROM mutations)", "steps" + of,
		"audit_events WHERE position = 1 AND chain <> 'copies' ORDER BY time LIMIT 1",
	} {
		table, err := newCopier(ctx, tx, from)
		if err != nil {
			return fmt.Errorf("copying from %s: %w", from, err)
		}
		tables = append(tables, table)
	}
	mutations, steps, events := tables[0], tables[1], tables[2]
	for i := range n {
		id, err := uuid.NewV7()
		if err != nil {
			return err
		}
		err = errors.Join(
			mutations.copy(ctx, map[string]any{"id": id.String(), "request_id": uuid.NewString()}),
			steps.copy(ctx, map[string]any{"mutation": id.String()}),
			events.copy(ctx, map[string]any{"chain": "copies", "position": had + int64(i) + 1}))
		if err != nil {
			return err
		}
	}
	return tx.Commit()
}

// A copier inserts copies of one row.
type copier struct {
	insert *sql.Stmt
	names  []string
	values []any
}

// newCopier reads the row.
func newCopier(ctx context.Context, tx *sql.Tx, from string) (*copier, error) {
	rows, err := tx.QueryContext(ctx, "SELECT * FROM "+from) //nolint:gosec // It is one of the texts above.
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	c := &copier{}
	if c.names, err = rows.Columns(); err != nil {
		return nil, err
	}
	if !rows.Next() {
		return nil, errors.Join(errors.New("there is no such row"), rows.Err())
	}
	c.values = make([]any, len(c.names))
	to := make([]any, len(c.names))
	for i := range to {
		to[i] = &c.values[i]
	}
	if err := rows.Scan(to...); err != nil {
		return nil, err
	}
	table, _, _ := strings.Cut(from, " ")
	c.insert, err = tx.PrepareContext(ctx, fmt.Sprintf("INSERT INTO %s (%s) VALUES (?%s)", table,
		strings.Join(c.names, ", "), strings.Repeat(", ?", len(c.names)-1)))
	return c, err
}

// copy inserts the row with some other values.
func (c *copier) copy(ctx context.Context, other map[string]any) error {
	values := make([]any, len(c.values))
	for i, name := range c.names {
		values[i] = c.values[i]
		if value, ok := other[name]; ok {
			values[i] = value
		}
	}
	_, err := c.insert.ExecContext(ctx, values...)
	return err
}
