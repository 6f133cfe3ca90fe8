package audit_test

import (
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/drmhub/drmhub/server/internal/audit"
	"github.com/drmhub/drmhub/server/internal/store"
	"github.com/drmhub/drmhub/server/internal/store/storetest"
)

// At the end of a replica, one look may still be under way when the last one begins.
func TestTwoLooksAtOnceTellOfAnEventOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := storetest.Open(t, store.Memory)
		told := make(chan audit.Event, 2)
		r := audit.NewRecorder(db, "a", func(e audit.Event) {
			time.Sleep(time.Second) // A copy on a slow disk.
			told <- e
		})
		db.SetHooks(store.Hooks{AfterCommit: func() error { return errors.New("the connection broke") }})
		if err := r.Record(t.Context(), audit.Event{Subject: "s"}); err == nil {
			t.Fatal("the event is not in doubt")
		}
		db.SetHooks(store.Hooks{})
		var both sync.WaitGroup
		for range 2 {
			both.Go(func() {
				if left := r.LookForUnconfirmed(t.Context()); left != 0 {
					t.Errorf("%d events are left", left)
				}
			})
		}
		both.Wait()
		if len(told) != 1 {
			t.Errorf("told %d times, want once", len(told))
		}
	})
}
