package journal_test

import (
	"context"
	"slices"
	"sync"
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

// resend sends the mutation of a request_id again.
func (r *replica) resend(t *testing.T, requestID, resendID string) (*pb.Mutation, error) {
	t.Helper()
	return r.mutations.ResendMutation(t.Context(), &pb.ResendMutationRequest{Name: r.record(t, requestID).GetName(), RequestId: resendID})
}

func (r *replica) wantResent(t *testing.T, requestID, resendID string, want pb.Mutation_State) {
	t.Helper()
	if m, err := r.resend(t, requestID, resendID); err != nil || m.GetState() != want {
		t.Errorf("resent: %v, %v; want %v", m, err, want)
	}
}

func TestResendingWhatHasSucceeded(t *testing.T) {
	w := &world{}
	r := start(t, w, calm)
	_, _ = r.sites.DisableSite(t.Context(), disable(id))
	_, err := r.resend(t, id, "")
	wantError(t, err, codes.FailedPrecondition, pb.ErrorReason_VENDOR_STATE)
	w.want(t, "disable "+site, 1)
}

func TestResendingWhatWasRefused(t *testing.T) {
	w := &world{faults: map[int]fault{1: refused, 2: refused}}
	r := start(t, w, calm)
	_, _ = r.sites.DisableSite(t.Context(), disable(id))
	// what the vendor refuses stands in the record, and is no error of the resending
	r.wantResent(t, id, "", pb.Mutation_FAILED)
	r.wantResent(t, id, "", pb.Mutation_SUCCEEDED)
	w.want(t, "disable "+site, 1)
	change, err := r.sites.DisableSite(t.Context(), disable(id)) // the first caller learns of it
	if err != nil || change.GetSite() != site {
		t.Errorf("%v, %v", change, err)
	}
	w.want(t, "disable "+site, 1)
}

func TestResendingWhatIsUnknown(t *testing.T) {
	w := &world{faults: map[int]fault{1: lost, 2: lost}}
	r := start(t, w, calm)
	_, _ = r.sites.EnableSite(t.Context(), enable(id))
	r.wantState(t, id, pb.Mutation_UNKNOWN)
	r.wantResent(t, id, "", pb.Mutation_UNKNOWN)
	w.want(t, "enable "+site, 2) // that is what was asked for
	r.wantResent(t, id, "", pb.Mutation_SUCCEEDED)
	if got := events(t, r, site); !slices.Equal(got, []string{"UNKNOWN", "UNKNOWN", "OK"}) {
		t.Errorf("audit events %v", got)
	}
}

func TestResendingReadsBackFirstWhatCanBeReadBack(t *testing.T) {
	w := &world{faults: map[int]fault{1: lost}}
	r := start(t, w, calm)
	_, _ = r.sites.DisableSite(t.Context(), disable(id))
	r.wantResent(t, id, otherID, pb.Mutation_SUCCEEDED)
	r.wantResent(t, id, otherID, pb.Mutation_SUCCEEDED) // the same again
	w.want(t, "disable "+site, 1)
}

func TestResendingWhatMayStillTakeEffect(t *testing.T) {
	w := &world{faults: map[int]fault{1: cut}}
	r := start(t, w, calm)
	_, _ = r.sites.DisableSite(t.Context(), disable(id))
	r.wantResent(t, id, "", pb.Mutation_UNKNOWN)
	if w.calls != 1 {
		t.Errorf("%d writes while the first one might have taken effect yet", w.calls)
	}
	if err := r.Pass(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.wantResent(t, id, "", pb.Mutation_SUCCEEDED)
	w.want(t, "disable "+site, 1)
}

func TestTheSameResendingIsCarriedOutOnce(t *testing.T) {
	w := &world{faults: map[int]fault{1: lost, 2: lost, 3: lost}}
	r := start(t, w, calm)
	_, _ = r.sites.EnableSite(t.Context(), enable(id))
	for _, resendID := range []string{uuidOf(1), uuidOf(1), uuidOf(2), uuidOf(1), uuidOf(2)} {
		r.wantResent(t, id, resendID, pb.Mutation_UNKNOWN)
	}
	w.want(t, "enable "+site, 3) // the first call, and two resendings
}

func TestResendingWhatTookEffectInPart(t *testing.T) {
	w := &world{faults: map[int]fault{2: refused}}
	r := start(t, w, calm)
	_, _ = r.licenses.ReplaceProductLicense(t.Context(), replace(id))
	for _, validateOnly := range []bool{true, false} {
		_, err := r.mutations.ResendMutation(t.Context(), &pb.ResendMutationRequest{Name: r.record(t, id).GetName(), ValidateOnly: validateOnly})
		wantError(t, err, codes.FailedPrecondition, pb.ErrorReason_VENDOR_STATE)
	}
	if w.calls != 3 {
		t.Errorf("%d writes, want those of the first call", w.calls)
	}
}

func TestResendingGoesOnWithWhatWasNoted(t *testing.T) {
	w := &world{faults: map[int]fault{2: refused, 3: lost}}
	r := start(t, w, calm)
	w.blindRestore = true
	_, err := r.licenses.ReplaceProductLicense(t.Context(), replace(id))
	wantError(t, err, codes.Unknown, pb.ErrorReason_OUTCOME_UNKNOWN)
	// the method would find no license to replace, had it to note that again
	r.wantResent(t, id, "", pb.Mutation_SUCCEEDED)
	w.want(t, "revoke vendors/v/productLicenses/l", 1)
	w.want(t, "issue vendors/v/products/p", 1)
}

func TestResendingWhatHeldSecrets(t *testing.T) {
	w := &world{faults: map[int]fault{1: refused}}
	r := start(t, w, calm)
	_, _ = r.accounts.CreateDrmAccount(t.Context(), create(id))
	for _, validateOnly := range []bool{true, false} {
		_, err := r.mutations.ResendMutation(t.Context(), &pb.ResendMutationRequest{Name: r.record(t, id).GetName(), ValidateOnly: validateOnly})
		wantError(t, err, codes.FailedPrecondition, pb.ErrorReason_SECRETS_NOT_KEPT)
	}
	if w.calls != 1 {
		t.Errorf("%d writes", w.calls)
	}
}

// Whether the first time took effect is in doubt still, whatever keeps the second from it.
func TestAResendingThatComesToNothingLeavesTheDoubt(t *testing.T) {
	unreachable := apierror.New(codes.Unavailable, pb.ErrorReason_VENDOR_UNAVAILABLE, "not sent")
	for what, break_ := range map[string]func(*world){
		"it does not leave": func(w *world) { w.leaves = func() error { return unreachable } },
		"the vendor throttles": func(w *world) {
			w.before = func(ctx context.Context, _ string) error {
				mutation.RecordStatus(ctx, 429)
				return apierror.New(codes.ResourceExhausted, pb.ErrorReason_VENDOR_RATE_LIMITED, "throttled")
			}
		},
		"the vendor refuses":    func(w *world) { w.faults[2] = refused },
		"nobody takes the call": func(w *world) { w.before = func(context.Context, string) error { return unreachable } },
	} {
		w := &world{faults: map[int]fault{1: lost}}
		r := start(t, w, calm)
		_, _ = r.sites.EnableSite(t.Context(), enable(id))
		lost := r.record(t, id).GetSteps()[0].GetMessage()
		break_(w)
		if m, err := r.resend(t, id, otherID); err == nil && m.GetState() != pb.Mutation_UNKNOWN {
			t.Errorf("%s: %v", what, m)
		}
		if step := r.record(t, id).GetSteps()[0]; step.GetState() != pb.Mutation_UNKNOWN || step.GetMessage() != lost {
			t.Errorf("%s: %v, want it lost as before: %s", what, step, lost)
		}
		w.leaves, w.before = nil, nil
		_, err := r.sites.EnableSite(t.Context(), enable(id))
		wantError(t, err, codes.Unknown, pb.ErrorReason_OUTCOME_UNKNOWN)
		w.want(t, "enable "+site, 1)
	}
}

func TestTryingToResend(t *testing.T) {
	w := &world{faults: map[int]fault{1: lost}}
	r := start(t, w, calm)
	_, _ = r.sites.EnableSite(t.Context(), enable(id))
	before := r.record(t, id)
	var header metadata.MD
	m, err := r.mutations.ResendMutation(t.Context(), &pb.ResendMutationRequest{Name: before.GetName(), ValidateOnly: true, RequestId: otherID}, grpc.Header(&header))
	if err != nil || m.GetState() != pb.Mutation_UNKNOWN {
		t.Errorf("%v, %v", m, err)
	}
	if planned := header.Get("drmhub-planned-request"); !slices.Equal(planned, []string{"curl enable " + site}) {
		t.Errorf("planned %q", planned)
	}
	if named := header.Get("drmhub-mutation"); !slices.Equal(named, []string{before.GetName()}) {
		t.Errorf("named %q", named)
	}
	w.want(t, "enable "+site, 1)
	r.wantResent(t, id, otherID, pb.Mutation_SUCCEEDED) // trying has not used up the id
}

func TestResendingWaitsForTheCallThatIsAtIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := slow()
		w.faults = map[int]fault{1: refused}
		one, other := pair(t, w, calm)
		var first sync.WaitGroup
		first.Go(func() {
			_, err := one.sites.DisableSite(t.Context(), disable(id))
			wantError(t, err, codes.FailedPrecondition, pb.ErrorReason_VENDOR_STATE)
		})
		time.Sleep(time.Second)
		other.wantResent(t, id, "", pb.Mutation_SUCCEEDED)
		first.Wait()
		w.want(t, "disable "+site, 1)
	})
}

func TestAResendingThatDoesNotGetTheResourceCanBeMadeAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{faults: map[int]fault{1: refused, 2: lost}}
		r := start(t, w, calm)
		_, _ = r.sites.DisableSite(t.Context(), disable(uuidOf(1)))
		_, err := r.sites.DisableSite(t.Context(), disable(uuidOf(2)))
		wantError(t, err, codes.Unknown, pb.ErrorReason_OUTCOME_UNKNOWN)
		_, err = r.resend(t, uuidOf(1), otherID)
		wantError(t, err, codes.Aborted, pb.ErrorReason_MUTATION_IN_PROGRESS)
		if m := r.wantState(t, uuidOf(1), pb.Mutation_FAILED); m.GetMessage() != "no disable "+site {
			t.Errorf("%v, want it as it was", m)
		}
		if _, err := r.sites.DisableSite(t.Context(), disable(uuidOf(2))); err != nil {
			t.Error(err)
		}
		r.wantResent(t, uuidOf(1), otherID, pb.Mutation_SUCCEEDED)
		w.want(t, "disable "+site, 2)
	})
}

func TestTheTrailTellsOfResendings(t *testing.T) {
	w := &world{faults: map[int]fault{1: refused}}
	r := start(t, w, calm)
	_, _ = r.sites.DisableSite(t.Context(), disable(id))
	for range 2 { // a repetition is answered from the record, and has no event
		r.wantResent(t, id, otherID, pb.Mutation_SUCCEEDED)
	}
	name := r.record(t, id).GetName()
	got := trail(t, r)
	want := []string{
		"anonymous drmhub.v1.SiteService/DisableSite " + site + " FAILED_PRECONDITION E409",
		"anonymous drmhub.v1.MutationService/ResendMutation " + name + " OK ",
		"anonymous drmhub.v1.SiteService/DisableSite " + site + " OK ",
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestResendingThatDoesNotComeToTheWriteLeavesItUnknown(t *testing.T) {
	w := &world{faults: map[int]fault{1: lost}}
	r := start(t, w, calm)
	_, _ = r.sites.EnableSite(t.Context(), enable(id))
	w.enter = func() error { return apierror.New(codes.Unavailable, pb.ErrorReason_VENDOR_UNAVAILABLE, "down") }
	r.wantResent(t, id, "", pb.Mutation_UNKNOWN)
	w.enter = nil
	r.wantResent(t, id, "", pb.Mutation_SUCCEEDED)
}

func TestResendingNotesAnew(t *testing.T) {
	w := &world{faults: map[int]fault{1: refused}}
	r := start(t, w, calm)
	_, _ = r.licenses.ReplaceProductLicense(t.Context(), replace(id))
	r.wantResent(t, id, "", pb.Mutation_SUCCEEDED)
	if w.notes != 2 {
		t.Errorf("noted %d times, want it as it was before each attempt", w.notes)
	}
}

func TestResendingWhatIsNotFinished(t *testing.T) {
	fails := true
	w := &world{after: func(context.Context) error {
		if fails {
			fails = false
			return apierror.New(codes.Unavailable, pb.ErrorReason_VENDOR_UNAVAILABLE, "down")
		}
		return nil
	}}
	r := start(t, w, calm)
	_, err := r.licenses.ReplaceProductLicense(t.Context(), replace(id))
	wantError(t, err, codes.Unknown, pb.ErrorReason_OUTCOME_UNKNOWN)
	r.wantResent(t, id, "", pb.Mutation_SUCCEEDED)
	w.want(t, "revoke vendors/v/productLicenses/l", 1)
	w.want(t, "issue vendors/v/products/p", 1)
}
