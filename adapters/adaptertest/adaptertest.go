// Package adaptertest is the conformance suite that every adapter passes. It checks what the
// contract promises to clients, against the vendor or a twin of it.
//
// A new adapter joins with a Harness and a call of Run. The Example is the shortest adapter that
// does.
//
// A new promise needs three things:
//
//   - an entry of a table of promises, whose check makes the calls of a client;
//   - a bug in the suite's own tests that breaks it, because they refuse a promise without a bug;
//   - a part of Harness, if the check must put or count something new at the vendor.
//
// A call that changes something is one entry of a table of writes, too. It gets the promises that
// all mutations keep. The package memory holds the reference adapter, which keeps all promises.
package adaptertest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/drmhub/drmhub/adapters"
)

// T is what a check needs of a *testing.T. The suite's own tests have another one, for failures.
type T interface {
	Helper()
	Context() context.Context
	Logf(format string, args ...any)
	Errorf(format string, args ...any)
	// Fatalf ends the goroutine that the check runs in.
	Fatalf(format string, args ...any)
}

// A Promise is one behavior that clients may rely on at every vendor.
type Promise struct {
	// Name is the promise, as a sentence.
	Name string
	// Needs are the names of the calls without which nothing is promised, such as ListSites.
	Needs []string
	// Check fails if the adapter breaks the promise.
	Check func(T, Harness)
}

// hasAny reports whether an adapter has one of these calls.
func hasAny(a adapters.Adapter, calls []string) bool {
	return slices.ContainsFunc(calls, func(rpc string) bool { return hasCall(a, rpc) })
}

// Run checks every promise about the calls that the adapter has, each on a fresh harness. It also
// checks that there is a promise for every call.
func Run(t *testing.T, newHarness func(t *testing.T) Harness) {
	t.Helper()
	h := newHarness(t)
	if err := h.check(); err != nil {
		t.Fatal(err)
	}
	for _, complaint := range uncovered(h.Adapter, Promises(), unpromised) {
		t.Error(complaint)
	}
	promises, notRun := applicable(h.Adapter, Promises())
	if notRun != "" {
		t.Log(notRun)
	}
	run(t, newHarness, promises)
}

// RunSome is Run with some of the promises alone, such as those that a change of the vendor
// concerns.
func RunSome(t *testing.T, newHarness func(t *testing.T) Harness, concerns func(Promise) bool) {
	t.Helper()
	promises, _ := applicable(newHarness(t).Adapter, Promises())
	run(t, newHarness, slices.DeleteFunc(promises, func(p Promise) bool { return !concerns(p) }))
}

func run(t *testing.T, newHarness func(t *testing.T) Harness, promises []Promise) {
	t.Helper()
	for _, p := range promises {
		t.Run(p.Name, func(t *testing.T) { p.Check(t, newHarness(t)) })
	}
}

// applicable returns the promises about the calls that the adapter has. notRun says which promises
// it leaves out, or is empty.
func applicable(a adapters.Adapter, promises []Promise) (kept []Promise, notRun string) {
	lacking := map[string]bool{}
	for _, p := range promises {
		if rpc := p.lacks(a); rpc != "" {
			lacking[rpc] = true
		} else {
			kept = append(kept, p)
		}
	}
	if len(lacking) == 0 {
		return kept, ""
	}
	return kept, fmt.Sprintf("not run: %d promises about calls that the adapter lacks: %s",
		len(promises)-len(kept), strings.Join(slices.Sorted(maps.Keys(lacking)), ", "))
}

// lacks returns the first call that the promise needs and the adapter does not have.
func (p Promise) lacks(a adapters.Adapter) string {
	for _, rpc := range p.Needs {
		if !hasCall(a, rpc) {
			return rpc
		}
	}
	return ""
}

// Broken returns what is wrong with an adapter: the promises that it breaks, each with the first
// failure. Use Run in tests. Broken is for programs without a testing.T.
func Broken(ctx context.Context, newHarness func() Harness) []string {
	h := newHarness()
	if err := h.check(); err != nil {
		return []string{err.Error()}
	}
	broken := uncovered(h.Adapter, Promises(), unpromised)
	promises, _ := applicable(h.Adapter, Promises())
	for _, p := range promises {
		failures := Failures(ctx, func(t T) { p.Check(t, newHarness()) })
		if len(failures) > 0 {
			broken = append(broken, p.Name+": "+failures[0])
		}
	}
	return broken
}
