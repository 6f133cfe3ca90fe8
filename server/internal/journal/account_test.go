package journal_test

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/journal"
)

// TestAnotherAccountProvesNothing gives the vendor's id to another account after a call whose
// outcome is unknown.
func TestAnotherAccountProvesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &fakeVendor{faults: map[int]fault{1: lost}}
		var account atomic.Value
		account.Store("first")
		r := start(t, v, journal.Options{Account: func(vendor string) string {
			if vendor != "vendors/v" {
				t.Errorf("the account of %q", vendor)
			}
			return account.Load().(string)
		}})
		wantUnknown(t, r.disable(t, id))
		account.Store("second")
		time.Sleep(time.Hour)
		wantUnknown(t, r.disable(t, id))
		if m, err := r.settle(t, id, false); err != nil || m.GetState() != pb.Mutation_UNKNOWN {
			t.Errorf("settled: %v, %v", m, err)
		}
		_, err := r.resend(t, id, otherID)
		wantError(t, err, codes.FailedPrecondition, pb.ErrorReason_VENDOR_STATE)
		v.want(t, "disable "+site, 1)

		account.Store("first")
		time.Sleep(2 * time.Hour)
		r.wantState(t, id, pb.Mutation_SUCCEEDED)
		v.want(t, "disable "+site, 1)
	})
}

// TestAChangeWithoutEffectIsNotMadeAtAnotherAccount repeats the call of a change that did not reach
// the vendor.
func TestAChangeWithoutEffectIsNotMadeAtAnotherAccount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &fakeVendor{faults: map[int]fault{1: refused}}
		var account atomic.Value
		account.Store("first")
		r := start(t, v, journal.Options{Account: func(string) string { return account.Load().(string) }})
		if r.disable(t, id) == nil {
			t.Fatal("the vendor says no, and the call succeeds")
		}
		account.Store("second")
		wantError(t, r.disable(t, id), codes.FailedPrecondition, pb.ErrorReason_VENDOR_STATE)
		v.want(t, "disable "+site, 0)
		ok(t, r.disable(t, otherID))
	})
}
