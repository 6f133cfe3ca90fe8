package adaptertest_test

import (
	"maps"
	"testing"

	"github.com/drmhub/drmhub/adapters/adaptertest"
	"github.com/drmhub/drmhub/adapters/adaptertest/memory"
	"github.com/drmhub/drmhub/adapters/secret"
)

// allBugs returns the bugs of all promises.
func allBugs() bugs {
	all := bugs{}
	for _, some := range []bugs{
		describeBugs, readBugs, failureBugs, siteBugs, licenseBugs, filterBugs, pageBugs, tokenBugs, streamBugs,
		packagingBugs, usageBugs, disableBugs, changeBugs, orderBugs, integrationBugs, fairPlayBugs, memberBugs,
		drmAccountBugs, productBugs, productLicenseBugs, replaceBugs,
		listBugs(), reportBugs(), writeBugs(), batchBugs(),
	} {
		for promise, byName := range some {
			if all[promise] == nil {
				all[promise] = map[string]bug{}
			}
			maps.Copy(all[promise], byName)
		}
	}
	return all
}

// TestEveryPromiseCanBeSeenBroken shows that the suite sees it when a promise is broken. The
// reference adapter keeps all promises, as its own test shows.
func TestEveryPromiseCanBeSeenBroken(t *testing.T) {
	all := allBugs()
	for _, p := range adaptertest.Promises() {
		t.Run(p.Name, func(t *testing.T) {
			for name, b := range all[p.Name] {
				failures := adaptertest.Failures(t.Context(), func(t adaptertest.T) { p.Check(t, buggedHarness(b)) })
				if len(failures) == 0 {
					t.Errorf("holds for an adapter that %s", name)
				} else {
					t.Logf("an adapter that %s: %s", name, failures[0])
				}
			}
			if len(all[p.Name]) == 0 {
				t.Error("no bug breaks this promise: add one, or the promise may promise nothing")
			}
		})
		delete(all, p.Name)
	}
	for promise := range all {
		t.Errorf("a bug breaks %q, which is no promise", promise)
	}
}

// TestNoBugBreaksNothing shows that what wraps the reference adapter breaks no promise.
func TestNoBugBreaksNothing(t *testing.T) {
	adaptertest.Run(t, func(*testing.T) adaptertest.Harness { return buggedHarness(always((*call).run)) })
}

func buggedHarness(b bug) adaptertest.Harness {
	vendor := memory.NewVendor("acme/kr", secret.New(vendorKey))
	h := memory.Harness(vendor)
	a := &bugged{Adapter: h.Adapter.(*memory.Adapter), vendor: vendor}
	b(a)
	h.Adapter = a
	return adaptertest.Around(h, a.run)
}
