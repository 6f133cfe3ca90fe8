package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

// postgresReads makes a connection read-only.
const postgresReads = "SELECT set_config('default_transaction_read_only', 'on', false)"

// postgresWrites sets up a connection for writing, whatever the server's defaults are. A committed
// write is on the disk. A frozen process soon loses its locks.
var postgresWrites = fmt.Sprintf(`SELECT set_config('default_transaction_isolation', 'read committed', false),
	set_config('idle_in_transaction_session_timeout', '%dms', false),
	set_config('lock_timeout', '%dms', false),
	set_config('synchronous_commit',
		CASE current_setting('synchronous_commit')
			WHEN 'off' THEN 'on'
			ELSE current_setting('synchronous_commit')
		END, false)`, maxIdleTransaction.Milliseconds(), maxLockWait.Milliseconds())

// openPostgres opens two pools, so that writes do not wait for reads.
func openPostgres(dsn string) (reads, writes *sql.DB, err error) {
	config, err := pgx.ParseConfig(dsn)
	// After a / in the password, pgx takes the rest for the database. The error shows none of it.
	if err != nil || strings.Contains(config.Database, "@") {
		return nil, nil, errors.New("the store's dsn is not a valid URL: " +
			"write postgres://user:password@host:5432/database, " +
			"with %25 for %, %2F for / and %40 for @ in the password")
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = maxConnectTime
	}
	pool := func(connections int, settings string) *sql.DB {
		db := stdlib.OpenDB(*config, stdlib.OptionAfterConnect(func(ctx context.Context, conn *pgx.Conn) error {
			_, err := conn.Exec(ctx, settings)
			return err
		}))
		db.SetMaxOpenConns(connections)
		db.SetMaxIdleConns(connections)
		db.SetConnMaxIdleTime(maxIdleConnection)
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
