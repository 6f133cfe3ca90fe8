package journal_test

import (
	"context"
	"errors"
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

// slow is a world whose writes take ten seconds.
func slow() *world {
	return &world{before: func(context.Context, string) error {
		time.Sleep(10 * time.Second)
		return nil
	}}
}

// call is one call of a mutating method.
type call func(context.Context, *replica) error

// together makes two calls, the second one at another replica and a moment later, and answers how
// long both took.
func together(t *testing.T, one, other call) (took time.Duration) {
	t.Helper()
	a, b := pair(t, slow(), calm)
	began := time.Now()
	var calls sync.WaitGroup
	calls.Go(func() {
		if err := one(t.Context(), a); err != nil {
			t.Error(err)
		}
	})
	synctest.Wait()
	if err := other(t.Context(), b); err != nil {
		t.Error(err)
	}
	calls.Wait()
	return time.Since(began)
}

func TestMutationsOfOneResourceWaitForEachOther(t *testing.T) {
	t.Parallel()
	disables := func(name string) call {
		return func(ctx context.Context, r *replica) error {
			_, err := r.sites.DisableSite(ctx, &pb.DisableSiteRequest{Name: name})
			return err
		}
	}
	enables := func(name string) call {
		return func(ctx context.Context, r *replica) error {
			_, err := r.sites.EnableSite(ctx, &pb.EnableSiteRequest{Name: name})
			return err
		}
	}
	cancels := func(name string) call {
		return func(ctx context.Context, r *replica) error {
			_, err := r.sites.CancelStatusChange(ctx, &pb.CancelStatusChangeRequest{Name: name})
			return err
		}
	}
	deletes := func(ids ...string) call {
		return func(ctx context.Context, r *replica) error {
			if len(ids) == 1 {
				_, err := r.licenses.DeleteProductLicense(ctx, &pb.DeleteProductLicenseRequest{Name: "vendors/v/productLicenses/" + ids[0]})
				return err
			}
			req := &pb.BatchDeleteProductLicensesRequest{Parent: "vendors/v"}
			for _, id := range ids {
				req.Names = append(req.Names, "vendors/v/productLicenses/"+id)
			}
			_, err := r.licenses.BatchDeleteProductLicenses(ctx, req)
			return err
		}
	}
	creates := func(user, requestID string) call {
		return func(ctx context.Context, r *replica) error {
			_, err := r.licenses.BatchCreateProductLicenses(ctx, &pb.BatchCreateProductLicensesRequest{Parent: "vendors/v", RequestId: requestID, Requests: []*pb.CreateProductLicenseRequest{
				{Parent: "vendors/v", ProductLicense: &pb.ProductLicense{User: user, Product: "vendors/v/products/p"}},
			}})
			return err
		}
	}
	orders := func(vendor, order string, status pb.ProductLicense_Status) call {
		return func(ctx context.Context, r *replica) error {
			_, err := r.licenses.BatchCreateProductLicenses(ctx, &pb.BatchCreateProductLicensesRequest{Parent: vendor, Requests: []*pb.CreateProductLicenseRequest{
				{Parent: vendor, ProductLicense: &pb.ProductLicense{User: "u", Product: vendor + "/products/p", OrderId: order, Status: status}},
			}})
			return err
		}
	}
	for name, c := range map[string]struct {
		one, other call
		wait       bool
	}{
		"one site":                           {disables("vendors/v/sites/s"), enables("vendors/v/sites/s"), true},
		"what stands below one site":         {disables("vendors/v/sites/s"), cancels("vendors/v/sites/s/statusChanges/c"), true},
		"what stands below another one":      {disables("vendors/v/sites/s"), cancels("vendors/v/sites/t/statusChanges/c"), false},
		"two sites":                          {disables("vendors/v/sites/s"), disables("vendors/v/sites/t"), false},
		"two vendors' sites":                 {disables("vendors/v/sites/s"), disables("vendors/w/sites/s"), false},
		"a batch and one of its names":       {deletes("a", "b"), deletes("b"), true},
		"one of a batch's names and it":      {deletes("b"), deletes("a", "b"), true},
		"batches with a name in common":      {deletes("a", "b"), deletes("c", "b"), true},
		"batches with none":                  {deletes("a", "b"), deletes("c", "d"), false},
		"equal requests to create something": {creates("u", id), creates("u", otherID), true},
		"requests to create the same thing":  {orders("vendors/v", "o", pb.ProductLicense_ACTIVE), orders("vendors/v", "o", pb.ProductLicense_SUSPENDED), true},
		"two orders of one user":             {orders("vendors/v", "o", pb.ProductLicense_ACTIVE), orders("vendors/v", "p", pb.ProductLicense_ACTIVE), true},
		"requests to two vendors":            {orders("vendors/v", "o", pb.ProductLicense_ACTIVE), orders("vendors/w", "o", pb.ProductLicense_ACTIVE), false},
		"other ones":                         {creates("u", id), creates("v", otherID), false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				if took := together(t, c.one, c.other); c.wait != (took >= 20*time.Second) || took > 21*time.Second {
					t.Errorf("both took %v", took)
				}
			})
		})
	}
}

func TestAccountsOfOneUsernameAreCreatedOneAfterTheOther(t *testing.T) {
	t.Parallel()
	creates := func(customer, username string) call {
		return func(ctx context.Context, r *replica) error {
			_, err := r.accounts.CreateDrmAccount(ctx, &pb.CreateDrmAccountRequest{Parent: "vendors/v", DrmAccount: &pb.DrmAccount{Customer: customer, Username: username, Password: password}})
			return err
		}
	}
	const alone = 20 * time.Second // two writes
	for name, c := range map[string]struct {
		one, other call
		wait       bool
	}{
		"one username":    {creates("c", "0123456789"), creates("d", "0123456789"), true},
		"two usernames":   {creates("c", "0123456789"), creates("c", "9876543210"), false},
		"drawn usernames": {creates("c", ""), creates("d", ""), false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				if took := together(t, c.one, c.other); c.wait != (took >= 2*alone) || took > 2*alone+time.Second {
					t.Errorf("both took %v", took)
				}
			})
		})
	}
}

func TestWhatIsUnknownHoldsItsResourceUntilItIsSettled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{faults: map[int]fault{1: cut}}
		one, other := pair(t, w, journal.Options{})
		_, err := one.sites.DisableSite(t.Context(), disable(id))
		wantError(t, err, codes.Unknown, pb.ErrorReason_OUTCOME_UNKNOWN)
		name := one.record(t, id).GetName()

		began := time.Now()
		_, err = other.sites.EnableSite(t.Context(), enable(otherID))
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
		if w.calls != 2 {
			t.Errorf("%d writes, want the one that was cut and the one that waited", w.calls)
		}
	})
}

func TestWhatIsGivenUpHoldsItsResourceNoLonger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		down := true
		w := &world{faults: map[int]fault{1: lost}, read: func(string) error {
			if down {
				return errors.New("the vendor is down")
			}
			return nil
		}}
		r := start(t, w, journal.Options{})
		_, err := r.sites.DisableSite(t.Context(), disable(id))
		wantError(t, err, codes.Unknown, pb.ErrorReason_OUTCOME_UNKNOWN)
		time.Sleep(time.Hour)
		m := r.wantState(t, id, pb.Mutation_UNKNOWN)
		if !m.GetNextSettleTime().AsTime().After(time.Now()) {
			t.Errorf("%v, want it to be settled later", m)
		}
		if m, err = r.mutations.SettleMutation(t.Context(), &pb.SettleMutationRequest{Name: m.GetName()}); err != nil || m.GetNextSettleTime() == nil {
			t.Errorf("settled: %v, %v; want it tried again later", m, err)
		}
		m, err = r.mutations.SettleMutation(t.Context(), &pb.SettleMutationRequest{Name: m.GetName(), GiveUp: true})
		if err != nil || m.GetState() != pb.Mutation_UNKNOWN || m.GetNextSettleTime() != nil {
			t.Errorf("given up: %v, %v", m, err)
		}
		if _, err := r.sites.EnableSite(t.Context(), enable(otherID)); err != nil {
			t.Error(err)
		}
		down = false
		time.Sleep(2 * time.Hour)
		r.wantState(t, id, pb.Mutation_UNKNOWN)
		// which it need not do
		m, err = r.mutations.SettleMutation(t.Context(), &pb.SettleMutationRequest{Name: m.GetName(), GiveUp: true})
		if err != nil || m.GetState() != pb.Mutation_SUCCEEDED {
			t.Errorf("settled after all: %v, %v", m, err)
		}
		w.want(t, "disable "+site, 1)
	})
}

func TestWhoWaitsForAResourceNoLongerThanItsDeadlineHasSentNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := slow()
		one, other := pair(t, w, calm)
		go one.sites.DisableSite(t.Context(), disable(id))
		synctest.Wait()
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := other.sites.EnableSite(short, enable(otherID))
		wantError(t, err, codes.Aborted, pb.ErrorReason_MUTATION_IN_PROGRESS)
		if name := apierror.Convert(err).Metadata[apierror.MutationName]; name != other.record(t, otherID).GetName() {
			t.Errorf("the error names %q, want the record of the call", name)
		}
		time.Sleep(time.Minute)
		w.want(t, "enable "+site, 0)
		// and it has left no lock behind
		if _, err := other.sites.EnableSite(t.Context(), enable(otherID)); err != nil {
			t.Error(err)
		}
		if _, err := one.sites.DisableSite(t.Context(), disable("")); err != nil {
			t.Error(err)
		}
	})
}

func TestARunThatWasAsleepLeavesNoLockBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := slow()
		one, other := pair(t, w, calm)
		go one.sites.DisableSite(t.Context(), disable(id))
		synctest.Wait()
		var waiting sync.WaitGroup
		waiting.Go(func() {
			_, err := one.sites.EnableSite(t.Context(), enable(otherID))
			wantError(t, err, codes.Unknown, pb.ErrorReason_OUTCOME_UNKNOWN)
		})
		time.Sleep(time.Second)
		if err := other.Pass(t.Context()); err != nil { // and the other replica takes both over
			t.Fatal(err)
		}
		_, _ = other.SettleDue(t.Context())
		waiting.Wait()
		time.Sleep(time.Minute)
		w.want(t, "enable "+site, 0)
		if locks := count(t, one, "locks"); locks != 0 {
			t.Errorf("%d locks are left", locks)
		}
	})
}

func TestWhoWaitsForOneResourceDoesNotHoldAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, slow(), calm)
		names := []string{"vendors/v/productLicenses/a", "vendors/v/productLicenses/b"}
		began := time.Now()
		var calls sync.WaitGroup
		calls.Go(func() {
			if _, err := r.licenses.DeleteProductLicense(t.Context(), &pb.DeleteProductLicenseRequest{Name: names[1]}); err != nil {
				t.Error(err)
			}
		})
		synctest.Wait()
		calls.Go(func() {
			if _, err := r.licenses.BatchDeleteProductLicenses(t.Context(), &pb.BatchDeleteProductLicensesRequest{Parent: "vendors/v", Names: slices.Clone(names)}); err != nil {
				t.Error(err)
			}
		})
		time.Sleep(time.Second)
		if _, err := r.licenses.DeleteProductLicense(t.Context(), &pb.DeleteProductLicenseRequest{Name: names[0]}); err != nil || time.Since(began) != 11*time.Second {
			t.Errorf("%v after %v, want it not to wait for the one that waits", err, time.Since(began))
		}
		calls.Wait()
	})
}
