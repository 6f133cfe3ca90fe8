package journal_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

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
	req := &pb.ListMutationsRequest{Filter: &pb.MutationFilter{RequestId: requestID}}
	res, err := r.mutations.ListMutations(t.Context(), req)
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
		v := &fakeVendor{faults: map[int]fault{1: lost}}
		r := start(t, v, journal.Options{})
		wantUnknown(t, r.disable(t, id))
		const message = "cut after disable " + site
		m := r.wantState(t, id, pb.Mutation_UNKNOWN)
		step := m.GetSteps()[0]
		if m.GetSettleTime() != nil || m.GetMessage() != message ||
			step.GetState() != pb.Mutation_UNKNOWN || step.GetMessage() != message {
			t.Errorf("before: %v", m)
		}
		time.Sleep(3 * time.Second)
		m = r.wantState(t, id, pb.Mutation_SUCCEEDED)
		if m.GetSettleTime() == nil || m.GetMessage() != "" || m.GetSteps()[0].GetState() != pb.Mutation_SUCCEEDED {
			t.Errorf("after: %v", m)
		}
		change, err := r.sites.DisableSite(t.Context(), disable(id))
		if err != nil || change.GetSite() != site {
			t.Errorf("the same id: %v, %v; want what the first call would have returned", change, err)
		}
		v.want(t, "disable "+site, 1)
	})
}

func TestASilentVendorDoesNotHoldUpTheMutationsOfOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		silent, speak := gate()
		v := &fakeVendor{faults: map[int]fault{}}
		r := start(t, v, journal.Options{})
		for n := 1; n <= 31; n++ {
			v.faults[n] = lost
		}
		v.read = func(what string) error {
			if strings.Contains(what, "vendors/silent/") {
				silent()
			}
			return nil
		}
		disableAt := func(vendor string, n int) string {
			requestID := fmt.Sprintf("0198c3a2-7d41-7b6e-9f02-%012d", n)
			wantUnknown(t, r.disableAt(t, fmt.Sprintf("vendors/%s/sites/s%d", vendor, n), requestID))
			return requestID
		}
		var waiting []string
		for n := range 30 {
			waiting = append(waiting, disableAt("silent", n))
		}
		time.Sleep(3 * time.Second)
		other := disableAt("quick", 30)
		time.Sleep(3 * time.Second)
		r.wantState(t, other, pb.Mutation_SUCCEEDED)
		for _, requestID := range waiting {
			r.wantState(t, requestID, pb.Mutation_UNKNOWN)
		}
		speak()
		time.Sleep(30 * time.Second)
		for _, requestID := range waiting {
			r.wantState(t, requestID, pb.Mutation_SUCCEEDED)
		}
	})
}

func TestWhatHadNoEffectIsClosedOnceTheVendorCanNoLongerBeAtIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &fakeVendor{faults: map[int]fault{1: cut}}
		r := start(t, v, journal.Options{})
		wantUnknown(t, r.disable(t, id))

		time.Sleep(40 * time.Second)
		wantRetryAfter(t, r.disable(t, id), 20*time.Second) // the rest of the quiet minute
		r.wantState(t, id, pb.Mutation_UNKNOWN)
		v.wantCalls(t, 1)

		time.Sleep(2 * time.Minute)
		m := r.wantState(t, id, pb.Mutation_FAILED)
		step, why := m.GetSteps()[0], "had no effect at the vendor (it ended so: cut"
		if m.GetSettleTime() == nil || step.GetState() != pb.Mutation_FAILED ||
			!strings.HasPrefix(step.GetMessage(), why) {
			t.Errorf("%v", m)
		}
		v.wantCalls(t, 1)
		ok(t, r.disable(t, id))
		v.want(t, "disable "+site, 1)
	})
}

// A vendor may work on a write until long after it left. So the quiet time begins when the call of
// the write ends, or at the latest time at which it can end.
func TestTheQuietTimeBeginsWhenTheCallIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stalls := func(context.Context, string) error { time.Sleep(20 * time.Second); return nil }
		v := &fakeVendor{faults: map[int]fault{1: cut}, before: stalls, within: 30 * time.Second}
		r := start(t, v, journal.Options{FirstPause: time.Hour})
		wantUnknown(t, r.disable(t, id))
		time.Sleep(50 * time.Second)
		wantRetryAfter(t, r.disable(t, id), 10*time.Second) // the rest of a minute since the call ended
	})
	synctest.Test(t, func(t *testing.T) {
		sleep, wake := gate()
		v := &fakeVendor{before: func(context.Context, string) error { sleep(); return context.Canceled }}
		v.within = 30 * time.Second
		one, other := pair(t, v, journal.Options{FirstPause: time.Hour})
		go one.disable(t, id)
		synctest.Wait()
		one.Die() // or so it seems to the other one, which ends a run of its own
		time.Sleep(16 * time.Second)
		for range 2 {
			// a minute after the 30 s that the call may take
			wantRetryAfter(t, other.disable(t, id), 74*time.Second)
		}
		wake()
	})
}

func TestWhatCannotBeReadBackStaysUnknownAndIsNeverSentAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &fakeVendor{faults: map[int]fault{1: cut}}
		r := start(t, v, journal.Options{Keep: 48 * time.Hour, Lease: time.Hour, FirstPause: 10 * time.Minute})
		for range 3 {
			wantUnknown(t, r.enable(t, id))
			time.Sleep(24 * time.Hour)
		}
		// It is listed, however old it is.
		if m := r.wantState(t, id, pb.Mutation_UNKNOWN); m.GetSteps()[0].GetState() != pb.Mutation_UNKNOWN {
			t.Errorf("%v", m)
		}
		v.wantCalls(t, 1)
		ok(t, r.disable(t, otherID))
	})
}

// All writes are made and recorded, but their outcome is unknown.
func TestWhatIsUnsettleableIsGivenUp(t *testing.T) {
	doubt := mutation.Unsettleable(apierror.OutcomeUnknown("it is off here, and nobody can report whether there"))
	v := &fakeVendor{after: func(context.Context) error { return doubt }}
	r := start(t, v, noBackground)
	for range 2 {
		wantUnknown(t, r.disable(t, id))
		wantReleased(t, r)
	}
	r.wantState(t, id, pb.Mutation_UNKNOWN)
	v.want(t, "disable "+site, 1)
}

func TestThePausesGrow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var at []time.Duration
		began := time.Now()
		v, mend := unreadable(map[int]fault{1: lost})
		read := v.read
		v.read = func(what string) error {
			at = append(at, time.Since(began))
			return read(what)
		}
		r := start(t, v, journal.Options{Lease: time.Hour, FirstPause: 10 * time.Second})
		wantUnknown(t, r.disable(t, id))
		time.Sleep(4 * time.Hour)
		synctest.Wait() // so that at is no longer written
		for i, seconds := range []int{10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600, 3600} {
			want, before := time.Duration(seconds)*time.Second, append([]time.Duration{0}, at...)[i]
			if pause := at[i] - before; pause < want || pause > want+20*time.Second {
				t.Errorf("pause %d is %v, want about %v", i+1, pause, want)
			}
		}
		r.wantState(t, id, pb.Mutation_UNKNOWN)

		// What keeps failing does so without filling the audit trail.
		if got := events(t, r, site); !slices.Equal(got, []string{"UNKNOWN"}) {
			t.Errorf("audit events %v", got)
		}
		mend()
		time.Sleep(time.Hour + time.Minute)
		r.wantState(t, id, pb.Mutation_SUCCEEDED)
		if got := events(t, r, site); !slices.Equal(got, []string{"UNKNOWN", "OK"}) {
			t.Errorf("audit events %v", got)
		}
	})
}

func TestAPanicIsSettled(t *testing.T) {
	for name, c := range map[string]struct {
		faults map[int]fault
		panics string // what the panic is about: the read-back of it, or its write
		call   func(*replica, *testing.T, string) error
		want   []string
	}{
		"while settling": {map[int]fault{1: lost}, "disable " + site, (*replica).disable, []string{"disable " + site}},
		"between two writes": {nil, "issue " + newLicense, (*replica).replace,
			[]string{"revoke " + oldLicense, "issue " + newLicense}},
	} {
		synctest.Test(t, func(t *testing.T) {
			var mended atomic.Bool
			panics := func(what string) error {
				if what == c.panics && !mended.Load() {
					panic("boo")
				}
				return nil
			}
			v := &fakeVendor{faults: c.faults, read: panics}
			if c.faults == nil {
				v.before = func(_ context.Context, what string) error { return panics(what) }
			}
			r := start(t, v, journal.Options{})
			wantUnknown(t, c.call(r, t, id))
			time.Sleep(time.Minute)
			r.wantState(t, id, pb.Mutation_UNKNOWN)
			wantUnknown(t, c.call(r, t, id))
			mended.Store(true)
			time.Sleep(3 * time.Minute)
			r.wantState(t, id, pb.Mutation_SUCCEEDED)
			for _, effect := range c.want {
				v.want(t, effect, 1)
			}
		})
		if t.Failed() {
			t.Fatal(name)
		}
	}
}
