package records

import (
	"context"
	"database/sql"
	"strconv"
	"time"

	"github.com/drmhub/drmhub/server/internal/store"
)

// heldSince names the row of the table keys that says since when nothing is deleted, in
// microseconds.
const heldSince = "deletion held since"

// oldestQuery returns when the first of the settled mutations was settled. It is written as in
// their index.
const oldestQuery = "SELECT settle_time FROM mutations WHERE settle_time IS NOT NULL ORDER BY settle_time LIMIT 1"

// Deletion returns when the first of the settled mutations was settled, and since when nothing is
// deleted. Either is zero if there is no such time.
func (r *Records) Deletion(ctx context.Context) (oldest, held time.Time, err error) {
	var settled sql.NullInt64
	var since []byte
	query := "SELECT (" + oldestQuery + "), (SELECT value FROM keys WHERE name = $1)"
	if err := r.db.Reads().QueryRowContext(ctx, query, heldSince).Scan(&settled, &since); err != nil {
		return oldest, held, err
	}
	if since != nil {
		n, err := strconv.ParseInt(string(since), 10, 64)
		if err != nil {
			return oldest, held, err
		}
		held = time.UnixMicro(n)
	}
	return instant(settled), held, nil
}

// HoldDeletion records since when nothing is deleted. With a zero time, it records that this is
// over.
func (r *Records) HoldDeletion(ctx context.Context, since time.Time) error {
	return r.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		if since.IsZero() {
			_, err := tx.ExecContext(ctx, "DELETE FROM keys WHERE name = $1", heldSince)
			return err
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO keys (name, value) VALUES ($1, $2)
			ON CONFLICT (name) DO UPDATE SET value = excluded.value`,
			heldSince, strconv.AppendInt(nil, since.UnixMicro(), 10))
		return err
	})
}
