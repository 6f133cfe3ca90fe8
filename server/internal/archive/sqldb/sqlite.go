package sqldb

import (
	"context"
	"database/sql"
	"errors"

	"github.com/drmhub/drmhub/server/internal/database"
)

// The settings of connections. An INSERT of several rows opens a journal of its own, which
// temp_store keeps in memory. A power cut can lose the last passes, and the next ones read them
// again. What is deleted is overwritten, so that no file keeps the id of an erased viewer.
const (
	sqliteWrites = "_busy_timeout=10000&_txlock=immediate&_pragma=temp_store(memory)" +
		"&_pragma=synchronous(normal)&_pragma=cache_size(-32768)&_pragma=journal_size_limit(67108864)" +
		"&_pragma=secure_delete(1)&_pragma=wal_autocheckpoint(16000)"
	sqliteReads = "_busy_timeout=10000&_query_only=1&mode=rw&_pragma=cache_size(-4096)"
	readers     = 5 // one of them only keeps the files open
)

// truncateAfter is how many rows are written until the WAL is emptied.
const truncateAfter = 100_000

// openSQLite opens a file, or memory. SQLite allows one write at a time, so one connection writes.
func (d *DB) openSQLite(name string) (err error) {
	if name == database.Memory {
		if d.writes, err = sql.Open("sqlite", "file::memory:?"+sqliteWrites); err != nil {
			return err
		}
		d.writes.SetMaxOpenConns(1) // Each connection would have its own memory.
		d.reads = d.writes
		return nil
	}
	path, err := database.SQLiteFile(use, name)
	if err != nil {
		return err
	}
	if d.file, err = database.OpenFile(use, path, true); err != nil {
		return err
	}
	uri := database.SQLiteURI(path)
	if d.reads, err = sql.Open("sqlite", uri+"?"+sqliteReads); err != nil {
		return errors.Join(err, d.file.Close())
	}
	d.reads.SetMaxOpenConns(readers)
	d.reads.SetMaxIdleConns(readers)
	if d.writes, err = sql.Open("sqlite", uri+"?mode=rw&_pragma=journal_mode(wal)&"+sqliteWrites); err != nil {
		return errors.Join(err, d.reads.Close(), d.file.Close())
	}
	d.writes.SetMaxOpenConns(1)
	return nil
}

// truncate empties the WAL after many writes, unless a reader still needs it. The caller holds the
// token.
func (d *DB) truncate(ctx context.Context, written int) {
	if d.sinceTruncate += written; d.file == nil || d.sinceTruncate < truncateAfter {
		return
	}
	d.sinceTruncate = 0
	// What fails here is done by a later call, or when the file is closed.
	for _, statement := range []string{
		"PRAGMA busy_timeout = 0", "PRAGMA wal_checkpoint(TRUNCATE)", "PRAGMA busy_timeout = 10000",
	} {
		_, _ = d.writes.ExecContext(context.WithoutCancel(ctx), statement)
	}
}
