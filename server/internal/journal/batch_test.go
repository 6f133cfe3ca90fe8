package journal_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/internal/faultplan"
	"github.com/drmhub/drmhub/server/internal/journal"
	"github.com/drmhub/drmhub/server/internal/store"
)

func batch(requestID string, users ...string) *pb.BatchCreateProductLicensesRequest {
	req := &pb.BatchCreateProductLicensesRequest{Parent: "vendors/v", RequestId: requestID}
	for _, user := range users {
		l := &pb.ProductLicense{User: user, Product: newLicense}
		req.Requests = append(req.Requests, &pb.CreateProductLicenseRequest{Parent: "vendors/v", ProductLicense: l})
	}
	return req
}

// codesOf are the codes of a batch's results.
func codesOf(res *pb.BatchCreateProductLicensesResponse) (all []codes.Code) {
	for _, result := range res.GetResults() {
		all = append(all, codes.Code(result.GetError().GetCode()))
	}
	return all
}

func wantCodes(t *testing.T, res *pb.BatchCreateProductLicensesResponse, err error, want ...codes.Code) {
	t.Helper()
	got := codesOf(res)
	if err != nil || len(got) != len(want) {
		t.Fatalf("%v, %v; want %v", got, err, want)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("results %v, want %v", got, want)
		}
	}
}

func TestABatchIsSettledItemByItem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{faults: map[int]fault{1: lost, 2: refused, 3: cut}}
		r := start(t, w, journal.Options{})
		res, err := r.licenses.BatchCreateProductLicenses(t.Context(), batch(id, "a", "b", "c", "d"))
		wantCodes(t, res, err, codes.Unknown, codes.FailedPrecondition, codes.Unknown, codes.OK)
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
			res, err = r.licenses.BatchCreateProductLicenses(t.Context(), batch(id, "a", "b", "c", "d"))
			// the world does not say it better of what had no effect
			wantCodes(t, res, err, codes.OK, codes.FailedPrecondition, codes.Internal, codes.OK)
		}
		w.wantCalls(t, 4)
	})
}

func TestABatchOfWhichNothingTookEffectHasFailed(t *testing.T) {
	w := &world{faults: map[int]fault{1: refused, 2: refused}}
	r := start(t, w, calm)
	for range 2 {
		res, err := r.licenses.BatchCreateProductLicenses(t.Context(), batch(id, "a", "b"))
		wantCodes(t, res, err, codes.FailedPrecondition, codes.FailedPrecondition)
	}
	if m := r.wantState(t, id, pb.Mutation_FAILED); m.GetMessage() != "item 0: no create a" {
		t.Errorf("it says %q", m.GetMessage())
	}
	w.wantCalls(t, 2)
	r.wantResent(t, id, "", pb.Mutation_SUCCEEDED)
}

func TestABatchInDoubtSaysWhy(t *testing.T) {
	w := &world{faults: map[int]fault{2: lost}, blindItems: true}
	r := start(t, w, calm)
	res, err := r.licenses.BatchCreateProductLicenses(t.Context(), batch(id, "a", "b"))
	wantCodes(t, res, err, codes.OK, codes.Unknown)
	const why = "item 1: create: cut after create b. This change cannot be verified automatically"
	if m := r.wantState(t, id, pb.Mutation_UNKNOWN); !strings.HasPrefix(m.GetMessage(), why) {
		t.Errorf("it says %q", m.GetMessage())
	}
}

func TestAPanicInABatchIsSettled(t *testing.T) {
	done := 0
	w := &world{faults: map[int]fault{2: refused}, after: func(context.Context) error {
		if done++; done == 2 {
			panic("boo")
		}
		return nil
	}}
	r := start(t, w, calm)
	_, err := r.licenses.BatchCreateProductLicenses(t.Context(), batch(id, "a", "b", "c", "d"))
	wantUnknown(t, err)
	res, err := r.licenses.BatchCreateProductLicenses(t.Context(), batch(id, "a", "b", "c", "d"))
	wantCodes(t, res, err, codes.OK, codes.FailedPrecondition, codes.OK, codes.OK)
	w.wantCalls(t, 4)
}

// What the vendor has answered is kept with the next write, if it could not be kept by itself.
func TestAnAnswerThatCouldNotBeKeptIsKeptWithTheNextOne(t *testing.T) {
	w := &world{blindItems: true}
	db := open(t, store.Memory)
	one, other := newReplica(t, db, w, calm), newReplica(t, db, w, calm)
	stop(t, other.Journal)
	writes := 0
	db.SetHooks(store.Hooks{BeforeCommit: func() error {
		if writes++; writes == 3 || writes > 5 { // the first answer, and the end
			return errDisk
		}
		return nil
	}})
	_, _ = one.licenses.BatchCreateProductLicenses(t.Context(), batch(id, "a", "b"))
	one.Die()
	db.SetHooks(store.Hooks{})
	ok(t, other.Pass(t.Context()))
	res, err := other.licenses.BatchCreateProductLicenses(t.Context(), batch(id, "a", "b"))
	wantCodes(t, res, err, codes.OK, codes.OK)
	other.wantState(t, id, pb.Mutation_SUCCEEDED)
}

// Items that are made at the same time share their mutation's record. Whatever write of it fails,
// and whether or not the process ends with it, no write stands there without what it depends on,
// and none is made twice.
func TestItemsAtTheSameTime(t *testing.T) {
	t.Parallel()
	w := &world{parallel: true}
	r := start(t, w, calm)
	for n := range 26 { // as many as the first call makes, at most
		for _, ends := range []bool{false, true} {
			requestID, users := uuid.NewString(), make([]string, 6)
			for i := range users {
				users[i] = fmt.Sprint(requestID, i)
			}
			s, made := &stopper{plan: faultplan.Fixed(map[int]fault{n: stopBefore})}, 0
			if ends {
				r.db.SetHooks(s.hooks())
			} else {
				r.db.SetHooks(failing(n+1, true, &made))
			}
			_, _ = r.licenses.BatchCreateProductLicenses(t.Context(), batch(requestID, users...))
			r.db.SetHooks(store.Hooks{})
			missing := texts(t, r, `SELECT step FROM steps AS activate WHERE step LIKE '%activate' AND NOT EXISTS (
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
				w.want(t, "create "+user, 1)
				w.want(t, "activate "+user, 1)
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
			w := &world{after: func(context.Context) error {
				if fails {
					fails = false
					return failure
				}
				return nil
			}}
			r := start(t, w, calm)
			wantUnknown(t, r.disable(t, id))
			r.wantState(t, id, pb.Mutation_UNKNOWN)
			change, err := r.sites.DisableSite(t.Context(), disable(id))
			if err != nil || change.GetSite() != site {
				t.Errorf("%s: %v, %v", name, change, err)
			}
			w.want(t, "disable "+site, 1)
			r.wantState(t, id, pb.Mutation_SUCCEEDED)
		}
	})
}
