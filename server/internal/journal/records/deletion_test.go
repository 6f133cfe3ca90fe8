package records

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/internal/postgres"
	"github.com/drmhub/drmhub/server/internal/store"
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

// A failed mutation is old. While a replica deletes it, a repetition of its call reopens it on
// another replica. Without its record, nobody would know what that call sends.
func TestADeletionSparesWhatIsReopened(t *testing.T) {
	t.Parallel()
	dsn := postgres.ForTest(t)
	db, other, third := storetest.Open(t, dsn), storetest.Open(t, dsn), storetest.Open(t, dsn)
	pause := func(int64) time.Duration { return time.Second }
	deleting, reopening := New(db, pause), New(other, pause)
	storetest.Exec(t, other, `INSERT INTO mutations
			(id, subject, method, resource, digest, request, secrets, state, create_time, settle_time)
		VALUES ('a', 's', 'm', 'r', '', '', 0, 4, 1, 1), ('b', 's', 'm', 'r', '', '', 0, 4, 2, 2)`)
	deleted := make(chan error, 1)
	err := third.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		if _, err := tx.ExecContext(ctx, "UPDATE mutations SET owner = owner WHERE id = 'a'"); err != nil {
			return err
		}
		// It has read both mutations, and waits for the first one.
		go func() { deleted <- deleting.DeleteSettledBefore(t.Context(), time.UnixMicro(10)) }()
		for waiting := 0; waiting == 0; {
			const query = "SELECT count(*) FROM pg_locks WHERE NOT granted"
			if err := other.Reads().QueryRowContext(ctx, query).Scan(&waiting); err != nil {
				return err
			}
		}
		m, err := reopening.Claim(ctx, "b", "0123456789abcdef-1")
		if err != nil {
			return err
		}
		_, err = reopening.Reopen(ctx, m, []string{"lock"}, pb.Mutation_INTENDED, nil)
		return err
	})
	if err := errors.Join(err, <-deleted); err != nil {
		t.Fatal(err)
	}
	if left := storetest.Texts(t, db, "SELECT id FROM mutations"); !slices.Equal(left, []string{"b"}) {
		t.Errorf("%q are left, want the reopened one", left)
	}
}
