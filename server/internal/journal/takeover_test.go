package journal_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/journal"
	"github.com/drmhub/drmhub/server/internal/store"
	"github.com/drmhub/drmhub/server/internal/store/storetest"
)

// pair starts two replicas on one store in memory.
func pair(t *testing.T, served services, options journal.Options) (one, other *replica) {
	t.Helper()
	db := open(t, store.Memory)
	one, other = newReplica(t, db, served, options), newReplica(t, db, served, options)
	stop(t, one.Journal)
	stop(t, other.Journal)
	return one, other
}

func TestTheSameRequestIDAtTwoReplicasAtOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, dsn string) {
		v := &vendor{write: func() error { return nil }}
		one, other := newReplica(t, open(t, dsn), v, calm), newReplica(t, open(t, dsn), v, calm)
		stop(t, one.Journal)
		stop(t, other.Journal)
		var calls sync.WaitGroup
		for i := range 20 {
			calls.Go(func() {
				change, err := []*replica{one, other}[i%2].sites.DisableSite(t.Context(), disable(id))
				if err != nil || change.GetMessage() != "call 1" {
					t.Errorf("%v, %v; want the first call's answer", change, err)
				}
			})
		}
		calls.Wait()
		v.want(t, 1, 1)
	})
}

func TestEqualCallsThatFailedTogetherAreNotMadeOneAfterTheOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &vendor{before: func(context.Context) error {
			time.Sleep(time.Second)
			return errors.New("down")
		}}
		one, other := pair(t, v, journal.Options{})
		var calls sync.WaitGroup
		for i := range 20 {
			calls.Go(func() {
				_, err := []*replica{one, other}[i%2].sites.DisableSite(t.Context(), disable(id))
				wantError(t, err, codes.Internal, pb.ErrorReason_INTERNAL_FAILURE)
			})
		}
		calls.Wait()
		v.want(t, 1, 0)
	})
}

func TestADeadReplicasCallIsTakenOverWhenItsLeaseHasEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asleep := make(chan struct{})
		w := &world{before: func(context.Context, string) error {
			<-asleep
			return context.Canceled
		}}
		one, other := pair(t, w, journal.Options{Lease: 15 * time.Second, FirstPause: time.Hour})
		var first sync.WaitGroup
		first.Go(func() {
			_, err := one.sites.DisableSite(t.Context(), disable(id))
			// by now it is another replica's to tell
			wantError(t, err, codes.Unknown, pb.ErrorReason_OUTCOME_UNKNOWN)
		})
		synctest.Wait()
		time.Sleep(30 * time.Second)
		if m := other.record(t, id); m.GetState() != pb.Mutation_SENT {
			t.Errorf("%v while its replica is alive, want SENT", m)
		}
		one.Die()
		died := time.Now()
		quick, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := other.sites.DisableSite(quick, disable(id))
		wantError(t, err, codes.Unknown, pb.ErrorReason_OUTCOME_UNKNOWN)
		_, err = other.sites.DisableSite(t.Context(), disable(id)) // waits, then reads back
		wantError(t, err, codes.Unknown, pb.ErrorReason_OUTCOME_UNKNOWN)
		if waited := time.Since(died); waited < 10*time.Second || waited > 16*time.Second {
			t.Errorf("taken over after %v, want the rest of the lease", waited)
		}
		if m := other.record(t, id); m.GetState() != pb.Mutation_UNKNOWN {
			t.Errorf("%v, want UNKNOWN", m)
		}
		close(asleep)
		first.Wait()
		if m := other.record(t, id); m.GetState() != pb.Mutation_UNKNOWN {
			t.Errorf("%v after the first process woke up, want it as the second one left it", m)
		}
	})
}

func TestADeadReplicasMutationIsShownAsUnknown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asleep := make(chan struct{})
		w := &world{before: func(context.Context, string) error {
			<-asleep
			return nil
		}}
		one, other := pair(t, w, journal.Options{FirstPause: time.Hour})
		go one.sites.DisableSite(t.Context(), disable(id))
		synctest.Wait()
		for _, state := range []pb.Mutation_State{pb.Mutation_SENT, pb.Mutation_UNKNOWN} {
			res, err := other.mutations.ListMutations(t.Context(), &pb.ListMutationsRequest{Filter: &pb.MutationFilter{State: state}})
			if err != nil || len(res.GetMutations()) != 1 || res.GetMutations()[0].GetState() != state {
				t.Errorf("%v: %v, %v", state, res, err)
			}
			one.Die()
			time.Sleep(20 * time.Second)
		}
		close(asleep)
	})
}

func TestAReplicaThatWasAsleepSendsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asleep := make(chan struct{})
		sleeps := true
		v := &vendor{before: func(context.Context) error {
			if sleeps {
				sleeps = false
				<-asleep
			}
			return nil
		}}
		one, other := pair(t, v, journal.Options{FirstPause: time.Hour})
		var first sync.WaitGroup
		first.Go(func() {
			_, err := one.sites.DisableSite(t.Context(), disable(id))
			wantError(t, err, codes.Unknown, pb.ErrorReason_OUTCOME_UNKNOWN)
		})
		synctest.Wait()
		one.Die()
		time.Sleep(20 * time.Second)
		if _, err := other.sites.DisableSite(t.Context(), disable(id)); err != nil {
			t.Error(err)
		}
		v.want(t, 2, 1)
		close(asleep)
		first.Wait()
		v.want(t, 2, 1)
		other.wantState(t, id, pb.Mutation_SUCCEEDED)
	})
}

// A run that was taken over from has lost the mutation for good, even if it is its own replica that
// runs it again.
func TestARunThatWasAsleepSendsNothingBesideANewOneOfItsReplica(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asleep := make(chan chan struct{}, 2)
		v := &vendor{before: func(context.Context) error {
			wake := make(chan struct{})
			asleep <- wake
			<-wake
			return nil
		}}
		one, other := pair(t, v, calm)
		var first, second sync.WaitGroup
		first.Go(func() {
			_, err := one.sites.DisableSite(t.Context(), disable(id))
			wantError(t, err, codes.Unknown, pb.ErrorReason_OUTCOME_UNKNOWN)
		})
		synctest.Wait()
		if err := other.Pass(t.Context()); err != nil {
			t.Fatal(err)
		}
		_, _ = other.SettleDue(t.Context())
		other.wantState(t, id, pb.Mutation_FAILED)
		if err := one.Lease().Heartbeat(t.Context()); err != nil {
			t.Fatal(err)
		}
		second.Go(func() {
			if _, err := one.sites.DisableSite(t.Context(), disable(id)); err != nil {
				t.Error(err)
			}
		})
		synctest.Wait()
		close(<-asleep)
		first.Wait()
		v.want(t, 2, 0)
		one.Lease().RetryReleases(t.Context())
		close(<-asleep)
		second.Wait()
		v.want(t, 2, 1)
		one.wantState(t, id, pb.Mutation_SUCCEEDED)
	})
}

func TestAMutationIsNotSettledTwiceInARow(t *testing.T) {
	w := &world{faults: map[int]fault{1: cut}}
	one, other := pair(t, w, calm)
	_, _ = one.sites.DisableSite(t.Context(), disable(id))
	if err := one.Pass(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.read = func(string) error { return errors.New("down") }
	due, err := one.Records().Due(t.Context(), 1)
	if err != nil || len(due) != 1 {
		t.Fatalf("%q is due, %v", due, err)
	}
	_, _ = other.SettleDue(t.Context())
	if m, err := one.Lease().ClaimDue(t.Context(), due[0]); m != nil || err != nil {
		t.Errorf("%v, %v: what another replica has just tried to settle is tried again at once", m, err)
	}
}

func TestClosingWaitsForCallsAndKeepsThemItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &vendor{write: sleep(50 * time.Second)}
		one, other := pair(t, v, journal.Options{})
		var first sync.WaitGroup
		first.Go(func() {
			if _, err := one.sites.DisableSite(t.Context(), disable(id)); err != nil {
				t.Error(err)
			}
		})
		time.Sleep(time.Second)
		began := time.Now()
		if err := one.Close(t.Context()); err != nil || time.Since(began) != 49*time.Second {
			t.Errorf("Close answered %v after %v, want the end of the write", err, time.Since(began))
		}
		first.Wait()
		v.want(t, 1, 1) // the other replica settles every second what it finds
		other.wantState(t, id, pb.Mutation_SUCCEEDED)
	})
}

func TestClosingDoesNotWaitForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &vendor{write: sleep(50 * time.Second)}
		one, other := pair(t, v, journal.Options{})
		go one.sites.DisableSite(t.Context(), disable(id))
		time.Sleep(time.Second)
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := one.Close(short); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Close answered %v", err)
		}
		time.Sleep(2 * time.Minute)
		other.wantState(t, id, pb.Mutation_SUCCEEDED) // read back
		v.want(t, 2, 1)
	})
}

func TestACleanEndHandsOverAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{faults: map[int]fault{1: lost}}
		db := open(t, store.Memory)
		one := newReplica(t, db, w, calm)
		_, err := one.sites.DisableSite(t.Context(), disable(id))
		wantError(t, err, codes.Unknown, pb.ErrorReason_OUTCOME_UNKNOWN)
		if err := one.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		other := newReplica(t, db, w, calm)
		stop(t, other.Journal)
		began := time.Now()
		if _, err := other.sites.DisableSite(t.Context(), disable(id)); err != nil || time.Since(began) > 0 {
			t.Errorf("%v after %v", err, time.Since(began))
		}
	})
}
