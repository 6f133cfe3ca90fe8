package journal_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/journal"
	"github.com/drmhub/drmhub/server/internal/store"
	"github.com/drmhub/drmhub/server/internal/store/storetest"
)

// A process whose clock was ahead dies after it sent a write. The next process has the right time.
func TestAClockThatWasAheadDelaysNoSettling(t *testing.T) {
	for failure, settled := range map[fault]pb.Mutation_State{
		lost: pb.Mutation_SUCCEEDED, cut: pb.Mutation_FAILED,
	} {
		for _, ahead := range []time.Duration{2 * time.Minute, time.Hour, 24 * time.Hour} {
			t.Run(fmt.Sprint(failure, " ", ahead), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					v, db := &fakeVendor{faults: map[int]fault{1: failure}}, storetest.Open(t, store.Memory)
					one := newReplica(t, db, v, journal.Options{FirstPause: time.Minute})
					wantUnknown(t, one.disable(t, id))
					one.Die()
					micros := ahead.Microseconds()
					storetest.Exec(t, db, "UPDATE replicas SET alive_until = alive_until + $1", micros)
					storetest.Exec(t, db,
						"UPDATE steps SET send_time = send_time + $1, over_time = over_time + $1", micros)
					storetest.Exec(t, db, `UPDATE mutations SET state = 2, owner = $1, create_time = create_time + $2,
						settle_at = settle_at + $2`, one.Lease().Replica()+"-1", micros)
					other := newReplica(t, db, v, journal.Options{})
					stop(t, other.Journal)
					time.Sleep(10 * time.Second) // less than a lease
					other.wantState(t, id, pb.Mutation_SENT)
					time.Sleep(4 * time.Minute)
					other.wantState(t, id, settled)
					if n := count(t, other, "replicas"); n != 1 {
						t.Errorf("there are %d replicas, want the living one", n)
					}
				})
			})
		}
	}
}

// The clock of a living replica jumps back by an hour, or that of the other one jumps ahead.
func TestAClockThatIsBehindLosesNoMutation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sleep, wake := gate()
		v := &fakeVendor{before: func(context.Context, string) error { sleep(); return nil }}
		one, other := pair(t, v, journal.Options{})
		call := background(func() { ok(t, one.disable(t, id)) })
		time.Sleep(11 * time.Second)
		for range 60 {
			storetest.Exec(t, one.db, `UPDATE replicas SET alive_until = alive_until - 3600000000
				WHERE id = $1 AND alive_until > $2`, one.Lease().Replica(), time.Now().Add(-time.Minute).UnixMicro())
			time.Sleep(time.Second)
		}
		wantUnknown(t, other.disableWithin(t, time.Second, id)) // It waits for the one that runs.
		other.wantState(t, id, pb.Mutation_SENT)
		wake()
		call()
		ok(t, other.disable(t, id))
		v.wantRuns(t, 1, 1)
	})
}

// The clock of this replica jumps back, or another one whose clock is ahead recorded a failure for
// a passing reason.
func TestACallAfterAFailureInTheFutureRunsAgain(t *testing.T) {
	v := &fakeVendor{leaves: func() error {
		return apierror.New(codes.Unavailable, pb.ErrorReason_VENDOR_UNAVAILABLE, "not sent: out of reach")
	}}
	r := start(t, v, journal.Options{})
	wantError(t, r.disable(t, id), codes.Unavailable, pb.ErrorReason_VENDOR_UNAVAILABLE)
	storetest.Exec(t, r.db, "UPDATE mutations SET settle_time = settle_time + $1", time.Hour.Microseconds())
	v.leaves = nil
	ok(t, r.disable(t, id))
	v.wantRuns(t, 2, 1)
}

// The clock jumps ahead by longer than mutations are kept, and the process is restarted meanwhile.
func TestAClockThatJumpsAheadForgetsNoRequestID(t *testing.T) {
	for _, jump := range []time.Duration{28 * time.Hour, 365 * 24 * time.Hour} {
		t.Run(jump.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v, db := &fakeVendor{}, storetest.Open(t, store.Memory)
				one := newReplica(t, db, v, aDay)
				ok(t, one.disable(t, id))
				for _, column := range []string{"create_time", "send_time", "settle_time"} {
					storetest.Exec(t, db, "UPDATE mutations SET "+column+" = "+column+" - $1", jump.Microseconds())
				}
				time.Sleep(2 * time.Hour)
				ok(t, one.disable(t, otherID))
				one.Die()
				other := newReplica(t, db, v, aDay)
				stop(t, other.Journal)
				time.Sleep(20*time.Hour + 30*time.Minute)
				ok(t, other.disable(t, id))
				v.wantRuns(t, 2, 2)
				time.Sleep(3 * time.Hour)
				if n := count(t, other, "mutations"); n != 1 {
					t.Errorf("the store has %d mutations, want the later one", n)
				}
				time.Sleep(3 * time.Hour)
				if n := count(t, other, "mutations"); n != 0 {
					t.Errorf("the store has %d mutations, want none", n)
				}
			})
		})
	}
}
