package store_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/drmhub/drmhub/internal/postgres"
	"github.com/drmhub/drmhub/server/internal/store"
	"github.com/drmhub/drmhub/server/internal/store/storetest"
)

var errOwn = errors.New("of the write itself")

func TestManyWritesAtOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, dsn string) {
		db := open(t, dsn)
		var want []string
		var all sync.WaitGroup
		for i := range 300 {
			name := fmt.Sprintf("n%03d", i)
			if i%10 == 7 { // one that fails takes no other one with it
				all.Go(func() {
					err := db.Write(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
						if err := put(name)(ctx, tx); err != nil {
							return err
						}
						return errOwn
					})
					if !errors.Is(err, errOwn) {
						t.Errorf("%s: %v", name, err)
					}
				})
				continue
			}
			want = append(want, name)
			all.Go(func() {
				if err := db.Write(t.Context(), put(name)); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			})
		}
		all.Wait()
		if got := names(t, db); got != strings.Join(want, " ") {
			t.Errorf("%s, want %s", got, want)
		}
	})
}

// together hands in writes so that they share a transaction: they wait behind one that the function
// holds up.
func together(t *testing.T, db *store.DB, writes ...func(context.Context, *sql.Tx) error) []error {
	t.Helper()
	begun, all := make(chan struct{}), make(chan struct{})
	go func() {
		<-begun
		db.WaitForQueue(len(writes))
		close(all)
	}()
	errs := make([]error, len(writes))
	var waiting sync.WaitGroup
	waiting.Go(func() {
		_ = db.Write(t.Context(), func(context.Context, *sql.Tx) error {
			close(begun)
			<-all
			return nil
		})
	})
	<-begun
	for i, do := range writes {
		waiting.Go(func() { errs[i] = db.Write(t.Context(), do) })
	}
	waiting.Wait()
	return errs
}

func TestWritesShareATransaction(t *testing.T) {
	storetest.Each(t, func(t *testing.T, dsn string) {
		db := open(t, dsn)
		commits := 0
		db.SetHooks(store.Hooks{BeforeCommit: func() error { commits++; return nil }})
		for _, err := range together(t, db, put("a"), put("b"), put("c")) {
			if err != nil {
				t.Error(err)
			}
		}
		if got := names(t, db); got != "a b c" || commits != 2 {
			t.Errorf("%s in %d transactions, want all in that after the first one", got, commits)
		}
	})
}

func TestAWriteThatFailsOnlyBesideOthersIsRunAlone(t *testing.T) {
	storetest.Each(t, func(t *testing.T, dsn string) {
		db := open(t, dsn)
		doomed := func(ctx context.Context, tx *sql.Tx) error {
			return errors.Join(put("a")(ctx, tx), errOwn)
		}
		// Both insert the same row. Where the doomed one comes first, the other must not fail for a
		// row that is never written.
		for range 5 {
			errs := together(t, db, doomed, put("a"))
			if !errors.Is(errs[0], errOwn) || errs[1] != nil {
				t.Errorf("%v", errs)
			}
			if got := names(t, db); got != "a" {
				t.Error(got)
			}
			if err := db.Write(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
				_, err := tx.ExecContext(ctx, "DELETE FROM keys")
				return err
			}); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestAPanicIsItsOwnWritesError(t *testing.T) {
	storetest.Each(t, func(t *testing.T, dsn string) {
		db := open(t, dsn)
		errs := together(t, db, func(ctx context.Context, tx *sql.Tx) error {
			_ = put("b")(ctx, tx)
			panic("boo")
		}, put("a"))
		if errs[0] == nil || !strings.Contains(errs[0].Error(), "boo") || !strings.Contains(errs[0].Error(), "write_test.go") || errs[1] != nil {
			t.Errorf("%v", errs)
		}
		if got := names(t, db); got != "a" {
			t.Error(got)
		}
	})
}

func TestACallerWhoLeftBeforeItsTurnWritesNothing(t *testing.T) {
	db := open(t, store.Memory)
	ctx, leave := context.WithCancel(t.Context())
	held, left := make(chan struct{}), make(chan struct{})
	var both sync.WaitGroup
	both.Go(func() {
		_ = db.Write(t.Context(), func(context.Context, *sql.Tx) error { close(held); <-left; return nil })
	})
	<-held
	both.Go(func() {
		if err := db.Write(ctx, put("a")); !errors.Is(err, context.Canceled) {
			t.Errorf("%v, want that the caller left", err)
		}
	})
	db.WaitForQueue(1)
	leave()
	close(left)
	both.Wait()
	if got := names(t, db); got != "" {
		t.Error(got)
	}
}

func TestATransactionThatDoesNotEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := open(t, store.Memory)
		err := db.Write(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
			_ = put("a")(ctx, tx)
			<-ctx.Done()
			return ctx.Err()
		})
		if err == nil || errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "within 15s") {
			t.Errorf("%v, want that the database did not answer: the caller set no deadline", err)
		}
		if err := db.Write(t.Context(), put("b")); err != nil {
			t.Error(err)
		}
		if got := names(t, db); got != "b" {
			t.Error(got)
		}
	})
}

func TestHooks(t *testing.T) {
	storetest.Each(t, func(t *testing.T, dsn string) {
		db := open(t, dsn)
		cut := errors.New("cut")
		fail := func() error { return cut }
		db.SetHooks(store.Hooks{BeforeCommit: fail})
		for _, err := range together(t, db, put("a"), put("b")) {
			if !errors.Is(err, cut) {
				t.Errorf("before the commit: %v", err)
			}
		}
		if got := names(t, db); got != "" {
			t.Errorf("cut before the commit: %s", got)
		}
		db.SetHooks(store.Hooks{AfterCommit: fail})
		if err := db.Write(t.Context(), put("c")); !errors.Is(err, cut) {
			t.Errorf("after the commit: %v", err)
		}
		db.SetHooks(store.Hooks{})
		if err := db.Write(t.Context(), put("d")); err != nil {
			t.Error(err)
		}
		if got := names(t, db); got != "c d" {
			t.Error(got)
		}
	})
}

func TestClose(t *testing.T) {
	storetest.Each(t, func(t *testing.T, dsn string) {
		db, err := store.Open(t.Context(), dsn)
		if err != nil {
			t.Fatal(err)
		}
		var mu sync.Mutex
		var written []string
		var all sync.WaitGroup
		for i := range 200 {
			all.Go(func() {
				name := fmt.Sprintf("n%03d", i)
				switch err := db.Write(t.Context(), put(name)); {
				case err == nil:
					mu.Lock()
					defer mu.Unlock()
					written = append(written, name)
				case !errors.Is(err, store.ErrClosed):
					t.Error(err)
				}
			})
		}
		for range 2 {
			if err := db.Close(); err != nil {
				t.Error(err)
			}
		}
		if err := db.Write(t.Context(), put("late")); !errors.Is(err, store.ErrClosed) {
			t.Errorf("a write after Close: %v", err)
		}
		all.Wait()
		slices.Sort(written)
		if got := names(t, open(t, dsn)); got != strings.Join(written, " ") {
			t.Errorf("in the database %s, reported %s", got, written)
		}
	})
}

// Two replicas change the same rows, in opposite orders, so that PostgreSQL has to choose one now
// and then.
func TestReplicasThatChangeTheSameRows(t *testing.T) {
	storetest.Each(t, func(t *testing.T, dsn string) {
		replicas := []*store.DB{open(t, dsn), open(t, dsn)}
		rows := []string{"a", "b"}
		err := replicas[0].Write(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
			_, err := tx.ExecContext(ctx, "INSERT INTO replicas (id, alive_until) VALUES ('a', 0), ('b', 0)")
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		const each = 20
		var all sync.WaitGroup
		for i, db := range replicas {
			order := slices.Clone(rows)
			if i == 1 {
				slices.Reverse(order)
			}
			for range each {
				all.Go(func() {
					err := db.Write(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
						for _, id := range order {
							if _, err := tx.ExecContext(ctx, "UPDATE replicas SET alive_until = alive_until + 1 WHERE id = $1", id); err != nil {
								return err
							}
						}
						return nil
					})
					if err != nil {
						t.Error(err)
					}
				})
			}
		}
		all.Wait()
		for _, id := range rows {
			var n int
			if err := replicas[0].Reads().QueryRowContext(t.Context(), "SELECT alive_until FROM replicas WHERE id = $1", id).Scan(&n); err != nil || n != 2*each {
				t.Errorf("%s was counted up %d times, want %d: %v", id, n, 2*each, err)
			}
		}
	})
}

// Each of two transactions holds what the other one wants, which is certain: both wait until the
// other has its first row.
func TestADeadlockIsNobodysError(t *testing.T) {
	dsn := postgres.ForTest(t)
	replicas := []*store.DB{open(t, dsn), open(t, dsn)}
	err := replicas[0].Write(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "INSERT INTO replicas (id, alive_until) VALUES ('a', 0), ('b', 0)")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	var first, both sync.WaitGroup
	first.Add(2)
	runs := make(chan struct{}, 100)
	for i, order := range [][]string{{"a", "b"}, {"b", "a"}} {
		var meet sync.Once
		both.Go(func() {
			err := replicas[i].Write(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
				runs <- struct{}{}
				for _, id := range order {
					if _, err := tx.ExecContext(ctx, "UPDATE replicas SET alive_until = alive_until + 1 WHERE id = $1", id); err != nil {
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
	if err := replicas[0].Reads().QueryRowContext(t.Context(), "SELECT min(alive_until) FROM replicas").Scan(&least); err != nil || least != 2 {
		t.Errorf("counted up %d times, want 2: %v", least, err)
	}
	if len(runs) < 3 {
		t.Errorf("%d runs: there was no deadlock", len(runs))
	}
}
