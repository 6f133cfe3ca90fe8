package store

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

// connectTime is how long a connection may take to be made, unless the dsn says connect_timeout.
const connectTime = 10 * time.Second

// Every connection is set so whatever the server's own defaults are: what is written is on the disk
// when it is committed, a process that freezes amid a transaction does not keep its locks for long,
// and one that waits for such a lock lets its other writes pass, the sign of life among them.
const (
	postgresWrites = `SELECT set_config('default_transaction_isolation', 'read committed', false),
		set_config('idle_in_transaction_session_timeout', '20s', false),
		set_config('lock_timeout', '200ms', false),
		set_config('synchronous_commit', CASE current_setting('synchronous_commit') WHEN 'off' THEN 'on' ELSE current_setting('synchronous_commit') END, false)`
	postgresReads = "SELECT set_config('default_transaction_read_only', 'on', false)"
)

// openPostgres opens two pools, so that many who read do not keep the one who writes waiting.
func openPostgres(dsn string) (reads, writes *sql.DB, err error) {
	config, err := pgx.ParseConfig(dsn)
	// a / in the password makes the rest of it the database; neither is to be shown
	if err != nil || strings.Contains(config.Database, "@") {
		return nil, nil, errors.New("the store's dsn is no URL that can be read: write postgres://user:password@host:5432/database, where a password has %25 for %, %2F for / and %40 for @")
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = connectTime
	}
	pool := func(connections int, settings string) *sql.DB {
		db := stdlib.OpenDB(*config, stdlib.OptionAfterConnect(func(ctx context.Context, conn *pgx.Conn) error {
			_, err := conn.Exec(ctx, settings)
			return err
		}))
		db.SetMaxOpenConns(connections)
		db.SetMaxIdleConns(connections)
		db.SetConnMaxIdleTime(5 * time.Minute)
		return db
	}
	return pool(8, postgresReads), pool(1, postgresWrites), nil
}

// isRetryable reports whether PostgreSQL rolled a transaction back so that others could proceed.
// The transaction left nothing behind and may run again.
func isRetryable(err error) bool {
	e, ok := errors.AsType[*pgconn.PgError](err)
	// deadlock_detected, serialization_failure, lock_not_available
	return ok && slices.Contains([]string{"40P01", "40001", "55P03"}, e.Code)
}
