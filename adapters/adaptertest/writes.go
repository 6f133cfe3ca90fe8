package adaptertest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/mutation"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// write is a call that changes something at the vendor. All of them promise the same of mutations, so that none is lost or repeated.
type write struct {
	// needs are its capability and, after it, those with which it is prepared.
	needs []Capability
	// prepare brings the vendor to where there is something to change; nil where this vendor cannot be brought there.
	prepare func(T, Harness) *attempt
	// ofNothing makes the call about a thing that the vendor does not hold; nil where the call is about no thing that could be missing.
	ofNothing func(T, Harness) call
	// what this thing is, for a message.
	what string
	// mayStayUnknown says that vendors may have nothing to read this change back from.
	mayStayUnknown bool
}

// attempt is a write that can be made any number of times, always with the same request.
type attempt struct {
	call call
	// want demands that an answer says what became of it.
	want func(t T, what string, answer proto.Message)
}

type call func(context.Context) (proto.Message, error)

// writes are all calls that change something.
var writes = slices.Concat(disableWrites, changeWrites, orderWrites, integrationWrites, fairPlayWrites, memberWrites)

// writePromises are the promises of every write.
func writePromises() []Promise {
	var all []Promise
	for _, w := range writes {
		rpc := w.needs[0].RPC
		promise := func(says string, check func(T, Harness, *attempt)) {
			all = append(all, Promise{rpc + " " + says, w.needs, w.prepared(check)})
		}
		promise("takes effect once, and says what became of it", takesEffect)
		promise("that has succeeded is answered from its record", answersFromRecord)
		if w.ofNothing != nil {
			all = append(all, Promise{rpc + " of an unknown " + w.what + " is NOT_FOUND", w.needs, w.missing})
		}
		promise("for a caller who has gone sends nothing", isNotForNobody)
		promise("outside of a mutation sends nothing", isNotOutside)
		promise("whose answer is lost has an unknown outcome, and settles with one effect", w.settlesAfter(AnswerLost, 1))
		promise("whose answer cannot be read has an unknown outcome, and settles with one effect", w.settlesAfter(AnswerGarbled, 1))
		promise("that is cut before its effect has an unknown outcome, and settles with one effect", w.settlesAfter(CutBeforeEffect, 0))
		promise("whose outcome cannot be read back stays unknown", w.staysUnknown)
		promise("that had no effect is not sent when nobody asks again", w.settlesWithoutEffect)
		promise("that the vendor refuses has a definite outcome", isRefused)
	}
	return all
}

// prepared makes a check of a vendor on which there is something to change.
func (w write) prepared(check func(T, Harness, *attempt)) func(T, Harness) {
	return func(t T, h Harness) {
		a := w.prepare(t, h)
		if a == nil {
			t.Logf("nothing to see: this vendor cannot be brought to where %s has something to change", w.needs[0].RPC)
			return
		}
		check(t, since(h), a)
	}
}

// since counts writes from now on, and not those that prepared the vendor.
func since(h Harness) Harness {
	before, count := h.Writes(), h.Writes
	h.Writes = func() int { return count() - before }
	return h
}

// steps is a mutation's log that tells whether a write was left unsettled.
type steps struct {
	*mutation.Memory
	settling bool

	mu    sync.Mutex
	names map[string]bool
}

func newSteps() *steps { return &steps{Memory: mutation.NewMemory(), names: map[string]bool{}} }

// Put keeps the step's name too.
func (s *steps) Put(ctx context.Context, step string, r mutation.Record) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.names[step] = true
	return s.Memory.Put(ctx, step, r)
}

// Settling tells whether nobody asked again.
func (s *steps) Settling() bool { return s.settling }

// unsettled tells whether a write may have taken effect and nobody knows.
func (s *steps) unsettled() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for step := range s.names {
		if s.Get(step).State == mutation.Sent {
			return true
		}
	}
	return false
}

// in makes the call as the mutation that log is of.
func (c call) in(ctx context.Context, log *steps) (proto.Message, error) {
	return c(mutation.NewContext(ctx, log))
}

// wantWrites demands that so many writes have taken effect.
func wantWrites(t T, what string, h Harness, n int) {
	t.Helper()
	if got := h.Writes(); got != n {
		t.Errorf("%s: %d writes have taken effect at the vendor, want %d", what, got, n)
	}
}

// wantSuccess demands one effect, an answer that tells of it, and a log that says so.
func (a *attempt) wantSuccess(t T, what string, h Harness, log *steps, answer proto.Message, err error) {
	t.Helper()
	wantWrites(t, what, h, 1)
	if err != nil {
		t.Errorf("%s: %v", what, err)
		return
	}
	a.want(t, what, answer)
	checkNames(t, h.Vendor, what, answer)
	if log.unsettled() {
		t.Errorf("%s: succeeds, and its log says that a write is unsettled", what)
	}
}

func takesEffect(t T, h Harness, a *attempt) {
	log := newSteps()
	answer, err := a.call.in(t.Context(), log)
	a.wantSuccess(t, "the call", h, log, answer, err)
}

func answersFromRecord(t T, h Harness, a *attempt) {
	log := newSteps()
	first, err := a.call.in(t.Context(), log)
	if err != nil {
		t.Fatalf("the first run: %v", err)
	}
	h.FailReads(Down) // a record needs no vendor
	second, err := a.call.in(t.Context(), log)
	if err != nil || !proto.Equal(first, second) {
		t.Errorf("run again, it answers %v, %v; first it answered %v", second, err, first)
	}
	wantWrites(t, "run again", h, 1)
}

func (w write) missing(t T, h Harness) {
	missing := w.ofNothing(t, h)
	h = since(h)
	log := newSteps()
	_, err := missing.in(t.Context(), log)
	wantError(t, "of an unknown "+w.what, err, codes.NotFound, pb.ErrorReason_RESOURCE_NOT_FOUND)
	wantWrites(t, "of an unknown "+w.what, h, 0)
	if log.unsettled() {
		t.Errorf("it is NOT_FOUND, and its log says that a write is unsettled")
	}
}

func isNotForNobody(t T, h Harness, a *attempt) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := a.call.in(ctx, newSteps())
	wantError(t, "for a caller who has gone", err, codes.Canceled, pb.ErrorReason_CALL_CANCELLED)
	wantWrites(t, "for a caller who has gone", h, 0)
}

func isNotOutside(t T, h Harness, a *attempt) {
	if _, err := a.call(t.Context()); err == nil {
		t.Errorf("it succeeds without mutation.NewContext, so its write stands in no mutation.Do")
	}
	wantWrites(t, "outside of a mutation", h, 0)
}

// settlesAfter checks that after this fault, of which so many effects remain, the outcome is unknown, and that running the method again finds it out.
func (w write) settlesAfter(fault WriteFault, effects int) func(T, Harness, *attempt) {
	return func(t T, h Harness, a *attempt) {
		log := newSteps()
		h.FailWrites(fault, 1)
		_, err := a.call.in(t.Context(), log)
		wantUnknown(t, "the call", err)
		wantWrites(t, "the call", h, effects)
		if !log.unsettled() {
			t.Errorf("the outcome is unknown, and the log does not say so")
		}
		answer, err := a.call.in(t.Context(), log)
		if w.mayStayUnknown && apierror.IsOutcomeUnknown(err) {
			wantWrites(t, "run again, without sending blindly", h, effects)
			return
		}
		a.wantSuccess(t, "run again", h, log, answer, err)
	}
}

func (w write) staysUnknown(t T, h Harness, a *attempt) {
	log := newSteps()
	h.FailWrites(AnswerLost, 1)
	_, err := a.call.in(t.Context(), log)
	wantUnknown(t, "the call", err)
	h.FailReads(Down)
	_, err = a.call.in(t.Context(), log)
	wantUnknown(t, "run again while the vendor is down", err)
	h.FailReads(Healthy)
	answer, err := a.call.in(t.Context(), log)
	if w.mayStayUnknown && apierror.IsOutcomeUnknown(err) {
		wantWrites(t, "run again, without sending blindly", h, 1)
		return
	}
	a.wantSuccess(t, "run again", h, log, answer, err)
}

func (w write) settlesWithoutEffect(t T, h Harness, a *attempt) {
	log := newSteps()
	h.FailWrites(CutBeforeEffect, 1)
	_, err := a.call.in(t.Context(), log)
	wantUnknown(t, "the call", err)
	log.settling = true
	_, err = a.call.in(t.Context(), log)
	if !errors.Is(err, mutation.ErrNoEffect) && (!w.mayStayUnknown || !apierror.IsOutcomeUnknown(err)) {
		t.Errorf("settled: %v, want %v", err, mutation.ErrNoEffect)
	}
	wantWrites(t, "settled", h, 0)
}

func isRefused(t T, h Harness, a *attempt) {
	log := newSteps()
	h.FailWrites(Refused, 1)
	for _, what := range []string{"the call", "run again"} {
		_, err := a.call.in(t.Context(), log)
		wantError(t, what, err, codes.FailedPrecondition, pb.ErrorReason_VENDOR_REJECTED)
		wantClean(t, what, h, err)
		wantWrites(t, what, h, 0)
		if log.unsettled() {
			t.Errorf("%s: refused, and its log says that a write is unsettled", what)
		}
	}
}

func wantUnknown(t T, what string, err error) {
	t.Helper()
	wantError(t, what, err, codes.Unknown, pb.ErrorReason_OUTCOME_UNKNOWN)
}

// typed makes a call of an adapter's method.
func typed[Req, Res proto.Message](method func(context.Context, Req) (Res, error), req Req) call {
	return func(ctx context.Context) (proto.Message, error) {
		return method(ctx, proto.CloneOf(req))
	}
}

// wanting makes a want of a check of the answer's own type.
func wanting[Res proto.Message](check func(t T, what string, res Res)) func(T, string, proto.Message) {
	return func(t T, what string, answer proto.Message) {
		t.Helper()
		res, ok := answer.(Res)
		if !ok {
			t.Errorf("%s: the answer is a %s", what, fmt.Sprintf("%T", answer))
			return
		}
		check(t, what, res)
	}
}
