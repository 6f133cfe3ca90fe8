package database

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
)

// A Statement is a statement with its values.
type Statement struct {
	Query string
	Args  []any
	// Row is nil, or has where the first row of a query goes: an *int64 or a *string for each
	// column. Without a row, they stay as they are.
	Row []any
}

// RunTogether runs statements on a connection, in order and in its transaction. PostgreSQL gets all
// of them at once. It returns how many rows each of them changed or put into Row, and ends at the
// first one that fails. The connection is one of OpenSQLite or WritePool.
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
