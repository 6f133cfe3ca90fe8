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

// all returns how many effects the write has in the end.
func (c checked) all() int { return max(1, c.effects) }

// items returns how many writes a fault must hit so that no write takes effect.
func (c checked) items() int {
	if c.batch {
		return c.all()
	}
	return 1
}

// run makes the call as a run of the mutation that log is of.
func (c checked) run(t T, log *steps) (proto.Message, error) { return c.call.in(t.Context(), log) }

// wantSuccess demands each effect once, a response that says so, and a log without an unsettled
// write.
func (c checked) wantSuccess(t T, what string, h Harness, log *steps, res proto.Message, err error) {
	t.Helper()
	wantWrites(t, what, h, c.all())
	if err != nil {
		t.Errorf("%s: %v", what, err)
		return
	}
	c.want(t, what, res)
	checkNames(t, h.Vendor, what, res)
	wantSettled(t, what, log)
}

func wantSettled(t T, what string, log *steps) {
	t.Helper()
	if log.unsettled() {
		t.Errorf("%s: it is over, but its log has an unsettled write", what)
	}
}

// failed makes the call while the vendor fails n writes. Its outcome must be unknown.
func (c checked) failed(t T, h Harness, fault WriteFault, n int) *steps {
	t.Helper()
	log := newSteps()
	h.Writes.Fail(fault, n)
	_, err := c.run(t, log)
	if err == nil && fault == AnswerGarbled {
		t.Errorf("the call succeeds, though its response cannot be read: decode the response of each write, " +
			"even if the adapter ignores it, because such a response leaves the outcome unknown")
		return log
	}
	wantUnknown(t, "the call", err)
	return log
}

// again makes the call again after it failed with so many effects. It must succeed, or stay unknown
// if the suite's table allows that.
func (c checked) again(t T, h Harness, log *steps, effects int) {
	t.Helper()
	res, err := c.run(t, log)
	if c.leftUnknown(t, "run again", log, err) {
		wantWrites(t, "run again, without a resend", h, effects)
		return
	}
	c.wantSuccess(t, "run again", h, log, res, err)
}

// leftUnknown reports whether a write that was made again still has an unknown outcome. That fails
// unless the suite's table allows it.
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
	res, err := c.run(t, log)
	c.wantSuccess(t, "the call", h, log, res, err)
}

func (c checked) returnsItsRecord(t T, h Harness) {
	log := newSteps()
	first, err := c.run(t, log)
	if err != nil {
		t.Fatalf("the first run: %v", err)
	}
	h.FailReads(Down) // A record needs no vendor.
	for _, settling := range []bool{false, true} {
		log.settling = settling
		again, err := c.run(t, log)
		if err != nil || !proto.Equal(withoutSecrets(first), withoutSecrets(again)) {
			t.Errorf("run again from its record, without secrets (settled: %t), it returns %v, %v, want %v; "+
				"put what needs the secrets into a mutation.Snapshot", settling, again, err, first)
		}
	}
	wantWrites(t, "run again", h, c.all())
}

func (w write) missing(t T, h Harness) {
	missing, log, what := w.ofNothing(t, h), newSteps(), "of an unknown "+w.what
	h = countFromNow(h)
	_, err := missing.in(t.Context(), log)
	WantError(t, what, err, codes.NotFound, pb.ErrorReason_RESOURCE_NOT_FOUND)
	wantWrites(t, what, h, 0)
	wantSettled(t, what, log)
	ctx, _ := mutation.WithDryRun(t.Context())
	_, err = missing(ctx)
	WantError(t, "in a dry run, "+what, err, codes.NotFound, pb.ErrorReason_RESOURCE_NOT_FOUND)
}

func (c checked) needsItsCaller(t T, h Harness) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := c.call.in(ctx, newSteps())
	WantError(t, "for a caller who has gone", err, codes.Canceled, pb.ErrorReason_CALL_CANCELLED)
	wantWrites(t, "for a caller who has gone", h, 0)
}

func (c checked) needsAMutation(t T, h Harness) {
	if _, err := c.call(t.Context()); err == nil {
		t.Errorf("it succeeds without mutation.NewContext; make its write in a mutation.Do")
	}
	wantWrites(t, "outside of a mutation", h, 0)
}

// settlesAfter makes a check that the outcome is unknown after this fault, of which so many effects
// remain, and that another run finds it out.
func settlesAfter(fault WriteFault, effects int) func(checked, T, Harness) {
	return func(c checked, t T, h Harness) {
		log := c.failed(t, h, fault, 1)
		if !c.batch {
			wantWrites(t, "the call", h, effects)
		} else if got := h.Writes.Count(); effects == 0 && got == c.all() {
			// The vendor decides whether the other items take effect.
			t.Errorf("the call: %d writes have taken effect, but one was cut before it could", got)
		}
		if !log.unsettled() {
			t.Errorf("the outcome is unknown, but the log has no unsettled write")
		}
		c.again(t, h, log, effects)
	}
}

func (c checked) staysUnknown(t T, h Harness) {
	log := c.failed(t, h, AnswerLost, 1)
	h.FailReads(Down)
	_, err := c.run(t, log)
	wantUnknown(t, "run again while the vendor is down", err)
	h.FailReads(Healthy)
	c.again(t, h, log, 1)
}

func (c checked) distrustsProxies(t T, h Harness) {
	log := c.failed(t, h, CutBeforeEffect, c.items())
	for _, fault := range append(successes, Misrouted) {
		h.FailReads(fault)
		_, err := c.run(t, log)
		wantUnknown(t, "run again while a proxy responds in the vendor's place", err)
		wantWrites(t, "run again while a proxy responds in the vendor's place", h, 0)
	}
	h.FailReads(Healthy)
	c.again(t, h, log, 0)
}

func (c checked) readsBackRefusal(t T, h Harness) {
	log := newSteps()
	h.Writes.Fail(RefusedAfterEffect, 1)
	res, err := c.run(t, log)
	c.wantSuccess(t, "the call", h, log, res, err)
}

func (c checked) settlesWithoutSecrets(t T, h Harness) {
	log := c.failed(t, h, AnswerLost, 1)
	log.settling = true
	_, err := c.run(t, log)
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
	log := c.failed(t, h, CutBeforeEffect, c.items())
	log.settling = true
	_, err := c.run(t, log)
	if !mutation.IsNoEffect(err) && !c.leftUnknown(t, "settled", log, err) {
		t.Errorf("settled: %v, want the error of no effect", err)
	}
	wantWrites(t, "settled", h, 0)
}

func (c checked) isRefused(t T, h Harness) {
	log := newSteps()
	h.Writes.Fail(Refused, c.items())
	for _, what := range []string{"the call", "run again"} {
		_, err := c.run(t, log)
		WantError(t, what, err, codes.FailedPrecondition, pb.ErrorReason_VENDOR_REJECTED)
		wantClean(t, what, h, err)
		wantWrites(t, what, h, 0)
		wantSettled(t, what, log)
	}
}

func (c checked) awaitsCreation(t T, h Harness) {
	log := newSteps()
	log.creating = apierror.New(codes.Aborted, pb.ErrorReason_MUTATION_IN_PROGRESS, "a creation is in doubt")
	_, err := c.run(t, log)
	WantError(t, "while a creation is in doubt", err, codes.Aborted, pb.ErrorReason_MUTATION_IN_PROGRESS)
	wantWrites(t, "while a creation is in doubt", h, 0)
	log.creating = nil
	res, err := c.run(t, log)
	c.wantSuccess(t, "called again", h, log, res, err)
}

func wantUnknown(t T, what string, err error) {
	t.Helper()
	WantError(t, what, err, codes.Unknown, pb.ErrorReason_OUTCOME_UNKNOWN)
}

// dryRuns checks that a dry run comes as far as the writes, and no further.
func (c checked) dryRuns(t T, h Harness) {
	ctx, dry := mutation.WithDryRun(t.Context())
	res, err := c.call(ctx)
	wantWrites(t, "the dry run", h, 0)
	if err != nil || res == nil || !res.ProtoReflect().IsValid() {
		t.Fatalf("the dry run returns %v, %v, want what the call would return", res, err)
	}
	checkNames(t, h.Vendor, "the dry run", res)
	if len(dry.Requests()) == 0 {
		t.Errorf("the dry run shows no request that the call would send")
	}
	for _, request := range dry.Requests() {
		if secret.Clean(request, h.Secrets...) != request {
			t.Errorf("the dry run shows a secret in a request of %d bytes", len(request))
		} else if strings.ContainsFunc(request, func(r rune) bool { return r < ' ' || r > '~' }) {
			t.Errorf("the dry run shows %q, which is no line of printable ASCII", request)
		}
	}
	log := newSteps()
	res, err = c.run(t, log)
	c.wantSuccess(t, "called after the dry run", h, log, res, err)
}
