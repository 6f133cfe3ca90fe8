package database

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// A lateConn is a connection to PostgreSQL that begins a transaction together with its first
// statements.
type lateConn struct {
	*stdlib.Conn
	begins bool   // a transaction is to begin
	tx     pgx.Tx // the transaction that has begun, or nil
}

// BeginTx begins a transaction with its first statement.
func (c *lateConn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	if opts != (driver.TxOptions{}) {
		return c.Conn.BeginTx(ctx, opts)
	}
	if c.Conn.Conn().IsClosed() {
		return nil, driver.ErrBadConn
	}
	c.begins, c.tx = true, nil
	return lateTx{ctx, c}, nil
}

// begin begins the transaction that is to begin.
func (c *lateConn) begin(ctx context.Context) (err error) {
	if c.begins {
		c.begins = false
		c.tx, err = c.Conn.Conn().Begin(ctx)
		err = c.markBroken(err)
	}
	return err
}

// markBroken marks the error of a transaction's first statements with ErrBroke if the connection is
// gone. Nothing can have been committed then.
func (c *lateConn) markBroken(err error) error {
	if err != nil && c.Conn.Conn().IsClosed() {
		return fmt.Errorf("%w: %w", ErrBroke, err)
	}
	return err
}

// PrepareContext prepares a statement.
func (c *lateConn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	if err := c.begin(ctx); err != nil {
		return nil, err
	}
	return c.Conn.PrepareContext(ctx, query)
}

// ExecContext runs a statement that returns no rows.
func (c *lateConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	if err := c.begin(ctx); err != nil {
		return nil, err
	}
	return c.Conn.ExecContext(ctx, query, args)
}

// QueryContext runs a statement that returns rows.
func (c *lateConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	if err := c.begin(ctx); err != nil {
		return nil, err
	}
	return c.Conn.QueryContext(ctx, query, args)
}

// runTogether sends all statements at once, and the beginning of the transaction with them.
func (c *lateConn) runTogether(ctx context.Context, statements []Statement) (changed []int64, err error) {
	batch, begins := &pgx.Batch{}, c.begins
	if begins {
		batch.BeginTx(pgx.TxOptions{})
	}
	for _, s := range statements {
		batch.Queue(s.Query, s.Args...)
	}
	results := c.Conn.Conn().SendBatch(ctx, batch)
	if begins {
		c.begins, c.tx = false, results.Tx()
		_, err = results.Exec()
	}
	for _, s := range statements {
		if err != nil {
			break
		}
		var rows int64
		if rows, err = s.result(results); err == nil {
			changed = append(changed, rows)
		}
	}
	if closed := results.Close(); err == nil {
		err = closed
	}
	if begins {
		err = c.markBroken(err)
	}
	return changed, err
}

// result reads the result of a statement: how many rows it changed or put into its Row.
func (s Statement) result(results pgx.BatchResults) (rows int64, err error) {
	if s.Row == nil {
		tag, err := results.Exec()
		return tag.RowsAffected(), err
	}
	err = results.QueryRow().Scan(s.Row...)
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, nil
	}
	return 1, err
}

// A lateTx is a transaction that begins with its first statement.
type lateTx struct {
	ctx  context.Context //nolint:containedctx // Package sql gives no other one at the end.
	conn *lateConn
}

// Commit commits what has begun.
func (t lateTx) Commit() error {
	return t.end(func(tx pgx.Tx) error { return tx.Commit(t.ctx) })
}

// Rollback rolls back what has begun.
func (t lateTx) Rollback() error {
	return t.end(func(tx pgx.Tx) error { return tx.Rollback(t.ctx) })
}

func (t lateTx) end(do func(pgx.Tx) error) error {
	tx := t.conn.tx
	t.conn.begins, t.conn.tx = false, nil
	if tx == nil {
		return nil
	}
	return do(tx)
}

// A lateConnector opens connections that begin transactions late.
type lateConnector struct{ driver.Connector }

// Connect opens a connection.
func (c lateConnector) Connect(ctx context.Context) (driver.Conn, error) {
	opened, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	conn, ok := opened.(*stdlib.Conn)
	if !ok {
		return nil, errors.Join(errLacksMethod, opened.Close())
	}
	return &lateConn{Conn: conn}, nil
}
