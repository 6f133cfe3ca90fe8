package database

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

const (
	// maxConnectTime bounds the opening of a connection, unless the dsn sets connect_timeout.
	maxConnectTime = 10 * time.Second
	// maxIdleConnection is how long an unused connection stays open.
	maxIdleConnection = 5 * time.Minute
)

// PostgresReads makes a connection read-only.
const PostgresReads = "SELECT set_config('default_transaction_read_only', 'on', false)"

// Postgres parses the DSN of a PostgreSQL server. use says in errors what the database is for.
// Errors contain no password.
func Postgres(use, dsn string) (*pgx.ConnConfig, error) {
	config, err := pgx.ParseConfig(dsn)
	// After a / in the password, pgx takes the rest for the database. The error shows none of it.
	if err != nil || strings.Contains(config.Database, "@") {
		return nil, fmt.Errorf("the %s's dsn is not a valid URL: "+
			"write postgres://user:password@host:5432/database, "+
			"with %%25 for %%, %%2F for / and %%40 for @ in the password", use)
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = maxConnectTime
	}
	return config, nil
}

// Pool returns connections to a PostgreSQL server, which open at their first use. Each runs the
// statement settings first.
func Pool(config *pgx.ConnConfig, connections int, settings string) *sql.DB {
	return pool(postgresConnector(config, settings), connections)
}

// WritePool is Pool of one connection, which begins a transaction together with its first
// statements.
func WritePool(config *pgx.ConnConfig, settings string) *sql.DB {
	return pool(lateConnector{postgresConnector(config, settings)}, 1)
}

func postgresConnector(config *pgx.ConnConfig, settings string) driver.Connector {
	return stdlib.GetConnector(*config, stdlib.OptionAfterConnect(func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, settings)
		return err
	}))
}

func pool(connector driver.Connector, connections int) *sql.DB {
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	db.SetConnMaxIdleTime(maxIdleConnection)
	return db
}

// ErrBroke is the error of a transaction whose connection had ended before its first statements.
var ErrBroke = errors.New("the connection to PostgreSQL has ended, and nothing was written")

// IsRetryable reports whether a transaction left nothing behind and may run again: PostgreSQL
// rolled it back so that others could proceed, or its connection had ended.
func IsRetryable(err error) bool {
	if errors.Is(err, ErrBroke) {
		return true
	}
	e, ok := errors.AsType[*pgconn.PgError](err)
	// deadlock_detected, serialization_failure, lock_not_available
	return ok && slices.Contains([]string{"40P01", "40001", "55P03"}, e.Code)
}
