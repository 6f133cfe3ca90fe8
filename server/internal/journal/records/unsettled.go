package records

import (
	"context"
	"fmt"
	"unicode/utf8"

	"github.com/drmhub/drmhub/adapters/names"
	"github.com/drmhub/drmhub/server/internal/store"
)

// Unsettled returns how many mutations of a vendor may still need the vendor: those that are not
// over, unless nobody tries to settle them any more. It reads on the write connection, because a
// read replica may lag behind.
func (r *Records) Unsettled(ctx context.Context, vendor string) (n int, err error) {
	below := names.Vendor.Name(vendor) + "/"
	query := fmt.Sprintf(`SELECT COUNT(*) FROM mutations WHERE state IN (%d, %d, %d)
		AND (state <> %[3]d OR settle_at IS NOT NULL OR NOT %[4]s) AND substr(resource || '/', 1, $2) = $3`,
		intended, sent, unknown, r.unowned())
	err = r.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		return tx.QueryRowContext(ctx, query, now(), utf8.RuneCountInString(below), below).Scan(&n)
	})
	return n, unreadable(err)
}
