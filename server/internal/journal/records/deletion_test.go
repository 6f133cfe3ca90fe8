package records

import (
	"testing"
	"time"

	"github.com/drmhub/drmhub/server/internal/store/storetest"
)

func TestDeletionIsHeld(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, dsn string) {
		db := storetest.Open(t, dsn)
		r := New(db, func(int64) time.Duration { return time.Second })
		want := func(what string, wantOldest, wantHeld time.Time) {
			t.Helper()
			oldest, held, err := r.Deletion(t.Context())
			if err != nil || !oldest.Equal(wantOldest) || !held.Equal(wantHeld) {
				t.Errorf("%s: %v, %v, %v; want %v, %v", what, oldest, held, err, wantOldest, wantHeld)
			}
		}
		hold := func(since time.Time) {
			t.Helper()
			if err := r.HoldDeletion(t.Context(), since); err != nil {
				t.Fatal(err)
			}
		}
		never, first, noon := time.Time{}, time.UnixMicro(3), time.Date(2026, time.October, 1, 12, 0, 0, 0, time.UTC)
		want("empty", never, never)
		fill(t, db)
		want("filled", first, never)
		hold(noon)
		want("held", first, noon)
		hold(noon.Add(time.Hour))
		want("held anew", first, noon.Add(time.Hour))
		hold(never)
		want("over", first, never)
	})
}
