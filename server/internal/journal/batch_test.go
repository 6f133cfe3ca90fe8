package journal_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/mutation"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/internal/faultplan"
	"github.com/drmhub/drmhub/server/internal/journal"
	"github.com/drmhub/drmhub/server/internal/store"
	"github.com/drmhub/drmhub/server/internal/store/storetest"
)

func batch(requestID string, users ...string) *pb.BatchCreateProductLicensesRequest {
	req := &pb.BatchCreateProductLicensesRequest{Parent: "vendors/v", RequestId: requestID}
	for _, user := range users {
		l := &pb.ProductLicense{User: user, Product: newLicense}
		req.Requests = append(req.Requests, &pb.CreateProductLicenseRequest{Parent: "vendors/v", ProductLicense: l})
	}
	return req
}

// wantBatch creates licenses of these users in one batch, and demands these codes of its items.
func (r *replica) wantBatch(t *testing.T, users []string, want ...codes.Code) {
	t.Helper()
	res, err := r.licenses.BatchCreateProductLicenses(t.Context(), batch(id, users...))
	var got []codes.Code
	for _, result := range res.GetResults() {
		got = append(got, codes.Code(result.GetError().GetCode()))
	}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%v, %v; want %v", got, err, want)
	}
}

var two, four = []string{"a", "b"}, []string{"a", "b", "c", "d"}

func TestABatchIsSettledItemByItem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &fakeVendor{faults: map[int]fault{1: lost, 2: refused, 3: cut}}
		r := start(t, v, journal.Options{})
		r.wantBatch(t, four, codes.Unknown, codes.FailedPrecondition, codes.Unknown, codes.OK)
		r.wantState(t, id, pb.Mutation_UNKNOWN)

		time.Sleep(30 * time.Second) // the third one may still take effect
		steps := r.wantState(t, id, pb.Mutation_UNKNOWN).GetSteps()
		if steps[0].GetState() != pb.Mutation_SUCCEEDED ||
			steps[2].GetState() != pb.Mutation_UNKNOWN || steps[2].GetMessage() == "" {
			t.Errorf("%v", steps)
		}
		time.Sleep(2 * time.Minute)
		r.wantState(t, id, pb.Mutation_SUCCEEDED)
		for range 2 {
			// The fake vendor returns no better code of "no effect".
			r.wantBatch(t, four, codes.OK, codes.FailedPrecondition, codes.Internal, codes.OK)
		}
		v.wantCalls(t, 4)
	})
}

func TestABatchOfWhichNothingTookEffectHasFailed(t *testing.T) {
	v := &fakeVendor{faults: map[int]fault{1: refused, 2: refused}}
	r := start(t, v, noBackground)
	for range 2 {
		r.wantBatch(t, two, codes.FailedPrecondition, codes.FailedPrecondition)
	}
	if m := r.wantState(t, id, pb.Mutation_FAILED); m.GetMessage() != "item 0: no create a" {
		t.Errorf("it says %q", m.GetMessage())
	}
	v.wantCalls(t, 2)
	r.wantResent(t, id, "", pb.Mutation_SUCCEEDED)
}

func TestABatchInDoubtSaysWhy(t *testing.T) {
	v := &fakeVendor{faults: map[int]fault{2: lost}, blindItems: true}
	r := start(t, v, noBackground)
	r.wantBatch(t, two, codes.OK, codes.Unknown)
	const why = "item 1: create: cut after create b. This change cannot be verified automatically"
	if m := r.wantState(t, id, pb.Mutation_UNKNOWN); !strings.HasPrefix(m.GetMessage(), why) {
		t.Errorf("it says %q", m.GetMessage())
	}
}

func TestAPanicInABatchIsSettled(t *testing.T) {
	done := 0
	v := &fakeVendor{faults: map[int]fault{2: refused}, after: func(context.Context) error {
		if done++; done == 2 {
			panic("boo")
		}
		return nil
	}}
	r := start(t, v, noBackground)
	_, err := r.licenses.BatchCreateProductLicenses(t.Context(), batch(id, four...))
	wantUnknown(t, err)
	r.wantBatch(t, four, codes.OK, codes.FailedPrecondition, codes.OK, codes.OK)
	v.wantCalls(t, 4)
}

// An outcome that could not be stored is stored with the next write.
func TestAnOutcomeIsStoredWithTheNextWrite(t *testing.T) {
	v := &fakeVendor{blindItems: true}
	db := storetest.Open(t, store.Memory)
	one, other := newReplica(t, db, v, noBackground), newReplica(t, db, v, noBackground)
	stop(t, other.Journal)
	writes := 0
	db.SetHooks(store.Hooks{BeforeCommit: func() error {
		if writes++; writes == 3 { // the first outcome, so that nothing more is sent
			return errStopped
		}
		return nil
	}})
	_, _ = one.licenses.BatchCreateProductLicenses(t.Context(), batch(id, two...))
	v.wantCalls(t, 1)
	one.Die()
	db.SetHooks(store.Hooks{})
	ok(t, other.Pass(t.Context()))
	other.wantBatch(t, two, codes.OK, codes.OK)
	other.wantState(t, id, pb.Mutation_SUCCEEDED)
}

// A process may die while its method reads. What it learned before is not lost.
func TestAnOutcomeIsStoredBeforeTheNextRequest(t *testing.T) {
	var r *replica
	outcome := func() []string { return storetest.Texts(t, r.db, "SELECT CAST(state AS TEXT) FROM steps") }
	done, sent := fmt.Sprint(int(mutation.Done)), fmt.Sprint(int(mutation.Sent))
	v := &fakeVendor{after: func(ctx context.Context) error {
		if got := outcome(); !slices.Equal(got, []string{sent}) {
			t.Errorf("the outcome was stored in a transaction of its own: %q", got)
		}
		end, err := mutation.BeginRequest(ctx)
		if got := outcome(); err != nil || !slices.Equal(got, []string{done}) {
			t.Errorf("as the next request begins, the store has %q: %v", got, err)
			return err
		}
		end()
		return nil
	}}
	r = start(t, v, noBackground)
	ok(t, r.disable(t, id))
}

// Concurrent items share a record. Any commit may fail, with or without the end of the process. No
// step is stored without what it depends on, and no write is made twice.
func TestItemsAtTheSameTime(t *testing.T) {
	t.Parallel()
	v := &fakeVendor{parallel: true}
	r := start(t, v, noBackground)
	for n := range 26 { // as many as the first call makes, at most
		for _, ends := range []bool{false, true} {
			requestID, users := uuid.NewString(), make([]string, 6)
			for i := range users {
				users[i] = fmt.Sprint(requestID, i)
			}
			hooks := failing(n+1, stopAfter)
			if ends {
				hooks = (&stopper{plan: faultplan.Fixed(map[int]fault{n: stopBefore})}).hooks()
			}
			r.db.SetHooks(hooks)
			_, _ = r.licenses.BatchCreateProductLicenses(t.Context(), batch(requestID, users...))
			r.db.SetHooks(store.Hooks{})
			missing := storetest.Texts(t, r.db, `SELECT step FROM steps AS activate
				WHERE step LIKE '%activate' AND NOT EXISTS (
				SELECT 1 FROM steps AS noted WHERE noted.mutation = activate.mutation
				AND noted.step = replace(activate.step, 'activate', 'between'))`)
			if len(missing) > 0 {
				t.Errorf("write %d, ends %v: %v stand there without their notes", n+1, ends, missing)
			}
			r.Lease().RetryReleases(t.Context())
			for range 3 {
				ok(t, r.Pass(t.Context()))
				_, _ = r.licenses.BatchCreateProductLicenses(t.Context(), batch(requestID, users...))
			}
			r.wantState(t, requestID, pb.Mutation_SUCCEEDED)
			for _, user := range users {
				v.want(t, "create "+user, 1)
				v.want(t, "activate "+user, 1)
			}
		}
	}
}

// What a method does after its write, such as reading the resource, may fail: that is no reason to
// say that nothing took effect.
func TestWhatFailsAfterAnEffectIsGoneOnWith(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, failure := range map[string]error{
			"the vendor":   apierror.New(codes.Unavailable, pb.ErrorReason_VENDOR_UNAVAILABLE, "down"),
			"the deadline": context.DeadlineExceeded,
			"the caller":   context.Canceled,
		} {
			fails := true
			v := &fakeVendor{after: func(context.Context) error {
				if fails {
					fails = false
					return failure
				}
				return nil
			}}
			r := start(t, v, noBackground)
			wantUnknown(t, r.disable(t, id))
			r.wantState(t, id, pb.Mutation_UNKNOWN)
			change, err := r.sites.DisableSite(t.Context(), disable(id))
			if err != nil || change.GetSite() != site {
				t.Errorf("%s: %v, %v", name, change, err)
			}
			v.want(t, "disable "+site, 1)
			r.wantState(t, id, pb.Mutation_SUCCEEDED)
		}
	})
}
