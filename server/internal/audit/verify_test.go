package audit_test

import (
	"strings"
	"testing"

	"github.com/drmhub/drmhub/server/internal/audit"
	"github.com/drmhub/drmhub/server/internal/store"
	"github.com/drmhub/drmhub/server/internal/store/storetest"
)

var ordinary = audit.Event{Subject: "s", Method: "m", Resource: "r", RequestDigest: "d", Outcome: "OK", VendorCode: "v"}

// grow makes a chain of events, and of ordinary ones where it is not told which.
func grow(t *testing.T, db *store.DB, chain string, events ...audit.Event) (kept []audit.Event) {
	t.Helper()
	if events == nil {
		events = []audit.Event{ordinary, ordinary, ordinary, ordinary, ordinary}
	}
	for _, e := range events {
		kept = append(kept, appendAt(t, db, chain, 0, e))
	}
	return kept
}

// forge makes the events of chain b as somebody would who knows how they are hashed.
func forge(t *testing.T, events ...audit.Event) []audit.Event {
	return grow(t, open(t, store.Memory), "b", events...)
}

func insert(t *testing.T, db *store.DB, events ...audit.Event) {
	t.Helper()
	for _, e := range events {
		exec(t, db, "INSERT INTO audit_events VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
			e.Chain, e.Position, e.Time.UnixMicro(), e.Subject, e.Method, e.Resource, e.RequestDigest, e.Outcome,
			e.VendorCode, e.PreviousHash, e.Hash)
	}
}

func TestVerifyAnswersTheHeads(t *testing.T) {
	db := open(t, store.Memory)
	if got := verified(t, db); got != "" {
		t.Error(got)
	}
	a, b := grow(t, db, "a"), grow(t, db, "b")
	chains, err := audit.Verify(t.Context(), db)
	if err != nil || len(chains) != 2 || chains[0].Head != a[4].Hash || chains[1].Head != b[4].Hash {
		t.Errorf("%+v, %v", chains, err)
	}
	if got := chains[0].String(); got != "chain a: 5 events, head "+a[4].Hash {
		t.Error(got)
	}
	exec(t, db, "UPDATE audit_events SET subject = 'x' WHERE chain = 'b' AND position = 2")
	chains, err = audit.Verify(t.Context(), db)
	if err != nil || !strings.HasSuffix(chains[1].String(), "; auditEvents/b-2 is changed") {
		t.Errorf("%v, %v", chains, err)
	}
}

func TestVerifyFindsTheFirstDamage(t *testing.T) {
	storetest.Each(t, func(t *testing.T, dsn string) {
		db := open(t, dsn)
		grow(t, db, "a")
		events := grow(t, db, "b")
		grow(t, db, "c")
		mallory := audit.Event{Subject: "mallory"}
		update := func(what, where string) func() {
			return func() { exec(t, db, "UPDATE audit_events SET "+what+" WHERE chain = 'b' AND position "+where) }
		}
		remove := func(where string) func() {
			return func() { exec(t, db, "DELETE FROM audit_events WHERE chain = 'b' AND position "+where) }
		}
		for _, c := range []struct {
			name, want string
			tamper     func()
		}{
			{"nothing", "b 5", func() {}},
			{"the subject", "b 5 changed 3", update("subject = 'x'", "= 3")},
			{"the method", "b 5 changed 3", update("method = 'x'", "= 3")},
			{"the resource", "b 5 changed 3", update("resource = 'x'", "= 3")},
			{"the digest", "b 5 changed 3", update("request_digest = 'x'", "= 3")},
			{"the outcome", "b 5 changed 3", update("outcome = 'x'", "= 3")},
			{"the vendor's code", "b 5 changed 3", update("vendor_code = ''", "= 3")},
			{"the time", "b 5 changed 3", update("time = time + 1", "= 3")},
			{"text moved to the next field", "b 5 changed 3", update("subject = 'sm', method = ''", "= 3")},
			{"the hash", "b 5 changed 3", update("hash = 'x'", "= 3")},
			{"the hash before", "b 5 changed 3", update("previous_hash = 'x'", "= 3")},
			{"the first one's hash before", "b 5 changed 1", update("previous_hash = 'x'", "= 1")},
			{"the first event", "b 5 changed 1", update("subject = 'x'", "= 1")},
			{"the last event", "b 5 changed 5", update("subject = 'x'", "= 5")},
			{"two events", "b 5 changed 2", update("subject = 'x'", "IN (2, 4)")},
			{"an event together with its hash", "b 5 changed 3", func() {
				remove("= 3")()
				insert(t, db, forge(t, ordinary, ordinary, mallory)[2])
			}},
			{"an event that is gone", "b 4 missing 3", remove("= 3")},
			{"the first one gone", "b 4 missing 1", remove("= 1")},
			{"all but the last gone", "b 1 missing 1", remove("< 5")},
			{"one moved up into a gap", "b 4 changed 3", func() { remove("= 3")(); update("position = 3", "= 4")() }},
			{"another chain's event in the place of one", "b 5 inserted 3", func() {
				remove("= 3")()
				insert(t, db, forge(t, mallory, mallory, mallory)[2])
			}},
			{"another chain's event behind the last", "b 6 inserted 6", func() {
				insert(t, db, forge(t, mallory, mallory, mallory, mallory, mallory, mallory)[5])
			}},
			{"an event before the first", "b 6 inserted 0", func() {
				first := events[0]
				first.Position = 0
				insert(t, db, first)
			}},
			{"a chain without its beginning, made to look whole", "b 4 changed 1", func() {
				remove("<= 5")()
				later := forge(t, mallory, ordinary, ordinary, ordinary, ordinary)[1:]
				for i := range later {
					later[i].Position--
				}
				insert(t, db, later...)
			}},
		} {
			c.tamper()
			if got := verified(t, db); got != "a 5\n"+c.want+"\nc 5\n" {
				t.Errorf("%s: %s, want %s", c.name, got, c.want)
			}
			exec(t, db, "DELETE FROM audit_events WHERE chain = 'b'")
			insert(t, db, events...)
		}
	})
}
