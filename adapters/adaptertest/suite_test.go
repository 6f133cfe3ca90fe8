package adaptertest_test

import (
	"slices"
	"testing"

	"github.com/drmhub/drmhub/adapters/adaptertest"
	"github.com/drmhub/drmhub/adapters/adaptertest/memory"
	"github.com/drmhub/drmhub/adapters/secret"
)

// bug is a mistake in an adapter that breaks a promise.
type bug struct {
	promise string // the name of the promise that it breaks
	name    string
	make    func(*bugged)
}

// The reference adapter keeps all promises, as its own test shows. This one shows that the suite
// sees it when one is broken.
func TestEveryPromiseCanBeSeenBroken(t *testing.T) {
	bugs := slices.Concat(
		readBugs, failureBugs, siteBugs, siteUpdateBugs, licenseBugs, filterBugs, pageBugs, tokenBugs, streamBugs,
		reportBugs, packagingBugs, usageBugs, disableBugs, accountBugs, drmAccountBugs, productBugs,
	)
	for _, p := range adaptertest.Promises() {
		t.Run(p.Name, func(t *testing.T) {
			seen := 0
			for _, b := range bugs {
				if b.promise != p.Name {
					continue
				}
				seen++
				failures := adaptertest.Failures(t.Context(), func(t adaptertest.T) { p.Check(t, buggedHarness(b)) })
				if len(failures) == 0 {
					t.Errorf("holds for an adapter that %s", b.name)
				} else {
					t.Logf("an adapter that %s: %s", b.name, failures[0])
				}
			}
			if seen == 0 {
				t.Error("no bug breaks it: add one, or the promise may promise nothing")
			}
		})
	}
	for _, b := range bugs {
		if !slices.ContainsFunc(adaptertest.Promises(), func(p adaptertest.Promise) bool { return p.Name == b.promise }) {
			t.Errorf("the bug %q breaks %q, which is no promise", b.name, b.promise)
		}
	}
}

// What wraps the reference adapter in the tests here must not be what breaks a promise.
func TestNoBugBreaksNothing(t *testing.T) {
	adaptertest.Run(t, func(*testing.T) adaptertest.Harness { return buggedHarness(bug{make: func(*bugged) {}}) })
}

func buggedHarness(b bug) adaptertest.Harness {
	vendor := memory.NewVendor("acme", secret.New(vendorKey))
	h := memory.Harness(vendor)
	a := newBugged(h.Adapter.(*memory.Adapter), vendor)
	b.make(a)
	h.Adapter = a
	return h
}
