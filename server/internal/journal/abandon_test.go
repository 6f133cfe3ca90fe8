package journal_test

import (
	"context"
	"database/sql"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/journal"
	"github.com/drmhub/drmhub/server/internal/store"
)

// What nobody settles holds no locks. Where a run takes them once more, and dies, somebody must let
// go of them.
func TestAReplicaThatDiesWithWhatWasLetGoKeepsNoLock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asleep := make(chan struct{})
		var sleeps atomic.Bool
		w := &world{faults: map[int]fault{1: cut}, enter: func() error {
			if sleeps.Load() {
				<-asleep
			}
			return nil
		}}
		one, other := pair(t, w, journal.Options{})
		_, err := one.sites.EnableSite(t.Context(), enable(id)) // which cannot be read back
		wantError(t, err, codes.Unknown, pb.ErrorReason_OUTCOME_UNKNOWN)
		sleeps.Store(true)
		go one.sites.EnableSite(t.Context(), enable(id))
		synctest.Wait()
		one.Die()
		sleeps.Store(false)
		time.Sleep(time.Minute)
		if _, err := other.sites.DisableSite(t.Context(), disable(otherID)); err != nil {
			t.Error(err)
		}
		close(asleep)
	})
}

// unreadable is a world whose vendor cannot be read until it is mended, and whose writes meet these
// faults.
func unreadable(faults map[int]fault) (w *world, mend func()) {
	var mended atomic.Bool
	read := func(string) error {
		if mended.Load() {
			return nil
		}
		return errors.New("the vendor is down")
	}
	return &world{faults: faults, read: read}, func() { mended.Store(true) }
}

// settle settles the mutation of a request_id by hand.
func (r *replica) settle(t *testing.T, requestID string, giveUp bool) (*pb.Mutation, error) {
	t.Helper()
	return r.mutations.SettleMutation(t.Context(), &pb.SettleMutationRequest{Name: r.record(t, requestID).GetName(), GiveUp: giveUp})
}

func TestWhatIsGivenUpStaysSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, _ := unreadable(map[int]fault{1: cut})
		r := start(t, w, journal.Options{FirstPause: time.Hour})
		_, _ = r.sites.DisableSite(t.Context(), disable(id))
		for what, again := range []func() error{
			func() error { _, err := r.settle(t, id, true); return err },
			func() error { _, err := r.settle(t, id, false); return err },
			// its client calls again
			func() error { _, _ = r.sites.DisableSite(t.Context(), disable(id)); return nil },
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
		w, mend := unreadable(map[int]fault{2: cut})
		r := start(t, w, journal.Options{FirstPause: time.Hour})
		_, err := r.licenses.ReplaceProductLicense(t.Context(), replace(id)) // is half done
		wantError(t, err, codes.Unknown, pb.ErrorReason_OUTCOME_UNKNOWN)
		if _, err := r.settle(t, id, true); err != nil {
			t.Fatal(err)
		}
		mend()
		time.Sleep(10 * time.Minute)
		other := make(chan struct{})
		w.before = func(context.Context, string) error { <-other; return nil }
		go r.licenses.DeleteProductLicense(t.Context(), &pb.DeleteProductLicenseRequest{Name: "vendors/v/productLicenses/l", RequestId: otherID})
		synctest.Wait()
		_, err = r.settle(t, id, false)
		wantError(t, err, codes.Aborted, pb.ErrorReason_MUTATION_IN_PROGRESS)
		w.want(t, "issue vendors/v/products/p", 0)
		close(other)
		synctest.Wait()
		if m, err := r.settle(t, id, false); err != nil || m.GetState() != pb.Mutation_SUCCEEDED {
			t.Errorf("afterwards: %v, %v", m, err)
		}
		w.want(t, "issue vendors/v/products/p", 1)
	})
}

// A replacement may issue the old terms again, too, which its request does not name.
func TestAReplacementInDoubtHoldsAllOrdersOfItsUser(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{faults: map[int]fault{2: cut}}
		r := start(t, w, calm)
		terms := &pb.ProductLicense{User: "u", Product: "vendors/v/products/p", OrderId: "o"}
		_, err := r.licenses.ReplaceProductLicense(t.Context(), &pb.ReplaceProductLicenseRequest{Name: "vendors/v/productLicenses/1", ProductLicense: terms, RequestId: id})
		wantError(t, err, codes.Unknown, pb.ErrorReason_OUTCOME_UNKNOWN)
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		terms.OrderId = "that of the old license"
		_, err = r.licenses.BatchCreateProductLicenses(short, &pb.BatchCreateProductLicensesRequest{
			Parent: "vendors/v", RequestId: otherID, Requests: []*pb.CreateProductLicenseRequest{{Parent: "vendors/v", ProductLicense: terms}},
		})
		wantError(t, err, codes.Aborted, pb.ErrorReason_MUTATION_IN_PROGRESS)
	})
}

// A replica of the version before does not say when a call is over, while this one runs already.
func TestAWriteOfAnEarlierVersionHasItsQuietTime(t *testing.T) {
	r := start(t, &world{faults: map[int]fault{1: cut}}, calm)
	_, _ = r.sites.DisableSite(t.Context(), disable(id))
	err := r.db.Write(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "UPDATE steps SET over_time = NULL")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if m, err := r.settle(t, id, false); err != nil || m.GetState() != pb.Mutation_UNKNOWN {
		t.Errorf("%v, %v", m, err)
	}
}

// A commit whose caller was told that it failed may become durable later. Then nobody runs what it
// recorded, and its replica lives.
func TestACommitThatComesLateLeavesNothingOwned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{}
		r := start(t, w, journal.Options{})
		r.db.SetHooks(store.Hooks{BeforeCommit: func() error { return errors.New("no answer") }})
		if _, err := r.sites.DisableSite(t.Context(), disable(id)); err == nil {
			t.Fatal("it succeeds without a record")
		}
		r.db.SetHooks(store.Hooks{})
		adrift := r.Lease().Unreleased()
		if len(adrift) != 1 {
			t.Fatalf("it may own %v", adrift)
		}
		time.Sleep(20 * time.Second) // some signs of life later
		for _, m := range adrift {
			err := r.db.Write(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
				_, err := tx.ExecContext(ctx, `INSERT INTO mutations (id, subject, method, resource, digest, request, secrets, state, create_time, owner, settle_at)
					VALUES ($1, 'anonymous', 'drmhub.v1.SiteService/DisableSite', $2, '', '', 0, 1, 0, $3, 0)`, m.ID, site, m.Owner)
				if err == nil {
					_, err = tx.ExecContext(ctx, "INSERT INTO locks (resource, mutation) VALUES ($1, $2)", site, m.ID)
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
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

// What cannot even begin to be settled must not keep the others from their turn.
func TestWhatCannotBeginToBeSettledWaitsForItsNextTurn(t *testing.T) {
	r := start(t, &world{faults: map[int]fault{1: cut}}, calm)
	_, _ = r.sites.DisableSite(t.Context(), disable(id))
	err := r.db.Write(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "UPDATE mutations SET method = 'drmhub.v1.SiteService/OfALaterVersion', settle_at = 0")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	_, _ = r.SettleDue(t.Context())
	if m := r.wantState(t, id, pb.Mutation_UNKNOWN); !m.GetNextSettleTime().AsTime().After(time.Now()) {
		t.Errorf("%v, want it to be tried later", m)
	}
}
