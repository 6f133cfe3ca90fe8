package store_test

import (
	"context"
	"sync"
	"testing"

	"github.com/drmhub/drmhub/internal/postgres"
	"github.com/drmhub/drmhub/server/internal/store"
	"github.com/drmhub/drmhub/server/internal/store/storetest"
)

// insertReplicas writes two rows that countUp changes.
var insertReplicas = exec("INSERT INTO replicas (id, alive_until) VALUES ('a', 0), ('b', 0)")

// countUp returns a write that adds one to a row of insertReplicas.
func countUp(id string) func(context.Context, *store.Tx) error {
	return exec("UPDATE replicas SET alive_until = alive_until + 1 WHERE id = $1", id)
}

// Each of two transactions holds the row that the other one wants: both wait until the other has
// its first row.
func TestADeadlockIsNobodysError(t *testing.T) {
	dsn := postgres.ForTest(t)
	replicas := []*store.DB{storetest.Open(t, dsn), storetest.Open(t, dsn)}
	mustWrite(t, replicas[0], insertReplicas)
	var first, both sync.WaitGroup
	first.Add(2)
	runs := make(chan struct{}, 100)
	for i, order := range [][]string{{"a", "b"}, {"b", "a"}} {
		var meet sync.Once
		both.Go(func() {
			err := replicas[i].Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
				runs <- struct{}{}
				for _, id := range order {
					if err := countUp(id)(ctx, tx); err != nil {
						return err
					}
					meet.Do(func() { first.Done(); first.Wait() })
				}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	both.Wait()
	var least int
	row := replicas[0].Reads().QueryRowContext(t.Context(), "SELECT min(alive_until) FROM replicas")
	if err := row.Scan(&least); err != nil || least != 2 {
		t.Errorf("counted up %d times, want 2: %v", least, err)
	}
	if len(runs) < 3 {
		t.Errorf("%d runs: there was no deadlock", len(runs))
	}
}

// A replica that freezes during a transaction blocks the writes that want its rows. They must not
// delay others, such as the heartbeat, by all of their runs.
func TestABlockedWriteLetsOthersPass(t *testing.T) {
	dsn := postgres.ForTest(t)
	db, frozen := storetest.Open(t, dsn), storetest.Open(t, dsn)
	mustWrite(t, db, insertReplicas)
	holds, wakes := make(chan struct{}), make(chan struct{})
	var all sync.WaitGroup
	all.Go(func() {
		mustWrite(t, frozen, func(ctx context.Context, tx *store.Tx) error {
			err := countUp("a")(ctx, tx)
			close(holds)
			<-wakes
			return err
		})
	})
	<-holds
	for range 2 {
		all.Go(func() {
			if err := db.Write(t.Context(), countUp("a")); err != nil {
				t.Errorf("a blocked write ended before the others: %v", err)
			}
		})
	}
	db.WaitForQueue(1)
	mustWrite(t, db, countUp("b"))
	close(wakes)
	all.Wait()
}

// A connection that was used within the last second is used again without a test of it.
func TestAWriteOutlivesItsConnection(t *testing.T) {
	dsn := postgres.ForTest(t)
	db := storetest.Open(t, dsn)
	mustWrite(t, db, insertReplicas)
	for name, write := range map[string]func(context.Context, *store.Tx) error{
		"at once": countUp("a"),
		"queued": func(_ context.Context, tx *store.Tx) error {
			tx.Queue(nil, "UPDATE replicas SET alive_until = alive_until + 1 WHERE id = 'b'")
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			var backend string
			mustWrite(t, db, func(ctx context.Context, tx *store.Tx) error {
				return tx.QueryRowContext(ctx, "SELECT pg_backend_pid()").Scan(&backend)
			})
			another := storetest.Open(t, dsn)
			mustWrite(t, another, exec("SELECT pg_terminate_backend("+backend+", 5000)"))
			mustWrite(t, db, write)
		})
	}
	if got := storetest.Texts(t, db, "SELECT id FROM replicas WHERE alive_until = 1"); len(got) != 2 {
		t.Errorf("only %v have counted up once", got)
	}
}
