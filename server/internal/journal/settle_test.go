package journal_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/mutation"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/journal"
	"github.com/drmhub/drmhub/server/internal/journal/records"
)

const site = "vendors/v/sites/s"

func enable(requestID string) *pb.EnableSiteRequest {
	return &pb.EnableSiteRequest{Name: site, RequestId: requestID}
}

// record is the one record of a request_id.
func (r *replica) record(t *testing.T, requestID string) *pb.Mutation {
	t.Helper()
	res, err := r.mutations.ListMutations(t.Context(), &pb.ListMutationsRequest{Filter: &pb.MutationFilter{RequestId: requestID}})
	if err != nil || len(res.GetMutations()) != 1 {
		t.Fatalf("%v, %v; want one mutation", res, err)
	}
	return res.GetMutations()[0]
}

// id returns the id of the one record of a request_id.
func (r *replica) id(t *testing.T, requestID string) string {
	t.Helper()
	return strings.TrimPrefix(r.record(t, requestID).GetName(), records.NamePrefix)
}

func (r *replica) wantState(t *testing.T, requestID string, want pb.Mutation_State) *pb.Mutation {
	t.Helper()
	m := r.record(t, requestID)
	if m.GetState() != want {
		t.Errorf("%v, want %v", m, want)
	}
	return m
}

func TestWhatTookEffectIsFoundOutInTheBackground(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{faults: map[int]fault{1: lost}}
		r := start(t, w, journal.Options{})
		_, err := r.sites.DisableSite(t.Context(), disable(id))
		wantError(t, err, codes.Unknown, pb.ErrorReason_OUTCOME_UNKNOWN)
		if m := r.wantState(t, id, pb.Mutation_UNKNOWN); m.GetSettleTime() != nil || m.GetMessage() != "cut after disable "+site || m.GetSteps()[0].GetState() != pb.Mutation_UNKNOWN || m.GetSteps()[0].GetMessage() != m.GetMessage() {
			t.Errorf("before: %v", m)
		}
		time.Sleep(3 * time.Second)
		if m := r.wantState(t, id, pb.Mutation_SUCCEEDED); m.GetSettleTime() == nil || m.GetMessage() != "" || m.GetSteps()[0].GetState() != pb.Mutation_SUCCEEDED {
			t.Errorf("after: %v", m)
		}
		change, err := r.sites.DisableSite(t.Context(), disable(id))
		if err != nil || change.GetSite() != site {
			t.Errorf("the same id: %v, %v; want what the first call would have answered", change, err)
		}
		w.want(t, "disable "+site, 1)
	})
}

func TestWhatHadNoEffectIsClosedOnceTheVendorCanNoLongerBeAtIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{faults: map[int]fault{1: cut}}
		r := start(t, w, journal.Options{})
		_, err := r.sites.DisableSite(t.Context(), disable(id))
		wantError(t, err, codes.Unknown, pb.ErrorReason_OUTCOME_UNKNOWN)

		time.Sleep(40 * time.Second)
		_, err = r.sites.DisableSite(t.Context(), disable(id))
		wantError(t, err, codes.Unknown, pb.ErrorReason_OUTCOME_UNKNOWN)
		if after := apierror.Convert(err).RetryAfter; after != 20*time.Second {
			t.Errorf("to be called again after %v, want the rest of the quiet minute", after)
		}
		r.wantState(t, id, pb.Mutation_UNKNOWN)
		if w.calls != 1 {
			t.Errorf("%d writes while the first one might have taken effect yet", w.calls)
		}

		time.Sleep(2 * time.Minute)
		m := r.wantState(t, id, pb.Mutation_FAILED)
		if step := m.GetSteps()[0]; m.GetSettleTime() == nil || step.GetState() != pb.Mutation_FAILED || !strings.HasPrefix(step.GetMessage(), "had no effect at the vendor (it ended so: cut") {
			t.Errorf("%v", m)
		}
		if w.calls != 1 {
			t.Errorf("%d writes, though nobody asked again", w.calls)
		}
		if _, err := r.sites.DisableSite(t.Context(), disable(id)); err != nil {
			t.Error(err)
		}
		w.want(t, "disable "+site, 1)
	})
}

// A vendor may be at a write until long after it left, so the quiet time begins where its call
// ends: when drmhub gave it up, or when it must have ended.
func TestTheQuietTimeBeginsWhenTheCallIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stalls := func(context.Context, string) error { time.Sleep(20 * time.Second); return nil }
		w := &world{faults: map[int]fault{1: cut}, before: stalls, within: 30 * time.Second}
		r := start(t, w, journal.Options{FirstPause: time.Hour})
		_, err := r.sites.DisableSite(t.Context(), disable(id))
		wantError(t, err, codes.Unknown, pb.ErrorReason_OUTCOME_UNKNOWN)
		time.Sleep(50 * time.Second)
		_, err = r.sites.DisableSite(t.Context(), disable(id))
		wantError(t, err, codes.Unknown, pb.ErrorReason_OUTCOME_UNKNOWN)
		if after := apierror.Convert(err).RetryAfter; after != 10*time.Second {
			t.Errorf("to be called again after %v, want the rest of the minute since the call was given up", after)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		asleep := make(chan struct{})
		w := &world{before: func(context.Context, string) error { <-asleep; return context.Canceled }, within: 30 * time.Second}
		one, other := pair(t, w, journal.Options{FirstPause: time.Hour})
		go one.sites.DisableSite(t.Context(), disable(id))
		synctest.Wait()
		one.Die() // or so it seems to the other one, which ends a run of its own
		time.Sleep(16 * time.Second)
		for range 2 {
			_, err := other.sites.DisableSite(t.Context(), disable(id))
			wantError(t, err, codes.Unknown, pb.ErrorReason_OUTCOME_UNKNOWN)
			if after := apierror.Convert(err).RetryAfter; after != 74*time.Second {
				t.Errorf("to be called again after %v, want a minute after the 30 s that the call may take", after)
			}
		}
		close(asleep)
	})
}

func TestWhatCannotBeReadBackStaysUnknownAndIsNeverSentAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{faults: map[int]fault{1: cut}}
		r := start(t, w, journal.Options{Keep: 48 * time.Hour, Lease: time.Hour, FirstPause: 10 * time.Minute})
		for range 3 {
			_, err := r.sites.EnableSite(t.Context(), enable(id))
			wantError(t, err, codes.Unknown, pb.ErrorReason_OUTCOME_UNKNOWN)
			time.Sleep(24 * time.Hour)
		}
		listed, err := r.mutations.ListMutations(t.Context(), &pb.ListMutationsRequest{Filter: &pb.MutationFilter{State: pb.Mutation_UNKNOWN}})
		if err != nil || len(listed.GetMutations()) != 1 || listed.GetMutations()[0].GetSteps()[0].GetState() != pb.Mutation_UNKNOWN {
			t.Errorf("%v, %v; want it listed, however old it is", listed, err)
		}
		if w.calls != 1 {
			t.Errorf("%d writes", w.calls)
		}
		// Nothing more will be known, so nobody waits for it.
		if _, err := r.sites.DisableSite(t.Context(), disable(otherID)); err != nil {
			t.Error(err)
		}
	})
}

// All writes are made and recorded, and still it is not known what they have come to.
func TestWhatNoFurtherRunCanTellIsLetGo(t *testing.T) {
	doubt := mutation.Unsettleable(apierror.OutcomeUnknown("it is switched off here, and nobody can report whether there"))
	w := &world{after: func(context.Context) error { return doubt }}
	r := start(t, w, calm)
	for range 2 {
		_, err := r.sites.DisableSite(t.Context(), disable(id))
		wantError(t, err, codes.Unknown, pb.ErrorReason_OUTCOME_UNKNOWN)
		wantLetGo(t, r)
	}
	r.wantState(t, id, pb.Mutation_UNKNOWN)
	w.want(t, "disable "+site, 1)
}

func TestThePausesGrow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var at []time.Duration
		began := time.Now()
		var up atomic.Bool
		w := &world{faults: map[int]fault{1: lost}, read: func(string) error {
			if up.Load() {
				return nil
			}
			at = append(at, time.Since(began))
			return errors.New("the vendor is down")
		}}
		r := start(t, w, journal.Options{Lease: time.Hour, FirstPause: 10 * time.Second})
		_, err := r.sites.DisableSite(t.Context(), disable(id))
		wantError(t, err, codes.Unknown, pb.ErrorReason_OUTCOME_UNKNOWN)
		time.Sleep(4 * time.Hour)
		for i, seconds := range []int{10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600, 3600} {
			want := time.Duration(seconds) * time.Second
			var before time.Duration
			if i > 0 {
				before = at[i-1]
			}
			if pause := at[i] - before; pause < want || pause > want+20*time.Second {
				t.Errorf("pause %d is %v, want about %v", i+1, pause, want)
			}
		}
		r.wantState(t, id, pb.Mutation_UNKNOWN)

		// What keeps failing does so without filling the audit trail.
		if got := events(t, r, site); !slices.Equal(got, []string{"UNKNOWN"}) {
			t.Errorf("audit events %v", got)
		}
		up.Store(true)
		time.Sleep(time.Hour + time.Minute)
		r.wantState(t, id, pb.Mutation_SUCCEEDED)
		if got := events(t, r, site); !slices.Equal(got, []string{"UNKNOWN", "OK"}) {
			t.Errorf("audit events %v", got)
		}
	})
}

func TestAPanicWhileSettlingDoesNotEndTheServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mended atomic.Bool
		w := &world{faults: map[int]fault{1: lost}, read: func(string) error {
			if !mended.Load() {
				panic("boo")
			}
			return nil
		}}
		r := start(t, w, journal.Options{})
		_, err := r.sites.DisableSite(t.Context(), disable(id))
		wantError(t, err, codes.Unknown, pb.ErrorReason_OUTCOME_UNKNOWN)
		time.Sleep(time.Minute)
		r.wantState(t, id, pb.Mutation_UNKNOWN)
		_, err = r.sites.DisableSite(t.Context(), disable(id))
		// and not INTERNAL, which reads as "not done"
		wantError(t, err, codes.Unknown, pb.ErrorReason_OUTCOME_UNKNOWN)
		mended.Store(true)
		time.Sleep(2 * time.Minute)
		r.wantState(t, id, pb.Mutation_SUCCEEDED)
	})
}

func TestAPanicAmidTheWritesIsSettled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mended atomic.Bool
		w := &world{before: func(_ context.Context, what string) error {
			if what == "issue vendors/v/products/p" && !mended.Load() {
				panic("boo")
			}
			return nil
		}}
		r := start(t, w, journal.Options{})
		_, err := r.licenses.ReplaceProductLicense(t.Context(), replace(id))
		wantError(t, err, codes.Unknown, pb.ErrorReason_OUTCOME_UNKNOWN)
		mended.Store(true)
		time.Sleep(3 * time.Minute)
		r.wantState(t, id, pb.Mutation_SUCCEEDED)
		w.want(t, "revoke vendors/v/productLicenses/l", 1)
		w.want(t, "issue vendors/v/products/p", 1)
	})
}
