package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/drmhub/drmhub/server/internal/archive"
	"github.com/drmhub/drmhub/server/internal/database"
)

// postgresWrites sets up a connection for writing, whatever the server's defaults are. A process
// that freezes in a transaction loses its locks.
const postgresWrites = `SELECT set_config('default_transaction_isolation', 'read committed', false),
	set_config('idle_in_transaction_session_timeout', '60s', false)`

// The first number of each advisory lock. The second is that of a site, or one of those below,
// which no site has.
const lockClass = 0x6172_6368 // "arch"

const (
	lockDictionaries = archive.MaxSites + iota
	lockPartitions
)

func (d *DB) openPostgres(dsn string) error {
	config, err := database.Postgres(use, dsn)
	if err != nil {
		return err
	}
	d.reads = database.Pool(config, 8, database.PostgresReads)
	d.writes = database.Pool(config, 1, postgresWrites)
	return nil
}

// partitions are the months, as year * 100 + month, whose partitions this process has seen.
type partitions struct {
	mu   sync.Mutex
	seen map[int64]bool
}

func (p *partitions) has(month int64) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.seen[month]
}

func (p *partitions) set(month int64, seen bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.seen == nil {
		p.seen = map[int64]bool{}
	}
	p.seen[month] = seen
}

func (p *partitions) forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seen = nil
}

// ahead is how many months after this one get their partitions early.
const ahead = 2

// makePartitions makes the partitions of the rows, and those of this month and the next ones. No
// transaction of this process may run on the same connection.
func (d *DB) makePartitions(ctx context.Context, rows []archive.Row) error {
	if !d.isPostgres() {
		return nil
	}
	utc, months := newClock(time.UTC), map[int64]bool{}
	month := utc.month(min(max(time.Now().Unix(), archive.MinSecond), archive.MaxSecond))
	for range ahead + 1 {
		months[month] = true
		month = nextMonth(month)
	}
	for _, r := range rows {
		months[utc.month(r.Second)] = true
	}
	for _, month := range slices.Sorted(maps.Keys(months)) {
		if d.partitions.has(month) {
			continue
		}
		if err := d.makePartition(ctx, utc, month); err != nil {
			return fmt.Errorf("cannot make a partition of the archive: %w", err)
		}
		d.partitions.set(month, true)
	}
	return nil
}

// makePartition makes the partition of a month unless it exists. To attach a table blocks no reader
// and no writer, and to create a partition would.
func (d *DB) makePartition(ctx context.Context, utc *clock, month int64) error {
	tx, err := d.writes.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	lock := fmt.Sprintf("SELECT pg_advisory_xact_lock(%d, %d)", lockClass, lockPartitions)
	if _, err := tx.ExecContext(ctx, lock); err != nil {
		return err
	}
	name, exists := partitionName(month), false
	row := tx.QueryRowContext(ctx, "SELECT to_regclass($1) IS NOT NULL", name)
	if err := row.Scan(&exists); err != nil || exists {
		return err
	}
	to := int64(math.MaxInt64)
	if end := utc.startOfMonth(nextMonth(month)); end <= archive.MaxSecond {
		to = int64(archive.Above(end))
	}
	for _, statement := range []string{
		"CREATE TABLE " + name + " (LIKE archive_rows INCLUDING ALL)",
		fmt.Sprintf("ALTER TABLE archive_rows ATTACH PARTITION %s FOR VALUES FROM (%d) TO (%d)",
			name, archive.Above(utc.startOfMonth(month)), to),
	} {
		if _, err := tx.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	return tx.Commit()
}

func partitionName(month int64) string { return fmt.Sprintf("archive_rows_%d", month) }

// lacksPartition reports whether a row found no partition: another replica has dropped it. Nothing
// else has this code here, since no table has a CHECK. The message can be in any language.
func lacksPartition(err error) bool {
	e, ok := errors.AsType[*pgconn.PgError](err)
	return ok && e.Code == "23514" // check_violation
}

// lock takes the locks of a transaction of PostgreSQL: that of the site, and that of the
// dictionaries. A transaction that removes from the dictionaries is alone with them.
func (tx *tx) lock(ctx context.Context, site int, alone bool) error {
	if !tx.db.isPostgres() {
		return nil
	}
	shared := "_shared"
	if alone {
		shared = ""
	}
	_, err := tx.ExecContext(ctx, fmt.Sprintf("SELECT pg_advisory_xact_lock%s(%d, %d), pg_advisory_xact_lock(%d, %d)",
		shared, lockClass, lockDictionaries, lockClass, site))
	return err
}

// dropEmpty drops the partitions that end before a second and hold no row: all sites have forgotten
// theirs.
func (d *DB) dropEmpty(ctx context.Context, before int64) error {
	if !d.isPostgres() {
		return nil
	}
	rows, err := d.writes.QueryContext(ctx, `SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
		WHERE i.inhparent = 'archive_rows'::regclass ORDER BY 1`)
	if err != nil {
		return err
	}
	names, err := scanTexts(rows)
	if err != nil {
		return err
	}
	utc := newClock(time.UTC)
	for _, name := range names {
		var month int64
		_, err := fmt.Sscanf(name, "archive_rows_%d", &month)
		if err != nil || utc.startOfMonth(nextMonth(month)) > before {
			continue
		}
		if err := d.dropIfEmpty(ctx, name); err != nil {
			return err
		}
		d.partitions.set(month, false)
	}
	return nil
}

func (d *DB) dropIfEmpty(ctx context.Context, name string) error {
	tx, err := d.writes.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	var used bool
	if err := tx.QueryRowContext(ctx, "SELECT EXISTS (SELECT FROM "+name+")").Scan(&used); err != nil || used {
		return err
	}
	for _, statement := range []string{
		"SET LOCAL lock_timeout = '2s'",
		"LOCK TABLE archive_rows IN ACCESS EXCLUSIVE MODE",
	} {
		if _, err := tx.ExecContext(ctx, statement); err != nil {
			return nil // The table is in use. The next call drops the partition.
		}
	}
	if err := tx.QueryRowContext(ctx, "SELECT EXISTS (SELECT FROM "+name+")").Scan(&used); err != nil || used {
		return err
	}
	if _, err := tx.ExecContext(ctx, "DROP TABLE "+name); err != nil {
		return err
	}
	return tx.Commit()
}

func scanTexts(rows *sql.Rows) (all []string, err error) {
	defer rows.Close()
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return nil, err
		}
		all = append(all, text)
	}
	return all, rows.Err()
}
