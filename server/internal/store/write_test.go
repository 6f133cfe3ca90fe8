package store_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/drmhub/drmhub/server/internal/store"
	"github.com/drmhub/drmhub/server/internal/store/storetest"
)

var errOwn = errors.New("of the write itself")

func TestManyWritesAtOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, dsn string) {
		db := storetest.Open(t, dsn)
		var want []string
		var all sync.WaitGroup
		for i := range 300 {
			name := fmt.Sprintf("n%03d", i)
			if i%10 == 7 { // A write that fails does not affect the others.
				all.Go(func() {
					err := db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
						return cmp.Or(put(name)(ctx, tx), errOwn)
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

// together makes writes that share a transaction: they wait behind a write that together blocks.
func together(t *testing.T, db *store.DB, writes ...func(context.Context, *store.Tx) error) []error {
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
		_ = db.Write(t.Context(), func(context.Context, *store.Tx) error {
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

// observed are the transactions that an observer was told of, as texts.
type observed chan string

func (o observed) Committed(took time.Duration, writes int, failed store.Failure) {
	o <- fmt.Sprintf("%d %s %t", writes, failed, took > 0)
}

func TestTransactionsAreObserved(t *testing.T) {
	storetest.Each(t, func(t *testing.T, dsn string) {
		db := storetest.Open(t, dsn)
		told := make(observed, 9)
		db.Observe(told)
		together(t, db, put("a"), put("b"))
		_ = db.Write(t.Context(), func(context.Context, *store.Tx) error { return errOwn })
		db.SetHooks(store.Hooks{BeforeCommit: func() error { return errOwn }})
		_ = db.Write(t.Context(), put("c"))
		close(told)
		var got []string
		for one := range told {
			got = append(got, one)
		}
		if want := "1  true, 2  true, 1 write true, 1 unavailable true"; strings.Join(got, ", ") != want {
			t.Errorf("%s, want %s", strings.Join(got, ", "), want)
		}
		if l := db.Load(); l.Queued != 0 || l.Writes.MaxOpenConnections != 1 || l.Reads.MaxOpenConnections < 1 {
			t.Errorf("the load is %+v", l)
		}
	})
}

func TestWritesShareATransaction(t *testing.T) {
	storetest.Each(t, func(t *testing.T, dsn string) {
		db := storetest.Open(t, dsn)
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
		db := storetest.Open(t, dsn)
		doomed := func(ctx context.Context, tx *store.Tx) error {
			return errors.Join(put("a")(ctx, tx), errOwn)
		}
		// Both insert the same row. If the doomed one comes first, the other one must not fail
		// because of a row that is never written.
		for range 5 {
			errs := together(t, db, doomed, put("a"))
			if !errors.Is(errs[0], errOwn) || errs[1] != nil {
				t.Errorf("%v", errs)
			}
			wantNames(t, "at the end", db, "a")
			mustWrite(t, db, exec("DELETE FROM keys"))
		}
	})
}

func TestAPanicIsItsOwnWritesError(t *testing.T) {
	storetest.Each(t, func(t *testing.T, dsn string) {
		db := storetest.Open(t, dsn)
		errs := together(t, db, func(ctx context.Context, tx *store.Tx) error {
			_ = put("b")(ctx, tx)
			panic("boo")
		}, put("a"))
		text := fmt.Sprint(errs[0])
		if !strings.Contains(text, "boo") || !strings.Contains(text, "write_test.go") || errs[1] != nil {
			t.Errorf("%v", errs)
		}
		wantNames(t, "at the end", db, "a")
	})
}

func TestACallerWhoLeftBeforeItsTurnWritesNothing(t *testing.T) {
	db := storetest.Open(t, store.Memory)
	ctx, leave := context.WithCancel(t.Context())
	held, left := make(chan struct{}), make(chan struct{})
	var both sync.WaitGroup
	both.Go(func() {
		_ = db.Write(t.Context(), func(context.Context, *store.Tx) error {
			close(held)
			<-left
			return nil
		})
	})
	<-held
	both.Go(func() {
		if err := db.Write(ctx, put("a")); !errors.Is(err, context.Canceled) {
			t.Errorf("%v, want context.Canceled", err)
		}
	})
	db.WaitForQueue(1)
	leave()
	close(left)
	both.Wait()
	wantNames(t, "at the end", db, "")
}

func TestATransactionThatDoesNotEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := storetest.Open(t, store.Memory)
		err := db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			_ = put("a")(ctx, tx)
			<-ctx.Done()
			return ctx.Err()
		})
		if err == nil || errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "within 15s") {
			t.Errorf("%v, want the time limit of the store: the caller set no deadline", err)
		}
		mustWrite(t, db, put("b"))
		wantNames(t, "at the end", db, "b")
	})
}

func TestHooks(t *testing.T) {
	storetest.Each(t, func(t *testing.T, dsn string) {
		db := storetest.Open(t, dsn)
		cut := errors.New("cut")
		fail := func() error { return cut }
		db.SetHooks(store.Hooks{BeforeCommit: fail})
		for _, err := range together(t, db, put("a"), put("b")) {
			if !errors.Is(err, cut) {
				t.Errorf("before the commit: %v", err)
			}
		}
		wantNames(t, "cut before the commit", db, "")
		db.SetHooks(store.Hooks{AfterCommit: fail})
		if err := db.Write(t.Context(), put("c")); !errors.Is(err, cut) {
			t.Errorf("after the commit: %v", err)
		}
		db.SetHooks(store.Hooks{})
		mustWrite(t, db, put("d"))
		wantNames(t, "at the end", db, "c d")
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
		if got := names(t, storetest.Open(t, dsn)); got != strings.Join(written, " ") {
			t.Errorf("in the database %s, reported %s", got, written)
		}
	})
}

// A caller that leaves does not wait for its turn, and its write never runs.
func TestACallerThatLeavesWhileItsWriteWaits(t *testing.T) {
	storetest.Each(t, func(t *testing.T, dsn string) {
		db := storetest.Open(t, dsn)
		begun, ends := make(chan struct{}), make(chan struct{})
		var all sync.WaitGroup
		all.Go(func() {
			mustWrite(t, db, func(ctx context.Context, tx *store.Tx) error {
				close(begun)
				<-ends
				return put("a")(ctx, tx)
			})
		})
		<-begun
		all.Go(func() { mustWrite(t, db, put("b")) })
		db.WaitForQueue(1)
		ctx, leave := context.WithCancel(t.Context())
		left := make(chan error, 1)
		go func() { left <- db.Write(ctx, put("c")) }()
		db.WaitForQueue(2)
		leave()
		select {
		case err := <-left:
			if !errors.Is(err, context.Canceled) {
				t.Errorf("%v, want context.Canceled", err)
			}
		case <-time.After(10 * time.Second):
			t.Error("the caller waits for the write before")
		}
		close(ends)
		all.Wait()
		mustWrite(t, db, put("d"))
		if got := names(t, db); got != "a b d" {
			t.Errorf("%s were written, want a b d", got)
		}
	})
}

func TestOnlyAFailedCommitLeavesAWriteInDoubt(t *testing.T) {
	db := storetest.Open(t, store.Memory)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	fails := func() error { return errOwn }
	for _, c := range []struct {
		name    string
		ctx     context.Context
		do      func(context.Context, *store.Tx) error
		hooks   store.Hooks
		inDoubt bool
	}{
		{name: "the write fails", ctx: t.Context(), do: func(context.Context, *store.Tx) error { return errOwn }},
		{name: "a statement fails", ctx: t.Context(), do: exec("SELECT nothing")},
		{name: "the caller has left", ctx: ended, do: put("a")},
		{"the commit fails", t.Context(), put("a"), store.Hooks{BeforeCommit: fails}, true},
		{"the commit's response is lost", t.Context(), put("b"), store.Hooks{AfterCommit: fails}, true},
	} {
		db.SetHooks(c.hooks)
		err := db.Write(c.ctx, c.do)
		if err == nil || store.MayBeDurable(err) != c.inDoubt {
			t.Errorf("%s: %v, in doubt: %t, want %t", c.name, err, store.MayBeDurable(err), c.inDoubt)
		}
	}
	db.SetHooks(store.Hooks{})
	wantNames(t, "at the end", db, "b")
}
