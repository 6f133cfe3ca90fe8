package mutation_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/mutation"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

func TestAPublicErrorTakesTheMeaningOfItsCause(t *testing.T) {
	public := apierror.OutcomeUnknown("for the caller").With(apierror.Vendor, "acme")
	err := mutation.WithMeaning(public, errors.Join(mutation.Unsettleable(errors.New("cause"))))
	if !mutation.IsUnsettleable(err) || mutation.IsNoEffect(err) || apierror.Convert(err) != public {
		t.Errorf("%v: unsettleable %t, no effect %t", err, mutation.IsUnsettleable(err), mutation.IsNoEffect(err))
	}
	if err := mutation.WithMeaning(public, errors.New("cause")); err != public || !mutation.IsPlain(err) {
		t.Errorf("without a meaning: %v, want the public error itself", err)
	}
	both := errors.Join(mutation.MustResend(public), mutation.Unsettleable(public))
	if !mutation.IsUnsettleable(both) {
		t.Error("the second meaning of a joined error is lost")
	}
}

func TestExplainRefusal(t *testing.T) {
	missing := apierror.NotFound("no such site")
	for name, test := range map[string]struct {
		refused, found error
		want           error
		looks          int
	}{
		"success":                   {nil, missing, nil, 0},
		"refused, missing":          {refusedFor(pb.ErrorReason_VENDOR_REJECTED), missing, missing, 1},
		"input refused, missing":    {refusedFor(pb.ErrorReason_VENDOR_INPUT_REFUSED), missing, missing, 1},
		"refused, there":            {refusedFor(pb.ErrorReason_VENDOR_REJECTED), nil, nil, 1},
		"refused, lookup fails":     {refusedFor(pb.ErrorReason_VENDOR_REJECTED), errors.New("down"), nil, 1},
		"refused for a known cause": {refusedFor(pb.ErrorReason_VENDOR_STATE), missing, nil, 0},
		"outcome unknown":           {apierror.OutcomeUnknown("cut"), missing, nil, 0},
	} {
		looks := 0
		err := mutation.ExplainRefusal(t.Context(), test.refused, "site", func(context.Context) error {
			looks++
			return test.found
		})
		want := test.want
		if want == nil {
			want = test.refused
		}
		if err != want || looks != test.looks {
			t.Errorf("%s: %v after %d lookups, want %v after %d", name, err, looks, want, test.looks)
		}
	}
}

func refusedFor(reason pb.ErrorReason) error {
	return apierror.New(codes.FailedPrecondition, reason, "refused")
}

func TestADryRunLooksOnceForEachThing(t *testing.T) {
	ctx, dry := mutation.WithDryRun(t.Context())
	looks := 0
	for range 3 {
		err := mutation.ExplainRefusal(ctx, dry.Plan("curl"), "site", func(context.Context) error {
			looks++
			return apierror.NotFound("no such site")
		})
		if apierror.Convert(err).Code != codes.NotFound {
			t.Errorf("%v, want NOT_FOUND", err)
		}
	}
	if looks != 1 {
		t.Errorf("%d lookups", looks)
	}
	err := mutation.ExplainRefusal(ctx, dry.Plan("curl"), "other", func(context.Context) error { return nil })
	if !mutation.IsDryRun(err) {
		t.Errorf("%v, want the error of a dry run", err)
	}
}

func TestSendLearnsWhetherItIsAResend(t *testing.T) {
	v, log := &vendor{}, mutation.NewMemory()
	var resends []bool
	send := func(ctx context.Context, attempt mutation.Attempt) (*change, error) {
		resends = append(resends, attempt.Resend)
		if !attempt.Resend {
			v.fail, v.deaf = apierror.OutcomeUnknown("cut"), true
		}
		return v.send(ctx, attempt)
	}
	for range 2 {
		_, _ = mutation.Do(mutation.NewContext(t.Context(), log),
			mutation.Write[*change]{Step: "switch", ReadBack: v.check, Send: send})
	}
	// The process may stop between the record that a write had no effect and the next attempt.
	failed := apierror.New(codes.Unavailable, pb.ErrorReason_VENDOR_UNAVAILABLE, "had no effect").GRPCStatus()
	_ = log.Put(t.Context(), "switch", mutation.Record{State: mutation.NotSent, Err: failed})
	_, err := do(t.Context(), log, send)
	if want := []bool{false, true, true}; err != nil || !slices.Equal(resends, want) || v.switched != 2 {
		t.Errorf("%v, resends %v, switched %d times", err, resends, v.switched)
	}
}

func TestARefusalThatCannotBeRecordedIsNotPlain(t *testing.T) {
	v := &vendor{fail: refusedFor(pb.ErrorReason_VENDOR_REJECTED), deaf: true}
	_, err := v.run(&fakeLog{Memory: mutation.NewMemory(), full: true, room: 1})
	if mutation.IsPlain(err) || apierror.Convert(err).Reason != pb.ErrorReason_VENDOR_REJECTED {
		t.Errorf("%v, plain %t", err, mutation.IsPlain(err))
	}
}
