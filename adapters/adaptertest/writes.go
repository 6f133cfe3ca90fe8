package adaptertest

import (
	"context"
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/drmhub/drmhub/adapters/mutation"
)

// A write is a call that changes something at the vendor. All writes make the same promises, so
// that no write is lost or repeated.
type write struct {
	// needs are the call and, after it, those that prepare it.
	needs []string
	// prepare adds what there is to change. It returns nil if this vendor can hold no such thing.
	prepare func(T, Harness) *attempt
	// ofNothing returns the call about a thing that the vendor does not hold. It is nil if the call
	// is about no such thing.
	ofNothing func(T, Harness) call
	// what names this thing in messages.
	what string
	// mayStayUnknown says that a vendor may show nothing from which the change is read back.
	mayStayUnknown bool
	// as names another write of the same call: " without a username".
	as string
	// effects is how many effects it has; 0 means 1.
	effects int
	// hides says that it changes or removes a thing that the read-back of a creation looks for.
	hides bool
	// batch says that each effect is of an item of its own, so that a fault can hit one of them.
	batch bool
}

// An attempt is a write that can be made any number of times, with the same request.
type attempt struct {
	call call
	// want demands that a response is the outcome.
	want func(t T, what string, answer proto.Message)
}

type call func(context.Context) (proto.Message, error)

// A checked write is a write that was prepared.
type checked struct {
	write
	*attempt
}

// writes are all calls that change something.
var writes = slices.Concat(
	disableWrites, changeWrites, orderWrites, integrationWrites, fairPlayWrites, memberWrites, siteUpdateWrites,
	drmAccountWrites, productWrites, productLicenseWrites, productBatchWrites, replaceWrites,
)

// writePromises returns the promises of every write.
func writePromises() []Promise {
	var all []Promise
	for _, w := range writes {
		rpc := w.needs[0] + w.as
		promise := func(says string, check func(checked, T, Harness)) {
			all = append(all, Promise{rpc + " " + says, w.needs, w.prepared(check)})
		}
		promise("takes effect once, and returns the outcome", checked.takesEffect)
		promise("that has succeeded returns its record, which holds no secrets", checked.returnsItsRecord)
		if w.ofNothing != nil {
			all = append(all, Promise{rpc + " of an unknown " + w.what + " is NOT_FOUND", w.needs, w.missing})
		}
		promise("for a caller who has gone sends nothing", checked.needsItsCaller)
		promise("outside of a mutation sends nothing", checked.needsAMutation)
		promise("whose response is lost has an unknown outcome, and settles with one effect",
			settlesAfter(AnswerLost, 1))
		promise("whose response cannot be read has an unknown outcome, and settles with one effect",
			settlesAfter(AnswerGarbled, 1))
		promise("that is cut before its effect has an unknown outcome, and settles with one effect",
			settlesAfter(CutBeforeEffect, 0))
		promise("that meets a proxy's 404 has an unknown outcome, and settles with one effect",
			settlesAfter(MisroutedWrite, 0))
		promise("that meets the success of another program has an unknown outcome, and settles with one effect",
			settlesAfter(ForeignSuccessOfWrite, 0))
		promise("whose outcome cannot be read back stays unknown", checked.staysUnknown)
		promise("is not settled by what a proxy sends", checked.distrustsProxies)
		if !w.mayStayUnknown {
			promise("that took effect is a success, though the vendor returns an unknown code",
				checked.readsBackRefusal)
		}
		promise("that took effect is settled without a caller and without secrets", checked.settlesWithoutSecrets)
		promise("that had no effect is not sent without a caller", checked.settlesWithoutEffect)
		promise("that the vendor refuses has a definite outcome", checked.isRefused)
		if w.hides {
			promise("waits for the mutation that may have created it", checked.awaitsCreation)
		}
		promise("in a dry run sends nothing, and shows what it would send", checked.dryRuns)
	}
	return all
}

// prepared makes a check that prepares the write first.
func (w write) prepared(check func(checked, T, Harness)) func(T, Harness) {
	return func(t T, h Harness) {
		a := w.prepare(t, h)
		if a == nil {
			t.Logf("not checked: this vendor can hold nothing that %s changes", w.needs[0])
			return
		}
		check(checked{w, a}, t, countFromNow(h))
	}
}

// countFromNow returns h with a count of writes that starts now.
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

// settlingKey is the key of whether a call settles a mutation, with the request that was kept.
type settlingKey struct{}

// wantWrites demands that so many writes have taken effect.
func wantWrites(t T, what string, h Harness, n int) {
	t.Helper()
	if got := h.Writes.Count(); got != n {
		t.Errorf("%s: %d writes have taken effect at the vendor, want %d", what, got, n)
	}
}

// wanting makes a want of a check of the response's own type.
func wanting[Res proto.Message](check func(t T, what string, res Res)) func(T, string, proto.Message) {
	return func(t T, what string, answer proto.Message) {
		t.Helper()
		res, ok := answer.(Res)
		if !ok {
			t.Errorf("%s: the response is a %T", what, answer)
			return
		}
		check(t, what, res)
	}
}
