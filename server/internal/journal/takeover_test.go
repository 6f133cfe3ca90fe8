package journal_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jackc/pgx/v5"
	"google.golang.org/grpc/codes"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/internal/postgres"
	"github.com/drmhub/drmhub/server/internal/journal"
	"github.com/drmhub/drmhub/server/internal/store"
	"github.com/drmhub/drmhub/server/internal/store/storetest"
)

// pair starts two replicas on one store in memory.
func pair(t *testing.T, served services, options journal.Options) (one, other *replica) {
	t.Helper()
	db := storetest.Open(t, store.Memory)
	one, other = newReplica(t, db, served, options), newReplica(t, db, served, options)
	stop(t, one.Journal)
	stop(t, other.Journal)
	return one, other
}

func TestTheSameRequestIDAtTwoReplicasAtOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, dsn string) {
		v := &fakeVendor{}
		first, second := storetest.OpenTwo(t, dsn)
		one, other := newReplica(t, first, v, noBackground), newReplica(t, second, v, noBackground)
		stop(t, one.Journal)
		stop(t, other.Journal)
		var calls sync.WaitGroup
		for i := range 20 {
			calls.Go(func() {
				ok(t, []*replica{one, other}[i%2].disable(t, id))
			})
		}
		calls.Wait()
		v.wantRuns(t, 1, 1)
	})
}

func TestEqualCallsThatFailedTogetherAreNotMadeOneAfterTheOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &fakeVendor{enter: func(context.Context) error {
			time.Sleep(time.Second)
			return errors.New("down")
		}}
		one, other := pair(t, v, journal.Options{})
		var calls sync.WaitGroup
		for i := range 20 {
			calls.Go(func() {
				err := []*replica{one, other}[i%2].disable(t, id)
				wantError(t, err, codes.Internal, pb.ErrorReason_INTERNAL_FAILURE)
			})
		}
		calls.Wait()
		v.wantRuns(t, 1, 0)
	})
}

func TestADeadReplicasCallIsTakenOverWhenItsLeaseHasEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sleep, wake := gate()
		v := &fakeVendor{before: func(context.Context, string) error { sleep(); return context.Canceled }}
		one, other := pair(t, v, journal.Options{Lease: 15 * time.Second, FirstPause: time.Hour})
		call := background(func() { wantUnknown(t, one.disable(t, id)) }) // By then, another replica owns it.
		synctest.Wait()
		time.Sleep(30 * time.Second)
		other.wantState(t, id, pb.Mutation_SENT)
		one.Die()
		died := time.Now()
		wantUnknown(t, other.disableWithin(t, time.Second, id))
		wantUnknown(t, other.disable(t, id)) // waits, then reads back
		if waited := time.Since(died); waited < 10*time.Second || waited > 16*time.Second {
			t.Errorf("taken over after %v, want the rest of the lease", waited)
		}
		other.wantState(t, id, pb.Mutation_UNKNOWN)
		if n := other.Takeovers(); n != 1 || one.LeaseLeft() != 0 || other.LeaseLeft() < 10*time.Second {
			t.Errorf("%d takeovers; the leases last for %v and %v", n, one.LeaseLeft(), other.LeaseLeft())
		}
		wake()
		call()
		other.wantState(t, id, pb.Mutation_UNKNOWN) // as the second process left it
	})
}

func TestADeadReplicasMutationIsShownAsUnknown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sleep, wake := gate()
		v := &fakeVendor{before: func(context.Context, string) error { sleep(); return nil }}
		one, other := pair(t, v, journal.Options{FirstPause: time.Hour})
		go one.disable(t, id)
		synctest.Wait()
		for _, state := range []pb.Mutation_State{pb.Mutation_SENT, pb.Mutation_UNKNOWN} {
			req := &pb.ListMutationsRequest{Filter: &pb.MutationFilter{State: state}}
			res, err := other.mutations.ListMutations(t.Context(), req)
			if err != nil || len(res.GetMutations()) != 1 || res.GetMutations()[0].GetState() != state {
				t.Errorf("%v: %v, %v", state, res, err)
			}
			one.Die()
			time.Sleep(20 * time.Second)
		}
		wake()
	})
}

func TestAReplicaThatWasAsleepSendsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sleep, wake := gate()
		var slept atomic.Bool
		v := &fakeVendor{enter: func(context.Context) error {
			if !slept.Swap(true) {
				sleep()
			}
			return nil
		}}
		one, other := pair(t, v, journal.Options{FirstPause: time.Hour})
		first := background(func() { wantUnknown(t, one.disable(t, id)) })
		synctest.Wait()
		one.Die()
		time.Sleep(20 * time.Second)
		ok(t, other.disable(t, id))
		v.wantRuns(t, 2, 1)
		wake()
		first()
		v.wantRuns(t, 2, 1)
		other.wantState(t, id, pb.Mutation_SUCCEEDED)
	})
}

// A run that lost its mutation never owns it again, even if its own replica runs the mutation
// again.
func TestARunThatWasAsleepSendsNothingBesideANewOneOfItsReplica(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asleep := make(chan chan struct{}, 2)
		v := &fakeVendor{enter: func(context.Context) error {
			wake := make(chan struct{})
			asleep <- wake
			<-wake
			return nil
		}}
		one, other := pair(t, v, noBackground)
		var first, second sync.WaitGroup
		first.Go(func() {
			wantUnknown(t, one.disable(t, id))
		})
		synctest.Wait()
		other.passAndSettle(t)
		other.wantState(t, id, pb.Mutation_FAILED)
		ok(t, one.Lease().Heartbeat(t.Context()))
		second.Go(func() {
			ok(t, one.disable(t, id))
		})
		synctest.Wait()
		close(<-asleep)
		first.Wait()
		v.wantRuns(t, 2, 0)
		one.Lease().RetryReleases(t.Context())
		close(<-asleep)
		second.Wait()
		v.wantRuns(t, 2, 1)
		one.wantState(t, id, pb.Mutation_SUCCEEDED)
	})
}

func TestAMutationIsNotSettledTwiceInARow(t *testing.T) {
	v := &fakeVendor{faults: map[int]fault{1: cut}}
	one, other := pair(t, v, noBackground)
	_ = one.disable(t, id)
	ok(t, one.Pass(t.Context()))
	v.read = func(string) error { return errors.New("down") }
	due, err := one.Records().Due(t.Context(), nil, 1)
	if err != nil || len(due) != 1 {
		t.Fatalf("%v is due, %v", due, err)
	}
	_, _ = other.SettleDue(t.Context())
	if m, err := one.Lease().ClaimDue(t.Context(), due[0].ID); m != nil || err != nil {
		t.Errorf("%v, %v: what another replica has just tried to settle is tried again at once", m, err)
	}
}

func TestClosingWaitsForCallsAndKeepsThemItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := slow(50 * time.Second)
		one, other := pair(t, v, journal.Options{})
		first := background(func() { ok(t, one.disable(t, id)) })
		time.Sleep(time.Second)
		began := time.Now()
		if err := one.Close(t.Context()); err != nil || time.Since(began) != 49*time.Second {
			t.Errorf("Close returned %v after %v, want the end of the write", err, time.Since(began))
		}
		first()
		v.wantRuns(t, 1, 1) // the other replica settles every second what it finds
		other.wantState(t, id, pb.Mutation_SUCCEEDED)
	})
}

func TestClosingWaitsNoLongerThanItsDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := slow(50 * time.Second)
		one, other := pair(t, v, journal.Options{})
		go one.disable(t, id)
		time.Sleep(time.Second)
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := one.Close(short); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Close returned %v", err)
		}
		time.Sleep(2 * time.Minute)
		other.wantState(t, id, pb.Mutation_SUCCEEDED) // read back
		v.wantCalls(t, 1)
	})
}

func TestACleanEndHandsOverAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &fakeVendor{faults: map[int]fault{1: lost}}
		db := storetest.Open(t, store.Memory)
		one := newReplica(t, db, v, noBackground)
		wantUnknown(t, one.disable(t, id))
		ok(t, one.Close(t.Context()))
		other := newReplica(t, db, v, noBackground)
		stop(t, other.Journal)
		began := time.Now()
		ok(t, other.disable(t, id))
		if took := time.Since(began); took > 0 {
			t.Errorf("it took %v", took)
		}
	})
}

func connect(t *testing.T, dsn string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

// Many who wait for the same resources, at several replicas, must not keep each other, or those who
// hold them, from writing.
func TestManyWhoWaitAtSeveralReplicas(t *testing.T) {
	dsn := postgres.ForTest(t)
	v := &fakeVendor{}
	var replicas []*replica
	for range 2 {
		r := newReplica(t, storetest.Open(t, dsn), v, journal.Options{})
		stop(t, r.Journal)
		replicas = append(replicas, r)
	}
	var calls sync.WaitGroup
	for i := range 150 { // five callers at each replica for each of thirty sites
		for at, r := range replicas {
			calls.Go(func() {
				ok(t, r.enableAt(t, fmt.Sprintf("vendors/v/sites/s%d", i%30), uuidOf(2*i+at)))
			})
		}
	}
	calls.Wait()
	var deadlocks int
	const query = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
	if err := connect(t, dsn).QueryRow(t.Context(), query).Scan(&deadlocks); err != nil || deadlocks > 0 {
		t.Errorf("%d deadlocks, %v", deadlocks, err)
	}
	for i := range 30 {
		v.want(t, fmt.Sprintf("enable vendors/v/sites/s%d", i), 10)
	}
}

// A process that freezes within a transaction keeps what it has locked until PostgreSQL ends it.
// Other replicas must say in the meantime that they are alive.
func TestAFrozenReplicaDoesNotStopTheOthers(t *testing.T) {
	dsn := postgres.ForTest(t)
	r := newReplica(t, storetest.Open(t, dsn), &fakeVendor{}, noBackground)
	stop(t, r.Journal)
	frozen, err := connect(t, dsn).Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, statement := range []string{
		`INSERT INTO mutations (id, subject, method, resource, digest, request, secrets, state, create_time, owner,
			settle_at) VALUES ('x', 's', 'm', 'r', '', '', 0, 1, 0, 'frozen', 0)`,
		`INSERT INTO locks (resource, mutation) VALUES ('` + site + `', 'x')`,
	} {
		if _, err := frozen.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	waiting := background(func() { _ = r.enable(t, id) })
	for range 20 {
		begun := time.Now()
		if err := r.Lease().Heartbeat(t.Context()); err != nil || time.Since(begun) > journal.DefaultLease/3 {
			t.Fatalf("the sign of life took %v: %v", time.Since(begun), err)
		}
	}
	waiting()
	ok(t, frozen.Rollback(t.Context()))
	ok(t, r.enable(t, id))
}
