package journal_test

import (
	"testing"
	"testing/synctest"
	"time"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/journal"
)

var aDay = journal.Options{Keep: 24 * time.Hour, Lease: time.Hour, FirstPause: time.Hour}

func TestARecordIsKeptFromWhenItIsSettled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{faults: map[int]fault{1: refused}}
		r := start(t, w, aDay)
		_ = r.disable(t, id)
		time.Sleep(20 * time.Hour)
		r.wantResent(t, id, "", pb.Mutation_SUCCEEDED)
		time.Sleep(23 * time.Hour)
		r.wantState(t, id, pb.Mutation_SUCCEEDED)
		time.Sleep(3 * time.Hour)
		for _, table := range []string{"mutations", "steps"} {
			if n := count(t, r, table); n != 0 {
				t.Errorf("%d rows in %s, want what is older than a day gone", n, table)
			}
		}
		if n := count(t, r, "audit_events"); n != 3 {
			t.Errorf("%d audit events, want them kept", n)
		}
	})
}

// A process may die while it looks whether there is something to do.
func TestARecordIsForgottenAlsoWhereADeadReplicaHeldIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		one, other := pair(t, &world{}, aDay)
		ok(t, one.disable(t, id))
		if _, err := one.Lease().Claim(t.Context(), one.id(t, id)); err != nil {
			t.Fatal(err)
		}
		one.Die()
		time.Sleep(27 * time.Hour)
		if n := count(t, other, "mutations"); n != 0 {
			t.Error("it is kept forever")
		}
	})
}
