package store_test

import (
	"context"
	"testing"

	"github.com/drmhub/drmhub/server/internal/store"
	"github.com/drmhub/drmhub/server/internal/store/storetest"
)

// A queued query sees what the statements before it have written.
func TestQueuedRows(t *testing.T) {
	storetest.Each(t, func(t *testing.T, dsn string) {
		db := storetest.Open(t, dsn)
		at, id, stays := int64(-1), "", int64(7)
		mustWrite(t, db, func(_ context.Context, tx *store.Tx) error {
			tx.Queue(nil, "INSERT INTO replicas (id, alive_until) VALUES ($1, $2)", "a", int64(42))
			tx.QueueRow([]any{&at, &id}, "SELECT alive_until, id FROM replicas WHERE id = $1", "a")
			tx.QueueRow([]any{&stays}, "SELECT alive_until FROM replicas WHERE id = $1", "none")
			return nil
		})
		if at != 42 || id != "a" || stays != 7 {
			t.Errorf("read %d, %q and %d", at, id, stays)
		}
		for name, misfit := range map[string]struct {
			row   []any
			query string
		}{
			"a text for a number":        {[]any{&at}, "SELECT id FROM replicas WHERE id = $1"},
			"a column too many":          {[]any{&at}, "SELECT alive_until, id FROM replicas WHERE id = $1"},
			"a column too few":           {[]any{&at, &id}, "SELECT alive_until FROM replicas WHERE id = $1"},
			"nothing for a number":       {[]any{&at}, "SELECT CAST(NULL AS BIGINT) FROM replicas WHERE id = $1"},
			"a column that is not there": {[]any{&at}, "SELECT nothing FROM replicas WHERE id = $1"},
		} {
			err := db.Write(t.Context(), func(_ context.Context, tx *store.Tx) error {
				tx.Queue(nil, "INSERT INTO replicas (id, alive_until) VALUES ($1, 1)", "b")
				tx.QueueRow(misfit.row, misfit.query, "a")
				return nil
			})
			if err == nil {
				t.Errorf("%s fits", name)
			}
		}
		if left := storetest.Texts(t, db, "SELECT id FROM replicas"); len(left) != 1 {
			t.Errorf("a write that failed left %v", left)
		}
	})
}
