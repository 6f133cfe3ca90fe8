package database

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"

	"modernc.org/sqlite"
)

// maxPrepared bounds the prepared statements of a connection.
const maxPrepared = 64

// OpenSQLite returns a pool of connections to a SQLite database, which open at their first use.
// Each keeps the statements that have parameters prepared, so that SQLite parses them once.
func OpenSQLite(dsn string) (*sql.DB, error) {
	plain, err := sqlite.NewConnector(dsn)
	if err != nil {
		return nil, err
	}
	return sql.OpenDB(connector{plain}), nil
}

// A connector opens connections that keep their statements prepared.
type connector struct{ driver.Connector }

// Connect opens a connection.
func (c connector) Connect(ctx context.Context) (driver.Conn, error) {
	opened, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	conn, ok := opened.(sqliteConn)
	if !ok {
		return nil, errors.Join(errLacksMethod, opened.Close())
	}
	return &preparing{sqliteConn: conn, prepared: map[string]*statement{}}, nil
}

var errLacksMethod = errors.New("cannot use SQLite: its driver lacks a method")

// sqliteConn has the methods of the driver's connections.
type sqliteConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.Pinger
	driver.SessionResetter
	driver.Validator
}

// A preparing connection keeps statements prepared. Package sql uses it for one call at a time.
type preparing struct {
	sqliteConn
	prepared map[string]*statement // by their text
}

// A statement is a prepared statement.
type statement struct {
	driver.Stmt
	exec  driver.StmtExecContext
	query driver.StmtQueryContext
	busy  bool // its rows are being read
}

// ExecContext runs a statement that returns no rows.
func (p *preparing) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	s, err := p.statement(ctx, query, len(args))
	switch {
	case err != nil:
		return nil, err
	case s == nil:
		return p.sqliteConn.ExecContext(ctx, query, args)
	}
	return s.exec.ExecContext(ctx, args)
}

// QueryContext runs a statement that returns rows.
func (p *preparing) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	s, err := p.statement(ctx, query, len(args))
	switch {
	case err != nil:
		return nil, err
	case s == nil:
		return p.sqliteConn.QueryContext(ctx, query, args)
	}
	rows, err := s.query.QueryContext(ctx, args)
	if err != nil {
		return nil, err
	}
	s.busy = true
	return &statementRows{Rows: rows, of: s}, nil
}

// statement returns the prepared statement of a query. It returns nil if the query is to run
// without one: its rows are being read, or it has no parameters and so may be a script.
func (p *preparing) statement(ctx context.Context, query string, parameters int) (*statement, error) {
	known := p.prepared[query]
	switch {
	case parameters == 0 || known != nil && known.busy:
		return nil, nil
	case known != nil:
		return known, nil
	}
	if len(p.prepared) >= maxPrepared {
		if err := p.forgetIdle(); err != nil {
			return nil, err
		}
	}
	made, err := p.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	s := &statement{Stmt: made}
	var canExec, canQuery bool
	s.exec, canExec = made.(driver.StmtExecContext)
	s.query, canQuery = made.(driver.StmtQueryContext)
	if !canExec || !canQuery {
		return nil, errors.Join(errLacksMethod, made.Close())
	}
	p.prepared[query] = s
	return s, nil
}

// forgetIdle closes the statements that are not in use.
func (p *preparing) forgetIdle() (err error) {
	for query, s := range p.prepared {
		if !s.busy {
			delete(p.prepared, query)
			err = errors.Join(err, s.Close())
		}
	}
	return err
}

// Close closes the statements and the connection.
func (p *preparing) Close() error {
	var err error
	for _, s := range p.prepared {
		err = errors.Join(err, s.Close())
	}
	clear(p.prepared)
	return errors.Join(err, p.sqliteConn.Close())
}

// statementRows are the rows of a prepared statement.
type statementRows struct {
	driver.Rows
	of *statement
}

// Close makes the statement free for its next use.
func (r *statementRows) Close() error {
	r.of.busy = false
	return r.Rows.Close()
}
