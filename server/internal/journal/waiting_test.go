package journal_test

import (
	"context"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/store/storetest"
)

func TestManyWaitersForALock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &fakeVendor{before: func(_ context.Context, what string) error {
			if what == "disable "+site {
				time.Sleep(10 * time.Second)
			}
			return nil
		}}
		r := start(t, v, noBackground)
		changes := func() int {
			n, err := strconv.Atoi(storetest.Texts(t, r.db, "SELECT CAST(total_changes() AS TEXT)")[0])
			ok(t, err)
			return n
		}
		began := time.Now()
		var calls sync.WaitGroup
		calls.Go(func() { ok(t, r.disable(t, id)) })
		synctest.Wait()
		for range 20 {
			calls.Go(func() { ok(t, r.enableAt(t, site, "")) })
		}
		synctest.Wait()
		time.Sleep(time.Second)

		written, recorded := changes(), count(t, r, "mutations")
		for _, requestID := range []string{"", otherID} {
			err := r.enableAt(t, site, requestID)
			wantError(t, err, codes.Aborted, pb.ErrorReason_MUTATION_IN_PROGRESS)
			if pause := apierror.Convert(err).RetryAfter; pause != time.Second {
				t.Errorf("the refused call is to wait %v", pause)
			}
		}
		if waited := time.Since(began); waited != time.Second || count(t, r, "mutations") != recorded {
			t.Errorf("refused after %v, with a record", waited-time.Second)
		}
		ok(t, r.enableAt(t, "vendors/v/sites/other", ""))
		calls.Go(func() { ok(t, r.disable(t, id)) }) // A repeated call is not a new one.
		time.Sleep(8 * time.Second)
		if n := changes() - written; n > 50 {
			t.Errorf("the waiters changed %d rows", n)
		}
		calls.Wait()
		if took := time.Since(began); took != 10*time.Second {
			t.Errorf("all ended after %v, want no pause after the run", took)
		}
		ok(t, r.enableAt(t, site, otherID))
		v.want(t, "disable "+site, 1)
		v.want(t, "enable "+site, 21)
	})
}
