package adaptertest

import (
	"context"
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/drmhub/drmhub/adapters/mutation"
)

// write is a call that changes something at the vendor. All of them promise the same of mutations,
// so that none is lost or repeated.
type write struct {
	// needs are its capability and, after it, those with which it is prepared.
	needs []string
	// prepare brings the vendor to where there is something to change; nil where this vendor cannot
	// be brought there.
	prepare func(T, Harness) *attempt
	// ofNothing makes the call about a thing that the vendor does not hold; nil where the call is
	// about no thing that could be missing.
	ofNothing func(T, Harness) call
	// what this thing is, for a message.
	what string
	// mayStayUnknown says that vendors may have nothing to read this change back from.
	mayStayUnknown bool
	// as tells this write from another of the same RPC: " without a username".
	as string
	// effects is how many writes it takes; 0 means 1.
	effects int
	// hides says that it changes or removes a thing by which the creation of such a thing would be
	// read back.
	hides bool
	// batch says that the effects are each of an item of its own, so that a fault can hit one of
	// them and spare the others.
	batch bool
}

// attempt is a write that can be made any number of times, always with the same request.
type attempt struct {
	call call
	// want demands that an answer says what became of it.
	want func(t T, what string, answer proto.Message)
}

type call func(context.Context) (proto.Message, error)

// checked is a write that is being checked, at a vendor that was brought to where there is
// something to change.
type checked struct {
	write
	*attempt
}

// writes are all calls that change something.
var writes = slices.Concat(
	disableWrites, changeWrites, orderWrites, integrationWrites, fairPlayWrites, memberWrites, siteUpdateWrites,
	drmAccountWrites, productWrites, productLicenseWrites, productBatchWrites, replaceWrites,
)

// writePromises are the promises of every write.
func writePromises() []Promise {
	var all []Promise
	for _, w := range writes {
		rpc := w.needs[0] + w.as
		promise := func(says string, check func(checked, T, Harness)) {
			all = append(all, Promise{rpc + " " + says, w.needs, w.prepared(check)})
		}
		promise("takes effect once, and says what became of it", checked.takesEffect)
		promise("that has succeeded is answered from its record, which keeps no secrets", checked.answersFromRecord)
		if w.ofNothing != nil {
			all = append(all, Promise{rpc + " of an unknown " + w.what + " is NOT_FOUND", w.needs, w.missing})
		}
		promise("for a caller who has gone sends nothing", checked.isNotForNobody)
		promise("outside of a mutation sends nothing", checked.isNotOutside)
		promise("whose answer is lost has an unknown outcome, and settles with one effect", settlesAfter(AnswerLost, 1))
		promise("whose answer cannot be read has an unknown outcome, and settles with one effect",
			settlesAfter(AnswerGarbled, 1))
		promise("that is cut before its effect has an unknown outcome, and settles with one effect",
			settlesAfter(CutBeforeEffect, 0))
		promise("whose outcome cannot be read back stays unknown", checked.staysUnknown)
		promise("that took effect is settled by nobody, who has no secrets", checked.settlesWithoutSecrets)
		promise("that had no effect is not sent when nobody asks again", checked.settlesWithoutEffect)
		promise("that the vendor refuses has a definite outcome", checked.isRefused)
		if w.hides {
			promise("waits for the mutation that may have created it", checked.awaitsCreation)
		}
		promise("that is tried sends nothing, and tells what it would send", checked.isTried)
	}
	return all
}

// prepared makes a check of a vendor on which there is something to change.
func (w write) prepared(check func(checked, T, Harness)) func(T, Harness) {
	return func(t T, h Harness) {
		a := w.prepare(t, h)
		if a == nil {
			t.Logf("nothing to see: this vendor cannot be brought to where %s has something to change", w.needs[0])
			return
		}
		check(checked{w, a}, t, countFromNow(h))
	}
}

// countFromNow returns h with a count of writes that starts now, after those that prepared the
// vendor.
func countFromNow(h Harness) Harness {
	before, writes := h.Writes.Count(), *h.Writes
	count := writes.Count
	writes.Count = func() int { return count() - before }
	h.Writes = &writes
	return h
}

// in makes the call as the mutation that log is of.
func (c call) in(ctx context.Context, log *steps) (proto.Message, error) {
	return c(mutation.NewContext(context.WithValue(ctx, settlingKey{}, log.settling), log))
}

// settlingKey is of whether the call is made by nobody, and so of the request as it is kept.
type settlingKey struct{}

// wantWrites demands that so many writes have taken effect.
func wantWrites(t T, what string, h Harness, n int) {
	t.Helper()
	if got := h.Writes.Count(); got != n {
		t.Errorf("%s: %d writes have taken effect at the vendor, want %d", what, got, n)
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
