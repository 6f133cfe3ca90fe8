package journal_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/mutation"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

const oldLicense, newLicense = "vendors/v/productLicenses/l", "vendors/v/products/p"

// resend sends the mutation of a request_id again.
func (r *replica) resend(t *testing.T, requestID, resendID string) (*pb.Mutation, error) {
	t.Helper()
	name := r.record(t, requestID).GetName()
	return r.mutations.ResendMutation(t.Context(), &pb.ResendMutationRequest{Name: name, RequestId: resendID})
}

func (r *replica) wantResent(t *testing.T, requestID, resendID string, want pb.Mutation_State) {
	t.Helper()
	if m, err := r.resend(t, requestID, resendID); err != nil || m.GetState() != want {
		t.Errorf("resent: %v, %v; want %v", m, err, want)
	}
}

// TestResend makes a call, and then resends it by these request_ids, one after the other.
func TestResend(t *testing.T) {
	const succeeded, failed, unknown = pb.Mutation_SUCCEEDED, pb.Mutation_FAILED, pb.Mutation_UNKNOWN
	type resend struct {
		requestID string
		want      pb.Mutation_State
	}
	one, two := uuidOf(1), uuidOf(2)
	for _, c := range []struct {
		name    string
		vendor  *fakeVendor
		call    func(*replica, *testing.T, string) error
		resends []resend
		effects map[string]int
	}{
		{"what was refused, as the record says", &fakeVendor{faults: map[int]fault{1: refused, 2: refused}},
			(*replica).disable, []resend{{"", failed}, {"", succeeded}}, map[string]int{"disable " + site: 1}},
		{"what cannot be read back, each time", &fakeVendor{faults: map[int]fault{1: lost, 2: lost}}, (*replica).enable,
			[]resend{{"", unknown}, {"", succeeded}}, map[string]int{"enable " + site: 3}},
		{"what can be read back, after it was", &fakeVendor{faults: map[int]fault{1: lost}}, (*replica).disable,
			[]resend{{otherID, succeeded}, {otherID, succeeded}}, map[string]int{"disable " + site: 1}},
		{"once for each request_id", &fakeVendor{faults: map[int]fault{1: lost, 2: lost, 3: lost}}, (*replica).enable,
			[]resend{{one, unknown}, {one, unknown}, {two, unknown}, {one, unknown}, {two, unknown}},
			map[string]int{"enable " + site: 3}},
		{"the rest, on the snapshot of the first run",
			&fakeVendor{faults: map[int]fault{2: refused, 3: lost}, blindRestore: true}, (*replica).replace,
			[]resend{{"", succeeded}},
			map[string]int{"revoke " + oldLicense: 1, "issue " + newLicense: 1, "restore old " + oldLicense: 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := start(t, c.vendor, noBackground)
			if err := c.call(r, t, id); err == nil {
				t.Fatal("the call succeeded")
			}
			for _, resend := range c.resends {
				r.wantResent(t, id, resend.requestID, resend.want)
			}
			if c.resends[len(c.resends)-1].want == succeeded {
				ok(t, c.call(r, t, id)) // The first caller gets the outcome.
			}
			for what, times := range c.effects {
				c.vendor.want(t, what, times)
			}
		})
	}
}

func TestWhatCannotBeResent(t *testing.T) {
	for name, c := range map[string]struct {
		faults map[int]fault
		call   func(*replica, *testing.T, string) error
		reason pb.ErrorReason
		writes int
	}{
		"it succeeded":           {nil, (*replica).disable, pb.ErrorReason_VENDOR_STATE, 1},
		"it took effect in part": {map[int]fault{2: refused}, (*replica).replace, pb.ErrorReason_VENDOR_STATE, 3},
		"it held secrets":        {map[int]fault{1: refused}, (*replica).create, pb.ErrorReason_SECRETS_NOT_KEPT, 1},
	} {
		v := &fakeVendor{faults: c.faults}
		r := start(t, v, noBackground)
		_ = c.call(r, t, id)
		for _, validateOnly := range []bool{true, false} {
			req := &pb.ResendMutationRequest{Name: r.record(t, id).GetName(), ValidateOnly: validateOnly}
			_, err := r.mutations.ResendMutation(t.Context(), req)
			wantError(t, err, codes.FailedPrecondition, c.reason)
		}
		if v.calls != c.writes {
			t.Errorf("%s: %d writes, want %d", name, v.calls, c.writes)
		}
	}
}

func TestResendingWhatMayStillTakeEffect(t *testing.T) {
	v := &fakeVendor{faults: map[int]fault{1: cut}}
	r := start(t, v, noBackground)
	_ = r.disable(t, id)
	r.wantResent(t, id, "", pb.Mutation_UNKNOWN)
	v.wantCalls(t, 1)
	ok(t, r.Pass(t.Context()))
	r.wantResent(t, id, "", pb.Mutation_SUCCEEDED)
	v.want(t, "disable "+site, 1)
}

// Whatever keeps the resend from the vendor, the first send is still in doubt.
func TestAResendWithoutAnEffectLeavesTheDoubt(t *testing.T) {
	throttles := func(ctx context.Context, _ string) error {
		mutation.RecordStatus(ctx, 429)
		return apierror.New(codes.ResourceExhausted, pb.ErrorReason_VENDOR_RATE_LIMITED, "throttled")
	}
	unsent := func(context.Context, string) error { return errRefused }
	down := func(context.Context) error { return errDown }
	for what, fail := range map[string]func(*fakeVendor){
		"the method fails":             func(v *fakeVendor) { v.enter = down },
		"it does not leave":            func(v *fakeVendor) { v.leaves = func() error { return errRefused } },
		"the vendor throttles":         func(v *fakeVendor) { v.before = throttles },
		"the vendor refuses":           func(v *fakeVendor) { v.faults[2] = refused },
		"it does not reach the vendor": func(v *fakeVendor) { v.before = unsent },
	} {
		v := &fakeVendor{faults: map[int]fault{1: lost}}
		r := start(t, v, noBackground)
		_ = r.enable(t, id)
		lost := r.record(t, id).GetSteps()[0].GetMessage()
		fail(v)
		if m, err := r.resend(t, id, otherID); err == nil && m.GetState() != pb.Mutation_UNKNOWN {
			t.Errorf("%s: %v", what, m)
		}
		if step := r.record(t, id).GetSteps()[0]; step.GetState() != pb.Mutation_UNKNOWN || step.GetMessage() != lost {
			t.Errorf("%s: %v, want it lost as before: %s", what, step, lost)
		}
		v.enter, v.leaves, v.before = nil, nil, nil
		wantUnknown(t, r.enable(t, id))
		v.want(t, "enable "+site, 1)
		r.wantResent(t, id, "", pb.Mutation_SUCCEEDED)
	}
}

// An item that is not sent again stays in doubt, whatever becomes of the others.
func TestAResendOfSomeItemsLeavesTheOthersInDoubt(t *testing.T) {
	v := &fakeVendor{faults: map[int]fault{1: lost, 2: lost}, blindItems: true}
	r := start(t, v, noBackground)
	r.wantBatch(t, two, codes.Unknown, codes.Unknown)
	ctx, leave := context.WithCancel(t.Context())
	v.before = func(context.Context, string) error { leave(); return nil } // The next item begins without a caller.
	_, _ = r.mutations.ResendMutation(ctx, &pb.ResendMutationRequest{Name: r.record(t, id).GetName()})
	ok(t, r.Wait(t.Context()))
	r.wantState(t, id, pb.Mutation_UNKNOWN)
	r.wantBatch(t, two, codes.OK, codes.Unknown)
	v.before = nil
	r.wantResent(t, id, "", pb.Mutation_SUCCEEDED)
	v.want(t, "create a", 2)
	v.want(t, "create b", 2)
}

func TestTheDryRunOfAResend(t *testing.T) {
	v := &fakeVendor{faults: map[int]fault{1: lost}}
	r := start(t, v, noBackground)
	_ = r.enable(t, id)
	name := r.record(t, id).GetName()
	var header metadata.MD
	req := &pb.ResendMutationRequest{Name: name, ValidateOnly: true, RequestId: otherID}
	m, err := r.mutations.ResendMutation(t.Context(), req, grpc.Header(&header))
	if err != nil || m.GetState() != pb.Mutation_UNKNOWN {
		t.Errorf("%v, %v", m, err)
	}
	for key, want := range map[string]string{"drmhub-planned-request": "curl enable " + site, "drmhub-mutation": name} {
		if got := header.Get(key); !slices.Equal(got, []string{want}) {
			t.Errorf("%s is %q, want %q", key, got, want)
		}
	}
	v.want(t, "enable "+site, 1)
	req.ValidateOnly = false // The dry run has not used the id.
	for _, replayed := range []bool{false, true} {
		m, err := r.mutations.ResendMutation(t.Context(), req, grpc.Header(&header))
		if err != nil || m.GetState() != pb.Mutation_SUCCEEDED || isReplay(header) != replayed {
			t.Errorf("%v, %v, %v, want replayed: %t", m, err, header, replayed)
		}
	}
	v.want(t, "enable "+site, 2)
}

func TestAResendWaitsForTheCallThatRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := slow(10 * time.Second)
		v.faults = map[int]fault{1: refused}
		one, other := pair(t, v, noBackground)
		first := background(func() {
			wantError(t, one.disable(t, id), codes.FailedPrecondition, pb.ErrorReason_VENDOR_STATE)
		})
		time.Sleep(time.Second)
		other.wantResent(t, id, "", pb.Mutation_SUCCEEDED)
		first()
		v.want(t, "disable "+site, 1)
	})
}

func TestAResendThatDoesNotGetTheLockCanBeMadeAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &fakeVendor{faults: map[int]fault{1: refused, 2: lost}}
		r := start(t, v, noBackground)
		_ = r.disable(t, uuidOf(1))
		wantUnknown(t, r.disable(t, uuidOf(2)))
		_, err := r.resend(t, uuidOf(1), otherID)
		wantError(t, err, codes.Aborted, pb.ErrorReason_MUTATION_IN_PROGRESS)
		if m := r.wantState(t, uuidOf(1), pb.Mutation_FAILED); m.GetMessage() != "no disable "+site {
			t.Errorf("%v, want it as it was", m)
		}
		ok(t, r.disable(t, uuidOf(2)))
		r.wantResent(t, uuidOf(1), otherID, pb.Mutation_SUCCEEDED)
		v.want(t, "disable "+site, 2)
	})
}

func TestTheTrailTellsOfResends(t *testing.T) {
	r := start(t, &fakeVendor{faults: map[int]fault{1: refused}}, noBackground)
	_ = r.disable(t, id)
	for range 2 { // The second one is returned from the record, and has no event.
		r.wantResent(t, id, otherID, pb.Mutation_SUCCEEDED)
	}
	const disabled = "anonymous drmhub.v1.SiteService/DisableSite " + site
	resent := "anonymous drmhub.v1.MutationService/ResendMutation " + r.record(t, id).GetName()
	want := []string{disabled + " FAILED_PRECONDITION E409", resent + " OK ", disabled + " OK "}
	if got := trail(t, r); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	r = start(t, &fakeVendor{faults: map[int]fault{1: lost, 2: lost}}, noBackground)
	_ = r.enable(t, id)
	r.wantResent(t, id, "", pb.Mutation_UNKNOWN)
	r.wantResent(t, id, "", pb.Mutation_SUCCEEDED)
	if got := events(t, r, site); !slices.Equal(got, []string{"UNKNOWN", "UNKNOWN", "OK"}) {
		t.Errorf("audit events %v", got)
	}
}

// A mutation without an effect begins afresh. One that took effect goes on.
func TestAResendOfAReplacement(t *testing.T) {
	fails := true
	fail := func(context.Context) error {
		if fails {
			fails = false
			return errDown
		}
		return nil
	}
	for _, c := range []struct {
		vendor    *fakeVendor
		snapshots int
	}{{&fakeVendor{faults: map[int]fault{1: refused}}, 2}, {&fakeVendor{after: fail}, 1}} {
		r := start(t, c.vendor, noBackground)
		if err := r.replace(t, id); err == nil {
			t.Error("the call succeeded")
		}
		r.wantResent(t, id, "", pb.Mutation_SUCCEEDED)
		if c.vendor.notes != c.snapshots {
			t.Errorf("%d snapshots, want %d", c.vendor.notes, c.snapshots)
		}
		c.vendor.want(t, "revoke "+oldLicense, 1)
		c.vendor.want(t, "issue "+newLicense, 1)
	}
}
