package adaptertest

import (
	"context"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/mutation"
	"github.com/drmhub/drmhub/adapters/secret"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// all is how many effects the write has in the end.
func (c checked) all() int { return max(1, c.effects) }

// wantSuccess demands each effect once, an answer that tells of them, and a log that says so.
func (c checked) wantSuccess(t T, what string, h Harness, log *steps, answer proto.Message, err error) {
	t.Helper()
	wantWrites(t, what, h, c.all())
	if err != nil {
		t.Errorf("%s: %v", what, err)
		return
	}
	c.want(t, what, answer)
	checkNames(t, h.Vendor, what, answer)
	if log.unsettled() {
		t.Errorf("%s: succeeds, and its log says that a write is unsettled", what)
	}
}

// leftUnknown reports whether a write that was made again has an unknown outcome still. That fails
// where anybody could have read back what became of it.
func (c checked) leftUnknown(t T, what string, log *steps, err error) bool {
	t.Helper()
	switch {
	case !apierror.IsOutcomeUnknown(err):
		return false
	case !c.mayStayUnknown:
		t.Errorf("%s: the outcome stays unknown, but the suite's table does not say mayStayUnknown; "+
			"add a ReadBack to its mutation.Write. It says: %v", what, err)
	case !log.any(mutation.Unverifiable):
		t.Errorf("%s: the outcome stays unknown, as the suite's table allows, but the log does not say so; "+
			"remove the ReadBack from its mutation.Write. It says: %v", what, err)
	}
	return true
}

func (c checked) takesEffect(t T, h Harness) {
	log := newSteps()
	answer, err := c.call.in(t.Context(), log)
	c.wantSuccess(t, "the call", h, log, answer, err)
}

func (c checked) answersFromRecord(t T, h Harness) {
	log := newSteps()
	first, err := c.call.in(t.Context(), log)
	if err != nil {
		t.Fatalf("the first run: %v", err)
	}
	h.FailReads(Down) // a record needs no vendor
	second, err := c.call.in(t.Context(), log)
	if err != nil || !proto.Equal(withoutSecrets(first), withoutSecrets(second)) {
		t.Errorf("run again, on a log without secrets, it answers %v, %v; first it answered %v", second, err, first)
	}
	log.settling = true
	settled, err := c.call.in(t.Context(), log)
	if err != nil || !proto.Equal(withoutSecrets(first), withoutSecrets(settled)) {
		t.Errorf("settled from its record, without secrets, it returns %v, %v, and first returned %v; "+
			"put what needs the secrets into a mutation.Snapshot", settled, err, first)
	}
	wantWrites(t, "run again", h, c.all())
}

func (w write) missing(t T, h Harness) {
	missing := w.ofNothing(t, h)
	h = countFromNow(h)
	log := newSteps()
	_, err := missing.in(t.Context(), log)
	wantError(t, "of an unknown "+w.what, err, codes.NotFound, pb.ErrorReason_RESOURCE_NOT_FOUND)
	wantWrites(t, "of an unknown "+w.what, h, 0)
	if log.unsettled() {
		t.Errorf("it is NOT_FOUND, and its log says that a write is unsettled")
	}
	ctx, _ := mutation.WithDryRun(t.Context())
	_, err = missing(ctx)
	wantError(t, "tried, of an unknown "+w.what, err, codes.NotFound, pb.ErrorReason_RESOURCE_NOT_FOUND)
}

func (c checked) isNotForNobody(t T, h Harness) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := c.call.in(ctx, newSteps())
	wantError(t, "for a caller who has gone", err, codes.Canceled, pb.ErrorReason_CALL_CANCELLED)
	wantWrites(t, "for a caller who has gone", h, 0)
}

func (c checked) isNotOutside(t T, h Harness) {
	if _, err := c.call(t.Context()); err == nil {
		t.Errorf("it succeeds without mutation.NewContext, so its write stands in no mutation.Do")
	}
	wantWrites(t, "outside of a mutation", h, 0)
}

// settlesAfter checks that after this fault, of which so many effects remain, the outcome is
// unknown, and that running the method again finds it out.
func settlesAfter(fault WriteFault, effects int) func(checked, T, Harness) {
	return func(c checked, t T, h Harness) {
		log := newSteps()
		h.Writes.Fail(fault, 1)
		_, err := c.call.in(t.Context(), log)
		wantUnknown(t, "the call", err)
		if !c.batch {
			wantWrites(t, "the call", h, effects)
		} else if got := h.Writes.Count(); effects == 0 && got == c.all() {
			// whether the other items came through is the vendor's own
			t.Errorf("the call: %d writes have taken effect, and one was cut before it could", got)
		}
		if !log.unsettled() {
			t.Errorf("the outcome is unknown, and the log does not say so")
		}
		answer, err := c.call.in(t.Context(), log)
		if c.leftUnknown(t, "run again", log, err) {
			wantWrites(t, "run again, without sending blindly", h, effects)
			return
		}
		c.wantSuccess(t, "run again", h, log, answer, err)
	}
}

func (c checked) staysUnknown(t T, h Harness) {
	log := newSteps()
	h.Writes.Fail(AnswerLost, 1)
	_, err := c.call.in(t.Context(), log)
	wantUnknown(t, "the call", err)
	h.FailReads(Down)
	_, err = c.call.in(t.Context(), log)
	wantUnknown(t, "run again while the vendor is down", err)
	h.FailReads(Healthy)
	answer, err := c.call.in(t.Context(), log)
	if c.leftUnknown(t, "run again", log, err) {
		wantWrites(t, "run again, without sending blindly", h, 1)
		return
	}
	c.wantSuccess(t, "run again", h, log, answer, err)
}

func (c checked) settlesWithoutSecrets(t T, h Harness) {
	log := newSteps()
	h.Writes.Fail(AnswerLost, 1)
	_, err := c.call.in(t.Context(), log)
	wantUnknown(t, "the call", err)
	log.settling = true
	_, err = c.call.in(t.Context(), log)
	if c.leftUnknown(t, "settled", log, err) {
		wantWrites(t, "settled", h, 1)
		return
	}
	wantWrites(t, "settled", h, c.all())
	if err != nil || log.unsettled() {
		t.Errorf("settled: %v; the log has an unsettled write: %t; "+
			"put what needs the secrets of the request into a mutation.Snapshot", err, log.unsettled())
	}
}

func (c checked) settlesWithoutEffect(t T, h Harness) {
	log := newSteps()
	h.Writes.Fail(CutBeforeEffect, c.items())
	_, err := c.call.in(t.Context(), log)
	wantUnknown(t, "the call", err)
	log.settling = true
	_, err = c.call.in(t.Context(), log)
	if !mutation.IsNoEffect(err) && !c.leftUnknown(t, "settled", log, err) {
		t.Errorf("settled: %v, want the error of no effect", err)
	}
	wantWrites(t, "settled", h, 0)
}

// items is how many writes a fault must hit so that none of them takes effect.
func (c checked) items() int {
	if c.batch {
		return c.all()
	}
	return 1
}

func (c checked) isRefused(t T, h Harness) {
	log := newSteps()
	h.Writes.Fail(Refused, c.items())
	for _, what := range []string{"the call", "run again"} {
		_, err := c.call.in(t.Context(), log)
		wantError(t, what, err, codes.FailedPrecondition, pb.ErrorReason_VENDOR_REJECTED)
		wantClean(t, what, h, err)
		wantWrites(t, what, h, 0)
		if log.unsettled() {
			t.Errorf("%s: refused, and its log says that a write is unsettled", what)
		}
	}
}

func (c checked) awaitsCreation(t T, h Harness) {
	log := newSteps()
	log.creating = apierror.New(codes.Aborted, pb.ErrorReason_MUTATION_IN_PROGRESS, "a creation is in doubt")
	_, err := c.call.in(t.Context(), log)
	wantError(t, "while a creation is in doubt", err, codes.Aborted, pb.ErrorReason_MUTATION_IN_PROGRESS)
	wantWrites(t, "while a creation is in doubt", h, 0)
	log.creating = nil
	answer, err := c.call.in(t.Context(), log)
	c.wantSuccess(t, "called again", h, log, answer, err)
}

func wantUnknown(t T, what string, err error) {
	t.Helper()
	wantError(t, what, err, codes.Unknown, pb.ErrorReason_OUTCOME_UNKNOWN)
}

// isTried checks that a trial comes as far as the writes, and no further.
func (c checked) isTried(t T, h Harness) {
	ctx, trial := mutation.WithDryRun(t.Context())
	answer, err := c.call(ctx)
	wantWrites(t, "tried", h, 0)
	if err != nil || answer == nil || !answer.ProtoReflect().IsValid() {
		t.Fatalf("tried, it answers %v, %v; want what the call would answer", answer, err)
	}
	checkNames(t, h.Vendor, "tried", answer)
	if len(trial.Requests()) == 0 {
		t.Errorf("tried, it tells of no request that it would send")
	}
	for _, request := range trial.Requests() {
		if secret.Clean(request, h.Secrets...) != request {
			t.Errorf("tried, it shows a secret in a request of %d bytes", len(request))
		} else if strings.ContainsFunc(request, func(r rune) bool { return r < ' ' || r > '~' }) {
			t.Errorf("tried, it tells of %q, which is no line of printable ASCII", request)
		}
	}
	log := newSteps()
	answer, err = c.call.in(t.Context(), log)
	c.wantSuccess(t, "called after the trial", h, log, answer, err)
}
