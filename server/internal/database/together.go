package database

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// A Statement is a statement with its values.
type Statement struct {
	Query string
	Args  []any
	// Row is nil, or has where the first row of a query goes: an *int64 or a *string for each column. Without a
	// row, they stay as they are.
	Row []any
}

// RunTogether runs statements on a connection, in order and in its transaction. PostgreSQL gets all
// of them at once. It returns how many rows each of them changed or put into Row, and ends at the first
// one that fails. The connection is one of OpenSQLite or WritePool.
func RunTogether(ctx context.Context, conn *sql.Conn, statements []Statement) (changed []int64, err error) {
	broken := conn.Raw(func(opened any) error {
		runner, ok := opened.(runner)
		if !ok {
			return errLacksMethod
		}
		if err = ctx.Err(); err == nil { // Afterwards, package sql may have ended the transaction.
			changed, err = runner.runTogether(ctx, statements)
		}
		return nil // The transaction ends with err, and the connection stays.
	})
	return changed, errors.Join(broken, err)
}

// A runner is a connection that runs statements together.
type runner interface {
	runTogether(ctx context.Context, statements []Statement) (changed []int64, err error)
}

// runTogether runs statements that are short. SQLite would start a goroutine for each that can be
// canceled, so ctx is looked at between them.
func (p *preparing) runTogether(ctx context.Context, statements []Statement) (changed []int64, err error) {
	whole := context.WithoutCancel(ctx)
	for _, s := range statements {
		if err := ctx.Err(); err != nil {
			return changed, err
		}
		args := make([]driver.NamedValue, len(s.Args))
		for i, arg := range s.Args {
			value, err := driver.DefaultParameterConverter.ConvertValue(arg)
			if err != nil {
				return changed, err
			}
			args[i] = driver.NamedValue{Ordinal: i + 1, Value: value}
		}
		rows, err := p.run(whole, s, args)
		if err != nil {
			return changed, err
		}
		changed = append(changed, rows)
	}
	return changed, nil
}

// run runs a statement, and returns how many rows it changed or put into its Row.
func (p *preparing) run(ctx context.Context, s Statement, args []driver.NamedValue) (rows int64, err error) {
	if s.Row != nil {
		return p.readRow(ctx, s, args)
	}
	result, err := p.ExecContext(ctx, s.Query, args)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// readRow reads the first row of a query, and returns how many there are, up to one.
func (p *preparing) readRow(ctx context.Context, s Statement, args []driver.NamedValue) (rows int64, err error) {
	found, err := p.QueryContext(ctx, s.Query, args)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, found.Close()) }()
	values := make([]driver.Value, len(found.Columns()))
	if err := found.Next(values); err != nil {
		if errors.Is(err, io.EOF) {
			return 0, nil
		}
		return 0, err
	}
	if len(values) != len(s.Row) {
		return 0, fmt.Errorf("a row has %d columns, want %d: %s", len(values), len(s.Row), s.Query)
	}
	for i, value := range values {
		fits := false
		switch into := s.Row[i].(type) {
		case *int64:
			*into, fits = value.(int64)
		case *string:
			*into, fits = value.(string)
		}
		if !fits {
			return 0, fmt.Errorf("column %d of a row is of another type: %s", i+1, s.Query)
		}
	}
	return 1, nil
}

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
		err = c.unbegun(err)
	}
	return err
}

// unbegun returns the error of the first statements of a transaction. Without a connection, there is no commit.
func (c *lateConn) unbegun(err error) error {
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
		err = c.unbegun(err)
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
