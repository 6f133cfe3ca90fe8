package store

import (
	"database/sql"
	"fmt"

	"github.com/drmhub/drmhub/server/internal/database"
)

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
	config, err := database.Postgres("store", dsn)
	if err != nil {
		return nil, nil, err
	}
	return database.Pool(config, 8, database.PostgresReads), database.WritePool(config, postgresWrites), nil
}
