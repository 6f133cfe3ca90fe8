package journal_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/journal"
)

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
		w := &world{faults: map[int]fault{1: lost}}
		one, other := pair(t, w, journal.Options{})
		wantError(t, createProduct(t.Context(), one), codes.Unknown, pb.ErrorReason_OUTCOME_UNKNOWN)
		w.before = func(_ context.Context, what string) error {
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
		w.want(t, "update "+product, 1)
	})
}

func TestWhatMayHaveBeenCreatedIsNotChangedWhileNobodyCanTell(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, mend := unreadable(map[int]fault{1: lost})
		r := start(t, w, journal.Options{})
		wantError(t, createProduct(t.Context(), r), codes.Unknown, pb.ErrorReason_OUTCOME_UNKNOWN)
		for range 2 { // the second one with the same request_id
			began := time.Now()
			wantError(t, updateProduct(t.Context(), r), codes.Aborted, pb.ErrorReason_MUTATION_IN_PROGRESS)
			if waited := time.Since(began); waited != 30*time.Second {
				t.Errorf("it waited for %v, want 30s", waited)
			}
		}
		w.want(t, "update "+product, 0)
		mend()
		ok(t, updateProduct(t.Context(), r))
		w.want(t, "update "+product, 1)
	})
}

func TestWhoChangesSomethingWaitsForOneCreationAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, slow(10*time.Second), calm)
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
