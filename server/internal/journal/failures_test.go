package journal_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/internal/faultplan"
	"github.com/drmhub/drmhub/server/internal/audit"
	"github.com/drmhub/drmhub/server/internal/journal"
	"github.com/drmhub/drmhub/server/internal/store"
	"github.com/drmhub/drmhub/server/internal/store/storetest"
)

// While the store accepts no writes, each call would leave a mutation that RetryReleases looks for
// in vain.
func TestACallThatWroteNothingLeavesNothingToRelease(t *testing.T) {
	r := start(t, &fakeVendor{}, noBackground)
	storetest.Exec(t, r.db, "ALTER TABLE mutations RENAME TO hidden")
	if err := r.disable(t, id); apierror.Convert(err).Code != codes.Unavailable {
		t.Errorf("%v, want UNAVAILABLE", err)
	}
	if left := r.Lease().Unreleased(); len(left) > 0 {
		t.Errorf("it may own %v", left)
	}
	storetest.Exec(t, r.db, "ALTER TABLE hidden RENAME TO mutations")
}

// failing returns hooks with which the n-th commit from now on fails, and all others work.
func failing(n int, f fault) store.Hooks {
	return (&stopper{plan: faultplan.Fixed(map[int]fault{n - 1: f}), goesOn: true}).hooks()
}

func TestNoRecordNoCall(t *testing.T) {
	for n, write := range []string{"the intent", "that it is sent"} {
		t.Run(write, func(t *testing.T) {
			v := &fakeVendor{}
			r := start(t, v, noBackground)
			r.db.SetHooks(failing(n+1, stopBefore))
			err := r.disable(t, id)
			wantError(t, err, codes.Unavailable, pb.ErrorReason_INTERNAL_FAILURE)
			if v.calls != 0 || strings.Contains(apierror.Convert(err).Message, "hunter2") {
				t.Errorf("%d writes, %v", v.calls, err)
			}
			ok(t, r.disable(t, id)) // The store works again.
			v.want(t, "disable "+site, 1)
			r.wantState(t, id, pb.Mutation_SUCCEEDED)
		})
	}
}

// Each commit fails once, durable or not. The caller is told the truth, and the next calls are
// right.
func TestAWriteOfTheJournalThatFails(t *testing.T) {
	t.Parallel()
	for _, o := range operations {
		t.Run(o.name, func(t *testing.T) {
			t.Parallel()
			g := &rig{vendor: &fakeVendor{blank: true, plainReadBack: true}, db: storetest.Open(t, store.Memory)}
			r := newReplica(t, g.db, g.vendor, noBackground)
			stop(t, r.Journal)
			faultplan.Explore(t, faultBudget{1, 1}.allows, func(p *faultplan.Plan) { g.fail(t, r, o, p) })
			t.Logf("%d plans", g.plans)
		})
	}
}

// fail makes a call, twice unless a write of the journal fails in the first one.
func (g *rig) fail(t *testing.T, r *replica, o operation, p *faultplan.Plan) {
	s := g.begin(t, o, p)
	s.plan.settles = true
	hooks := (&stopper{plan: p, goesOn: true}).hooks()
	g.db.SetHooks(hooks)
	s.ask(r, false)
	if p.Count(stopBefore, stopAfter) == 0 {
		g.db.SetHooks(store.Hooks{})
		s.pass(r)
		g.db.SetHooks(hooks)
		s.ask(r, true)
	}
	g.db.SetHooks(store.Hooks{})
	r.Lease().RetryReleases(t.Context())
	s.callUntilKnown(r)
}

func TestWhatCannotBeLookedUpIsUnknown(t *testing.T) {
	v := &fakeVendor{faults: map[int]fault{1: lost}}
	r := start(t, v, noBackground)
	_ = r.disable(t, id)
	r.db.SetHooks(failing(2, stopBefore)) // with which the call makes the mutation its own
	wantUnknown(t, r.disable(t, id))
	r.Lease().RetryReleases(t.Context())
	ok(t, r.disable(t, id))
}

func TestAStoreThatCannotBeRead(t *testing.T) {
	v := &fakeVendor{}
	db := storetest.Open(t, store.Memory)
	r := newReplica(t, db, v, noBackground)
	r.Die()
	ok(t, db.Close())
	_, get := r.mutations.GetMutation(t.Context(), &pb.GetMutationRequest{Name: "mutations/x"})
	_, list := r.mutations.ListMutations(t.Context(), &pb.ListMutationsRequest{})
	for _, err := range []error{get, list, r.disable(t, id)} {
		wantError(t, err, codes.Unavailable, pb.ErrorReason_INTERNAL_FAILURE)
	}
	v.wantCalls(t, 0)
}

func TestEveryMutationIsInTheAuditTrail(t *testing.T) {
	v := &fakeVendor{faults: map[int]fault{2: refused, 3: cut}}
	var told []string
	options := noBackground
	options.Recorded = func(e audit.Event) { told = append(told, e.Outcome) }
	r := start(t, v, options)
	for n := range 3 {
		_ = r.enableAt(t, fmt.Sprint("vendors/v/sites/s", n), uuidOf(n))
	}
	_ = r.enableAt(t, "vendors/v/sites/s0", uuidOf(0)) // returned from the record
	_, _ = r.sites.EnableSite(t.Context(), &pb.EnableSiteRequest{Name: "vendors/v/sites/s0", ValidateOnly: true})
	const event = "anonymous drmhub.v1.SiteService/EnableSite vendors/v/sites/s"
	want := []string{event + "0 OK ", event + "1 FAILED_PRECONDITION E409", event + "2 UNKNOWN "}
	if got := trail(t, r); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if !slices.Equal(told, []string{"OK", "FAILED_PRECONDITION", "UNKNOWN"}) {
		t.Errorf("told of %v", told)
	}
	for _, digest := range storetest.Texts(t, r.db, "SELECT request_digest FROM audit_events") {
		if len(digest) != 64 {
			t.Errorf("the digest %q is no HMAC in hexadecimal", digest)
		}
	}
}

func TestAnEventIsToldOfOnceItIsKnownToBeDurable(t *testing.T) {
	closes := func(r *replica) { _ = r.Close(context.Background()) }
	for name, c := range map[string]struct {
		commit fault
		then   func(*replica)
		told   []int64
	}{
		"it is, a moment later": {stopAfter, func(*replica) { time.Sleep(10 * time.Second) }, []int64{1}},
		"it is, at the end":     {stopAfter, closes, []int64{1}},
		"it is not, long after": {stopBefore, func(*replica) { time.Sleep(10 * time.Minute) }, nil},
		"it is not, at the end": {stopBefore, closes, nil},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var told []int64
				options := noBackground
				options.Lease = 15 * time.Second
				options.Recorded = func(e audit.Event) { told = append(told, e.Position) }
				r := start(t, &fakeVendor{}, options)
				r.db.SetHooks(failing(3, c.commit)) // the end of the call
				wantUnknown(t, r.disable(t, id))
				if n, since := r.Audit().Unconfirmed(); n != 1 || since.IsZero() {
					t.Errorf("%d events are unconfirmed, since %v", n, since)
				}
				c.then(r)
				if synctest.Wait(); !slices.Equal(told, c.told) {
					t.Errorf("told of %v, want %v", told, c.told)
				}
			})
		})
	}
}

// A read from the store may hang, such as on a connection that broke unnoticed.
func TestAReplicaWhoseReadsHangStaysAlive(t *testing.T) {
	dsn := storetest.SQLite(t)
	synctest.Test(t, func(t *testing.T) {
		v, db := &fakeVendor{within: time.Minute}, storetest.Open(t, dsn)
		one, other := newReplica(t, db, v, journal.Options{}), newReplica(t, db, v, journal.Options{})
		stop(t, other.Journal)
		stop(t, one.Journal)
		db.SetHooks(failing(3, stopAfter)) // of this call, an audit event is in doubt
		wantUnknown(t, one.disable(t, otherID))
		for range 4 { // all connections for reads
			hanging, err := db.Reads().QueryContext(t.Context(), "SELECT 1") //nolint:rowserrcheck // It is not read.
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = hanging.Close() })
		}
		v.before = slow(40 * time.Second).before
		ok(t, one.disableAt(t, "vendors/v/sites/other", id))
		var alive int // The heartbeat of either one deletes the other if that is dead.
		ok(t, db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			const query = "SELECT count(*) FROM replicas WHERE alive_until > $1"
			return tx.QueryRowContext(ctx, query, time.Now().UnixMicro()).Scan(&alive)
		}))
		if alive != 2 {
			t.Errorf("%d replicas are alive, want 2", alive)
		}
	})
}

// The old license is revoked, the new one is refused, and the process dies before it restores the
// old terms. The next call fails before a write, so the mutation stays open.
func TestACallThatFailsBeforeAWriteDoesNotEndWhatIsHalfDone(t *testing.T) {
	v := &fakeVendor{faults: map[int]fault{2: refused}}
	writes := 0
	r := start(t, v, noBackground)
	v.leaves = func() error {
		if writes++; writes == 3 { // The process dies: from now on, nothing is written.
			r.db.SetHooks(store.Hooks{BeforeCommit: func() error { return errStopped }})
		}
		return nil
	}
	_ = r.replace(t, id)
	r.db.SetHooks(store.Hooks{})
	r.Lease().RetryReleases(t.Context())
	r.db.SetHooks(failing(3, stopBefore)) // after the intent and the claim, the locks
	wantUnknown(t, r.replace(t, id))
	r.db.SetHooks(store.Hooks{})
	wantError(t, r.replace(t, id), codes.Aborted, pb.ErrorReason_REPLACE_ROLLED_BACK)
	v.want(t, "restore old "+oldLicense, 1)
}

// The vendor refuses the write, and the journal cannot record that.
func TestARefusalThatCannotBeRecordedSaysThatNothingTookEffect(t *testing.T) {
	v := &fakeVendor{faults: map[int]fault{1: refused}}
	r := start(t, v, noBackground)
	r.db.SetHooks(failing(3, stopBefore)) // the end of the call
	err := r.disable(t, id)
	wantError(t, err, codes.Unavailable, pb.ErrorReason_INTERNAL_FAILURE)
	if message := apierror.Convert(err).Message; !strings.HasPrefix(message, "The call had no effect at the vendor, ") {
		t.Errorf("%q", message)
	}
	v.wantCalls(t, 1)
}

// The outcome and its audit event share a transaction.
func TestAnOutcomeWithoutAnAuditEventIsNotKept(t *testing.T) {
	v := &fakeVendor{}
	r := start(t, v, noBackground)
	storetest.Exec(t, r.db, "ALTER TABLE audit_events RENAME TO gone")
	wantUnknown(t, r.disable(t, id))
	r.wantState(t, id, pb.Mutation_SENT)
}
