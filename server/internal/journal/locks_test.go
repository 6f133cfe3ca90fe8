package journal_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/journal"
)

// slow returns a vendor whose writes take so long.
func slow(d time.Duration) *fakeVendor {
	return &fakeVendor{before: func(context.Context, string) error {
		time.Sleep(d)
		return nil
	}}
}

// The test of the package lockset has a row for each pair of calls that lock the same thing.
func TestMutationsWithACommonLockWaitForEachOther(t *testing.T) {
	const other = "vendors/v/sites/other"
	for name, wait := range map[string]bool{site: true, other: false} {
		synctest.Test(t, func(t *testing.T) {
			one, two := pair(t, slow(10*time.Second), noBackground)
			began := time.Now()
			calls := background(func() { ok(t, one.disable(t, id)) })
			synctest.Wait()
			ok(t, two.enableAt(t, name, ""))
			calls()
			if took := time.Since(began); wait != (took >= 20*time.Second) || took > 21*time.Second {
				t.Errorf("a call of %s beside one of %s: both took %v", name, site, took)
			}
		})
	}
}

func TestWhatIsUnknownHoldsItsResourceUntilItIsSettled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &fakeVendor{faults: map[int]fault{1: cut}}
		one, other := pair(t, v, journal.Options{})
		wantUnknown(t, one.disable(t, id))
		name := one.record(t, id).GetName()

		began := time.Now()
		err := other.enable(t, otherID)
		wantError(t, err, codes.Aborted, pb.ErrorReason_MUTATION_IN_PROGRESS)
		if waited := time.Since(began); waited != 30*time.Second || !strings.Contains(err.Error(), name) {
			t.Errorf("after %v: %v; want %s named after 30s", waited, err, name)
		}
		other.wantState(t, otherID, pb.Mutation_FAILED)

		time.Sleep(20 * time.Second) // the vendor can be at it for ten seconds more
		if _, err := other.sites.EnableSite(t.Context(), enable(otherID)); err != nil {
			t.Errorf("called again: %v", err)
		}
		one.wantState(t, id, pb.Mutation_FAILED)
		v.wantCalls(t, 2)
	})
}

func TestWhatIsGivenUpHoldsItsResourceNoLonger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v, mend := unreadable(map[int]fault{1: lost})
		r := start(t, v, journal.Options{})
		err := r.disable(t, id)
		wantUnknown(t, err)
		time.Sleep(time.Hour)
		m := r.wantState(t, id, pb.Mutation_UNKNOWN)
		if !m.GetNextSettleTime().AsTime().After(time.Now()) {
			t.Errorf("%v, want it to be settled later", m)
		}
		if m, err := r.settle(t, id, false); err != nil || m.GetNextSettleTime() == nil {
			t.Errorf("settled: %v, %v; want it tried again later", m, err)
		}
		m, err = r.settle(t, id, true)
		if err != nil || m.GetState() != pb.Mutation_UNKNOWN || m.GetNextSettleTime() != nil {
			t.Errorf("given up: %v, %v", m, err)
		}
		ok(t, r.enable(t, otherID))
		mend()
		time.Sleep(2 * time.Hour)
		r.wantState(t, id, pb.Mutation_UNKNOWN)
		// which it need not do
		m, err = r.settle(t, id, true)
		if err != nil || m.GetState() != pb.Mutation_SUCCEEDED {
			t.Errorf("settled after all: %v, %v", m, err)
		}
		v.want(t, "disable "+site, 1)
	})
}

func TestWhoWaitsForAResourceNoLongerThanItsDeadlineHasSentNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := slow(10 * time.Second)
		one, other := pair(t, v, noBackground)
		go one.disable(t, id)
		synctest.Wait()
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := other.sites.EnableSite(short, enable(otherID))
		wantError(t, err, codes.Aborted, pb.ErrorReason_MUTATION_IN_PROGRESS)
		if name := apierror.Convert(err).Metadata[apierror.MutationName]; name != other.record(t, otherID).GetName() {
			t.Errorf("the error names %q, want the record of the call", name)
		}
		time.Sleep(time.Minute)
		v.want(t, "enable "+site, 0)
		// and it has left no lock behind
		ok(t, other.enable(t, otherID))
		ok(t, one.disable(t, ""))
	})
}

func TestARunThatWasAsleepLeavesNoLockBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := slow(10 * time.Second)
		one, other := pair(t, v, noBackground)
		go one.disable(t, id)
		synctest.Wait()
		waiting := background(func() { wantUnknown(t, one.enable(t, otherID)) })
		time.Sleep(time.Second)
		other.passAndSettle(t) // and the other replica takes both over
		waiting()
		time.Sleep(time.Minute)
		v.want(t, "enable "+site, 0)
		if locks := count(t, one, "locks"); locks != 0 {
			t.Errorf("%d locks are left", locks)
		}
	})
}

func TestAWaitForOneResourceHoldsNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, slow(10*time.Second), noBackground)
		names := []string{"vendors/v/productLicenses/a", "vendors/v/productLicenses/b"}
		remove := func(name string) {
			_, err := r.licenses.DeleteProductLicense(t.Context(), &pb.DeleteProductLicenseRequest{Name: name})
			ok(t, err)
		}
		began := time.Now()
		var calls sync.WaitGroup
		calls.Go(func() { remove(names[1]) })
		synctest.Wait()
		calls.Go(func() {
			req := &pb.BatchDeleteProductLicensesRequest{Parent: "vendors/v", Names: slices.Clone(names)}
			_, err := r.licenses.BatchDeleteProductLicenses(t.Context(), req)
			ok(t, err)
		})
		time.Sleep(time.Second)
		remove(names[0])
		if took := time.Since(began); took != 11*time.Second {
			t.Errorf("it took %v, want it not to wait for the batch, which waits itself", took)
		}
		calls.Wait()
	})
}

const product = "vendors/v/products/p"

func createProduct(ctx context.Context, r *replica) error {
	req := &pb.CreateProductRequest{Parent: "vendors/v", Product: &pb.Product{DisplayName: "p"}}
	_, err := r.licenses.CreateProduct(ctx, req)
	return err
}

func updateProduct(ctx context.Context, r *replica) error {
	req := &pb.UpdateProductRequest{Product: &pb.Product{Name: product, DisplayName: "p"}, RequestId: otherID}
	_, err := r.licenses.UpdateProduct(ctx, req)
	return err
}

func TestWhatMayHaveBeenCreatedIsChangedOnceThatIsKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &fakeVendor{faults: map[int]fault{1: lost}}
		one, other := pair(t, v, journal.Options{})
		wantError(t, createProduct(t.Context(), one), codes.Unknown, pb.ErrorReason_OUTCOME_UNKNOWN)
		v.before = func(_ context.Context, what string) error {
			req := &pb.ListMutationsRequest{Filter: &pb.MutationFilter{State: pb.Mutation_UNKNOWN}}
			unknown, err := one.mutations.ListMutations(t.Context(), req)
			if err != nil || len(unknown.GetMutations()) > 0 {
				t.Errorf("%s is sent, and %v may still have created it (%v)", what, unknown, err)
			}
			return nil
		}
		began := time.Now()
		if err := updateProduct(t.Context(), other); err != nil || time.Since(began) > 2*time.Second {
			t.Errorf("%v after %v", err, time.Since(began))
		}
		v.want(t, "update "+product, 1)
	})
}

func TestWhatMayHaveBeenCreatedIsNotChangedWhileNobodyCanTell(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v, mend := unreadable(map[int]fault{1: lost})
		r := start(t, v, journal.Options{})
		wantError(t, createProduct(t.Context(), r), codes.Unknown, pb.ErrorReason_OUTCOME_UNKNOWN)
		for range 2 { // the second one with the same request_id
			began := time.Now()
			wantError(t, updateProduct(t.Context(), r), codes.Aborted, pb.ErrorReason_MUTATION_IN_PROGRESS)
			if waited := time.Since(began); waited != 30*time.Second {
				t.Errorf("it waited for %v, want 30s", waited)
			}
		}
		v.want(t, "update "+product, 0)
		mend()
		ok(t, updateProduct(t.Context(), r))
		v.want(t, "update "+product, 1)
	})
}

func TestWhoChangesSomethingWaitsForOneCreationAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, slow(10*time.Second), noBackground)
		began := time.Now()
		var calls sync.WaitGroup
		for range 3 { // one after the other, ten seconds each
			calls.Go(func() {
				ok(t, createProduct(t.Context(), r))
			})
			synctest.Wait()
		}
		if err := updateProduct(t.Context(), r); err != nil || time.Since(began) > 21*time.Second {
			t.Errorf("%v after %v, want it to wait for the first one alone", err, time.Since(began))
		}
		calls.Wait()
	})
}
