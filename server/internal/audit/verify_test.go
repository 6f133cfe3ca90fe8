package audit_test

import (
	"os"
	"path/filepath"
	"slices"
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
	return grow(t, storetest.Open(t, store.Memory), "b", events...)
}

func insert(t *testing.T, db *store.DB, events ...audit.Event) {
	t.Helper()
	for _, e := range events {
		storetest.Exec(t, db, "INSERT INTO audit_events VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
			e.Chain, e.Position, e.Time.UnixMicro(), e.Subject, e.Method, e.Resource, e.RequestDigest, e.Outcome,
			e.VendorCode, e.PreviousHash, e.Hash)
	}
}

func TestVerifyAnswersTheHeads(t *testing.T) {
	db := storetest.Open(t, store.Memory)
	if got := verified(t, db); got != "" {
		t.Error(got)
	}
	a, b := grow(t, db, "a"), grow(t, db, "b")
	chains, err := verify(t, db)
	if err != nil || len(chains) != 2 || chains[0].Head != a[4].Hash || chains[1].Head != b[4].Hash {
		t.Errorf("%+v, %v", chains, err)
	}
	if got := chains[0].String(); got != "chain a: 5 events, head "+a[4].Hash {
		t.Error(got)
	}
	storetest.Exec(t, db, "UPDATE audit_events SET subject = 'x' WHERE chain = 'b' AND position = 2")
	chains, err = verify(t, db)
	if err != nil || !strings.HasSuffix(chains[1].String(), "; auditEvents/b-2 is changed") {
		t.Errorf("%v, %v", chains, err)
	}
}

func TestVerifyFindsTheFirstDamage(t *testing.T) {
	storetest.Each(t, func(t *testing.T, dsn string) {
		db := storetest.Open(t, dsn)
		grow(t, db, "a")
		events := grow(t, db, "b")
		grow(t, db, "c")
		mallory := audit.Event{Subject: "mallory"}
		update := func(what, where string) func() {
			return func() {
				storetest.Exec(t, db, "UPDATE audit_events SET "+what+" WHERE chain = 'b' AND position "+where)
			}
		}
		remove := func(where string) func() {
			return func() { storetest.Exec(t, db, "DELETE FROM audit_events WHERE chain = 'b' AND position "+where) }
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
			storetest.Exec(t, db, "DELETE FROM audit_events WHERE chain = 'b'")
			insert(t, db, events...)
		}
	})
}

func TestVerifyFilesFindsTheFirstDamage(t *testing.T) {
	db := storetest.Open(t, store.Memory)
	a, b := grow(t, db, "a"), grow(t, db, "b")
	changed := slices.Clone(b)
	changed[2].Subject = "x"
	stray, forged := audit.Event{Chain: "b", Subject: "x"}, forge(t, make([]audit.Event, 3)...)[2]
	for name, c := range map[string]struct {
		events []audit.Event
		want   string
	}{
		"nothing":                              {b, "b 5"},
		"another order":                        {[]audit.Event{b[2], b[0], b[4], b[3], b[1]}, "b 5"},
		"an event that was changed":            {changed, "b 5 changed 3"},
		"one gone":                             {slices.Delete(slices.Clone(b), 2, 3), "b 4 missing 3"},
		"the first gone":                       {b[1:], "b 4 missing 1"},
		"one twice":                            {append(slices.Clone(b), b[2]), "b 6 inserted 3"},
		"one twice before its turn":            {[]audit.Event{b[0], b[2], b[2], b[1], b[3], b[4]}, "b 6 inserted 3"},
		"another one in the same place":        {append(slices.Clone(b), changed[2]), "b 6 inserted 3"},
		"one before the first":                 {append([]audit.Event{stray}, b...), "b 6 inserted 0"},
		"one in the place of another":          {[]audit.Event{b[0], b[1], forged, b[3], b[4]}, "b 5 inserted 3"},
		"the last ones, which no one can tell": {b[:3], "b 3"},
	} {
		chains, err := audit.VerifyFiles(written(t, append(slices.Clone(a), c.events...)...))
		if err != nil || said(chains) != "a 5\n"+c.want+"\n" {
			t.Errorf("%s: %s, %v, want %s", name, said(chains), err, c.want)
		}
		if last := c.events[len(c.events)-1]; last.Position == 5 && chains[1].Head != b[4].Hash {
			t.Errorf("%s: the head is %s", name, chains[1].Head)
		}
	}
}

func TestAChainMayGoOnInTheNextFile(t *testing.T) {
	events := grow(t, storetest.Open(t, store.Memory), "a")
	first, second := written(t, events[:2]...), written(t, events[2:]...)
	if chains, err := audit.VerifyFiles(first, second); err != nil || said(chains) != "a 5\n" {
		t.Errorf("%s, %v", said(chains), err)
	}
	if chains, err := audit.VerifyFiles(second); err != nil || said(chains) != "a 3 missing 1\n" {
		t.Errorf("without the first file: %s, %v", said(chains), err)
	}
	absent := filepath.Join(t.TempDir(), "absent.jsonl")
	if chains, err := audit.VerifyFiles(absent, first, second); err == nil || said(chains) != "a 5\n" {
		t.Errorf("beside a file that is not there: %s, %v", said(chains), err)
	}
}

func TestLinesThatAreNoEvents(t *testing.T) {
	events := grow(t, storetest.Open(t, store.Memory), "a")
	line, err := os.ReadFile(written(t, events[0]))
	if err != nil {
		t.Fatal(err)
	}
	whole := strings.TrimSpace(string(line))
	for _, bad := range []string{
		"hello", "{}", "[]", "null", whole[:20], whole + whole, `{"chain":"a","position":"1"}`,
		strings.Replace(whole, `"subject"`, `"Subject"`, 1),
		strings.Replace(whole, `"subject":"s"`, `"subject":"mallory","subject":"s"`, 1),
		strings.Replace(whole, `{`, `{"more":1,`, 1),
		strings.Repeat("x", 2<<20),
	} {
		path := written(t, events...)
		file, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := file.WriteString(bad + "\n"); err != nil {
			t.Fatal(err)
		}
		if err := file.Close(); err != nil {
			t.Fatal(err)
		}
		chains, err := audit.VerifyFiles(path)
		if err == nil || !strings.Contains(err.Error(), "audit.jsonl") || said(chains) != "a 5\n" {
			t.Errorf("%.100s: %s, %v", bad, said(chains), err)
		}
	}
}
