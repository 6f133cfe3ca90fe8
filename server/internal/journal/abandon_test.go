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

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/journal"
	"github.com/drmhub/drmhub/server/internal/journal/records"
	"github.com/drmhub/drmhub/server/internal/store"
	"github.com/drmhub/drmhub/server/internal/store/storetest"
)

// A mutation that was given up holds no locks. If a run takes them again and dies, another replica
// releases them.
func TestADeadReplicasLocksOfAGivenUpMutationAreReleased(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sleep, wake := gate()
		var sleeps atomic.Bool
		v := &fakeVendor{faults: map[int]fault{1: cut}, enter: func(context.Context) error {
			if sleeps.Load() {
				sleep()
			}
			return nil
		}}
		one, other := pair(t, v, journal.Options{})
		wantUnknown(t, one.enable(t, id)) // which cannot be read back
		sleeps.Store(true)
		go one.enable(t, id)
		synctest.Wait()
		one.Die()
		sleeps.Store(false)
		time.Sleep(time.Minute)
		ok(t, other.disable(t, otherID))
		wake()
	})
}

// unreadable returns a vendor that cannot be read until it is mended, and whose writes meet these
// faults.
func unreadable(faults map[int]fault) (v *fakeVendor, mend func()) {
	var mended atomic.Bool
	read := func(string) error {
		if mended.Load() {
			return nil
		}
		return errors.New("the vendor is down")
	}
	return &fakeVendor{faults: faults, read: read}, func() { mended.Store(true) }
}

// settle settles the mutation of a request_id by hand.
func (r *replica) settle(t *testing.T, requestID string, giveUp bool) (*pb.Mutation, error) {
	t.Helper()
	name := r.record(t, requestID).GetName()
	return r.mutations.SettleMutation(t.Context(), &pb.SettleMutationRequest{Name: name, GiveUp: giveUp})
}

func TestWhatIsGivenUpStaysSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v, _ := unreadable(map[int]fault{1: cut})
		r := start(t, v, journal.Options{FirstPause: time.Hour})
		_ = r.disable(t, id)
		for what, again := range []func() error{
			func() error { _, err := r.settle(t, id, true); return err },
			func() error { _, err := r.settle(t, id, false); return err },
			func() error { wantUnknown(t, r.disable(t, id)); return nil },
			func() error { _, err := r.resend(t, id, otherID); return err },
		} {
			if err := again(); err != nil || r.record(t, id).GetNextSettleTime() != nil || count(t, r, "locks") != 0 {
				t.Errorf("%d: %v, %v, with %d locks", what, err, r.record(t, id), count(t, r, "locks"))
			}
		}
	})
}

func TestWhatIsGivenUpIsNotSettledBesideAnotherChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v, mend := unreadable(map[int]fault{2: cut})
		r := start(t, v, journal.Options{FirstPause: time.Hour})
		wantUnknown(t, r.replace(t, id)) // is half done
		_, err := r.settle(t, id, true)
		ok(t, err)
		mend()
		time.Sleep(10 * time.Minute)
		other := make(chan struct{})
		v.before = func(context.Context, string) error { <-other; return nil }
		req := &pb.DeleteProductLicenseRequest{Name: oldLicense, RequestId: otherID}
		go r.licenses.DeleteProductLicense(t.Context(), req)
		synctest.Wait()
		_, err = r.settle(t, id, false)
		wantError(t, err, codes.Aborted, pb.ErrorReason_MUTATION_IN_PROGRESS)
		v.want(t, "issue "+newLicense, 0)
		close(other)
		synctest.Wait()
		if m, err := r.settle(t, id, false); err != nil || m.GetState() != pb.Mutation_SUCCEEDED {
			t.Errorf("afterwards: %v, %v", m, err)
		}
		v.want(t, "issue "+newLicense, 1)
	})
}

// The record says what became of the change, and not why a repetition could not look or send it
// again.
func TestARepetitionThatWaitsInVainChangesNothing(t *testing.T) {
	isBusy := apierror.New(codes.Unavailable, pb.ErrorReason_VENDOR_UNAVAILABLE, "the vendor is busy")
	inProgress := func(t *testing.T, err error) {
		t.Helper()
		wantError(t, err, codes.Aborted, pb.ErrorReason_MUTATION_IN_PROGRESS)
	}
	for state, c := range map[pb.Mutation_State]struct {
		failure fault
		leaves  error
		vain    func(*testing.T, error)
		then    func(*testing.T, error)
	}{
		pb.Mutation_UNKNOWN: {lost, nil, wantUnknown, wantUnknown}, // cannot be read back, so it holds no lock
		pb.Mutation_FAILED:  {fine, isBusy, inProgress, ok},
	} {
		synctest.Test(t, func(t *testing.T) {
			v := &fakeVendor{faults: map[int]fault{1: c.failure}}
			v.leaves = func() error { return c.leaves }
			r := start(t, v, noBackground)
			_ = r.enable(t, id)
			before, events := r.wantState(t, id, state), trail(t, r)
			v.leaves = nil
			other := make(chan struct{})
			v.before = func(context.Context, string) error { <-other; return nil }
			go r.disable(t, otherID)
			synctest.Wait()
			c.vain(t, r.enable(t, id))
			if after := r.record(t, id); !proto.Equal(after, before) {
				t.Errorf("%v: the record was %v, and is %v", state, before, after)
			}
			if n := len(trail(t, r)); n != len(events) {
				t.Errorf("%v: %d audit events, want %d", state, n, len(events))
			}
			close(other)
			synctest.Wait()
			c.then(t, r.enable(t, id)) // Nobody owns it.
			v.want(t, "enable "+site, 1)
		})
	}
}

// An earlier version does not record when the call of a write ends.
func TestAWriteOfAnEarlierVersionHasItsQuietTime(t *testing.T) {
	r := start(t, &fakeVendor{faults: map[int]fault{1: cut}}, noBackground)
	_ = r.disable(t, id)
	storetest.Exec(t, r.db, "UPDATE steps SET over_time = NULL")
	if m, err := r.settle(t, id, false); err != nil || m.GetState() != pb.Mutation_UNKNOWN {
		t.Errorf("%v, %v", m, err)
	}
}

// A commit that returned an error may become durable later. Then its replica is alive and owns a
// mutation that it does not run.
func TestACommitThatComesLateLeavesNothingOwned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &fakeVendor{}
		r := start(t, v, journal.Options{})
		r.db.SetHooks(store.Hooks{BeforeCommit: func() error { return errors.New("no response") }})
		wantError(t, r.disable(t, id), codes.Unavailable, pb.ErrorReason_INTERNAL_FAILURE)
		r.db.SetHooks(store.Hooks{})
		adrift := r.Lease().Unreleased()
		if len(adrift) != 1 {
			t.Fatalf("it may own %v", adrift)
		}
		time.Sleep(20 * time.Second) // some heartbeats later
		for _, m := range adrift {
			storetest.Exec(t, r.db, `INSERT INTO mutations (id, subject, method, resource, digest, request, secrets,
					state, create_time, owner, settle_at)
				VALUES ($1, 'anonymous', 'drmhub.v1.SiteService/DisableSite', $2, '', '', 0, 1, 0, $3, 0)`,
				m.ID, site, m.Owner)
			storetest.Exec(t, r.db, "INSERT INTO locks (resource, mutation) VALUES ($1, $2)", site, m.ID)
		}
		time.Sleep(10 * time.Second)
		if _, err := r.sites.DisableSite(t.Context(), disable(otherID)); err != nil || count(t, r, "locks") != 0 {
			t.Errorf("%v, with %d locks", err, count(t, r, "locks"))
		}
		time.Sleep(2 * time.Minute)
		if adrift := r.Lease().Unreleased(); len(adrift) > 0 {
			t.Errorf("%v is never forgotten", adrift)
		}
	})
}

// A store that fails for a while leaves many mutations to release. Meanwhile, the replica must not
// seem to be dead.
func TestManyReleasesDelayNoHeartbeat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, &fakeVendor{}, journal.Options{})
		for i := range 1000 {
			r.Lease().ReleaseLater(&records.Mutation{
				ID: fmt.Sprint(i), Owner: r.Lease().NewOwner(), Request: []byte("large"),
			})
		}
		if m := r.Lease().Unreleased()[0]; m.Request != nil {
			t.Errorf("it keeps %v", m)
		}
		r.db.SetHooks(store.Hooks{Statement: func(query string, _ []any) {
			if strings.Contains(query, "owner = ''") {
				time.Sleep(50 * time.Millisecond)
			}
		}})
		for range 180 {
			time.Sleep(time.Second)
			if r.LeaseLeft() == 0 {
				t.Fatal("the lease has ended")
			}
		}
		r.db.SetHooks(store.Hooks{})
	})
}

// A mutation that cannot be settled must not take the turn of the others.
func TestWhatCannotBeginToBeSettledWaitsForItsNextTurn(t *testing.T) {
	r := start(t, &fakeVendor{faults: map[int]fault{1: cut}}, noBackground)
	_ = r.disable(t, id)
	storetest.Exec(t, r.db, "UPDATE mutations SET method = 'drmhub.v1.SiteService/OfALaterVersion', settle_at = 0")
	_, _ = r.SettleDue(t.Context())
	if m := r.wantState(t, id, pb.Mutation_UNKNOWN); !m.GetNextSettleTime().AsTime().After(time.Now()) {
		t.Errorf("%v, want it to be tried later", m)
	}
}
