package sqldb

import (
	"context"
	"errors"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
)

func TestAWriteThatIsRolledBackAgainAndAgainSaysWhy(t *testing.T) {
	db, err := Open(t.Context(), "sqlite::memory:")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	runs, deadlock := 0, &pgconn.PgError{Code: "40P01", Message: "deadlock detected"}
	err = db.write(t.Context(), func(context.Context, *tx) error {
		runs++
		return deadlock
	})
	if !errors.Is(err, deadlock) || runs != maxRuns {
		t.Errorf("after %d runs: %v, want %d runs and the cause", runs, err, maxRuns)
	}
}
