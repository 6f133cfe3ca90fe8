package app_test

import (
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/internal/postgres"
	"github.com/drmhub/drmhub/server/internal/config"
)

// replicas starts two drmhubs with the same vendors and the same PostgreSQL.
func replicas(t *testing.T) [2]*testServer {
	t.Helper()
	first := start(t, furnish, withAmino(time.Now()), func(t *testing.T, h *testServer) {
		h.cfg.Store.DSN = config.NewDSN(postgres.ForTest(t))
	})
	return [2]*testServer{first, first.run(t)}
}

// An outcome is what one of several callers was told.
type outcome struct {
	answer, record string
	err            *apierror.Error
}

// atOnce makes calls at the same time, each at both replicas and over both faces.
func atOnce(t *testing.T, both [2]*testServer, calls ...call) []outcome {
	t.Helper()
	var told []outcome
	var mu sync.Mutex
	var callers sync.WaitGroup
	for _, c := range calls {
		for _, h := range both {
			for _, overREST := range []bool{false, true} {
				callers.Go(func() {
					var o outcome
					o.answer, o.record, o.err = h.either(t, c, overREST)
					mu.Lock()
					defer mu.Unlock()
					told = append(told, o)
				})
			}
		}
	}
	callers.Wait()
	return told
}

func TestReplicasCarryOutARequestIDOnce(t *testing.T) {
	both := replicas(t)
	const rounds = 5
	create := parse(`CreateProductLicense {"parent":"vendors/amino",
		"productLicense":{"user":"ann","product":"` + movies + `"}}`)
	for range rounds { // each without an order id, which one of the replicas draws
		told := atOnce(t, both, create.with("request_id", uuid.NewString()))
		for _, o := range told {
			if o.err != nil || compact(t, o.answer) != compact(t, told[0].answer) || o.record != told[0].record {
				t.Fatalf("one caller was told %+v, another %+v", o, told[0])
			}
		}
	}
	if n := both[0].effects(); n != rounds {
		t.Errorf("the vendor saw %d writes, want %d", n, rounds)
	}
	for _, h := range both {
		if n := h.records(t); n != rounds {
			t.Errorf("a replica has %d records, want %d", n, rounds)
		}
	}
}

// TestReplicasChangeOneResourceAfterTheOther has several callers switch the same site off, each
// with its own request_id. The first change is pending for the others.
func TestReplicasChangeOneResourceAfterTheOther(t *testing.T) {
	both := replicas(t)
	var calls []call
	for range 3 {
		calls = append(calls, disableSite(demo, "audit").with("request_id", uuid.NewString()))
	}
	records, changes := map[string]bool{}, map[string]bool{}
	for _, o := range atOnce(t, both, calls...) {
		if o.err != nil {
			t.Fatal(o.err)
		}
		var change pb.StatusChange
		if fromJSON(t, o.answer, &change); change.GetState() != pb.StatusChange_PENDING {
			t.Errorf("a caller was told %v", &change)
		}
		records[o.record], changes[change.GetName()] = true, true
	}
	if len(records) != len(calls) || len(changes) != 1 {
		t.Errorf("%d records of %d request_ids, and the changes %v", len(records), len(calls), changes)
	}
	if n := both[0].effects(); n != 1 {
		t.Errorf("the vendor saw %d writes", n)
	}
}
