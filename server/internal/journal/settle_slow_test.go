package journal_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/journal"
)

// slowReads returns a vendor that loses the response of the first write, and takes an hour to read
// that site back. So does a batch of many items.
func slowReads() *fakeVendor {
	return &fakeVendor{faults: map[int]fault{1: lost}, read: func(what string) error {
		if strings.HasSuffix(what, site) {
			time.Sleep(time.Hour)
		}
		return nil
	}}
}

func TestSlowSettlingDoesNotBlockOtherMutations(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := slowReads()
		v.faults[2] = lost
		r := start(t, v, journal.Options{})
		wantUnknown(t, r.disable(t, id))
		time.Sleep(10 * time.Second) // it is being settled
		wantUnknown(t, r.disableAt(t, "vendors/v/sites/other", otherID))
		time.Sleep(10 * time.Second)
		r.wantState(t, otherID, pb.Mutation_SUCCEEDED)
		time.Sleep(2 * time.Hour)
		r.wantState(t, id, pb.Mutation_SUCCEEDED)
	})
}

func TestEightMutationsAreSettledAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var now, most atomic.Int64
		v := &fakeVendor{faults: map[int]fault{}, read: func(string) error {
			most.Store(max(most.Load(), now.Add(1)))
			defer now.Add(-1)
			time.Sleep(time.Hour)
			return nil
		}}
		r := start(t, v, journal.Options{})
		for n := range 20 {
			v.faults[n+1] = lost
			_ = r.disableAt(t, fmt.Sprint("vendors/v/sites/s", n), uuidOf(n))
		}
		time.Sleep(30 * time.Minute)
		if most.Load() != 8 {
			t.Errorf("%d are settled at once", most.Load())
		}
		time.Sleep(5 * time.Hour)
		for n := range 20 {
			r.wantState(t, uuidOf(n), pb.Mutation_SUCCEEDED)
		}
	})
}

func TestClosingDoesNotWaitForSlowSettling(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		one, other := pair(t, slowReads(), journal.Options{})
		wantUnknown(t, one.disable(t, id))
		time.Sleep(10 * time.Second)
		for _, r := range []*replica{one, other} { // one of them is at it
			began := time.Now()
			short, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			err := r.Close(short)
			if time.Since(began) > 5*time.Second || err != nil && !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("Close returned %v after %v", err, time.Since(began))
			}
			cancel()
		}
	})
}

func TestSettlingByHandEndsAtItsDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, slowReads(), noBackground)
		wantUnknown(t, r.disable(t, id))
		name := r.record(t, id).GetName()
		short, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		began := time.Now()
		_, err := r.mutations.SettleMutation(short, &pb.SettleMutationRequest{Name: name})
		wantUnknown(t, err)
		if time.Since(began) != 5*time.Second {
			t.Errorf("it waited for %v", time.Since(began))
		}
		time.Sleep(2 * time.Hour)
		r.wantState(t, id, pb.Mutation_SUCCEEDED)
	})
}
