package journal_test

import (
	"fmt"
	"strings"
	"testing"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/internal/faultplan"
	"github.com/drmhub/drmhub/server/internal/store"
	"github.com/drmhub/drmhub/server/internal/store/storetest"
)

// dump is all that stands in the store, as text.
func dump(t *testing.T, r *replica) string {
	t.Helper()
	var all strings.Builder
	for _, table := range []string{"mutations", "steps", "locks", "replicas", "audit_events", "keys"} {
		dumpTable(t, r, table, &all)
	}
	return all.String()
}

func dumpTable(t *testing.T, r *replica, table string, into *strings.Builder) {
	t.Helper()
	rows, err := r.db.Reads().QueryContext(t.Context(), "SELECT * FROM "+table)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	row, addresses := make([]any, len(columns)), make([]any, len(columns))
	for i := range row {
		addresses[i] = &row[i]
	}
	for rows.Next() {
		ok(t, rows.Scan(addresses...))
		for i, value := range row {
			fmt.Fprintf(into, "%s.%s=%s\n", table, columns[i], value) // bytes as text, too
		}
	}
	ok(t, rows.Err())
}

func TestNoSecretIsInTheStore(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, dsn string) {
		db := storetest.Open(t, dsn)
		for name, faults := range map[string]map[int]fault{
			"success": nil, "a response that was lost": {1: lost}, "a refusal": {2: refused},
		} {
			v := &fakeVendor{faults: faults}
			r := newReplica(t, db, v, noBackground)
			stop(t, r.Journal)
			req := create(uuidOf(len(name)))
			req.DrmAccount.Username = strings.ReplaceAll(name, " ", "-")
			_, _ = r.accounts.CreateDrmAccount(t.Context(), req)
			all := dump(t, r)
			if !strings.Contains(all, req.DrmAccount.Username) {
				t.Fatalf("%s: the dump does not show the request:\n%s", name, all)
			}
			if strings.Contains(all, password) {
				t.Errorf("%s: the password is in the store:\n%s", name, all)
			}
		}
	})
}

func TestTheFirstResponseAloneHoldsTheSecret(t *testing.T) {
	r := start(t, &fakeVendor{}, noBackground)
	for i, want := range []string{password, "", ""} {
		account, err := r.accounts.CreateDrmAccount(t.Context(), create(id))
		if err != nil || account.GetPassword() != want || account.GetUsername() != "username" {
			t.Errorf("call %d: %v, %v; want the password %q", i, account, err, want)
		}
	}
}

// Settling lacks the secrets. It reads back what it can, and releases the locks. Then the caller
// has the mutation settled, by the same request_id and the secrets.
func TestWhatHeldSecretsIsSettledByItsCaller(t *testing.T) {
	const create, activate, unmade = "create username", "activate username", "activate username without a password"
	for name, c := range map[string]struct {
		vendor  *fakeVendor
		stopAt  int // the commit before which the process is stopped
		message string
		state   pb.Mutation_State // of the first step, once it is settled without the secrets
	}{
		"the method needs them to read back": {&fakeVendor{faults: map[int]fault{1: lost}}, -1,
			"Retry with the same request_id and the secrets", pb.Mutation_UNKNOWN},
		"the method needs them for its second write": {&fakeVendor{faults: map[int]fault{1: lost}, blank: true}, -1,
			"Retry with the same request_id and the secrets", pb.Mutation_SUCCEEDED},
		"the process died after the writes": {&fakeVendor{}, 4, "", pb.Mutation_SUCCEEDED},
	} {
		t.Run(name, func(t *testing.T) {
			db := storetest.Open(t, store.Memory)
			one := newReplica(t, db, c.vendor, noBackground)
			s := &stopper{plan: faultplan.Fixed(map[int]fault{c.stopAt: stopBefore})}
			db.SetHooks(s.hooks())
			wantUnknown(t, one.create(t, id))
			if s.stopped != (c.stopAt >= 0) {
				t.Fatalf("the process was stopped: %v", s.stopped)
			}
			db.SetHooks(store.Hooks{})
			one.Die()
			r := newReplica(t, db, c.vendor, noBackground)
			stop(t, r.Journal)
			r.passAndSettle(t)
			m := r.wantState(t, id, pb.Mutation_UNKNOWN)
			if !strings.Contains(m.GetMessage(), c.message) || m.GetSteps()[0].GetState() != c.state {
				t.Errorf("%v, want %q, and the first step %v", m, c.message, c.state)
			}
			wantReleased(t, r)
			c.vendor.want(t, create, 1)
			ok(t, r.create(t, id))
			r.wantState(t, id, pb.Mutation_SUCCEEDED)
			c.vendor.want(t, create, 1)
			c.vendor.want(t, activate, 1)
			c.vendor.want(t, unmade, 0)
		})
	}
}

// wantReleased demands that nothing is to be settled, and that no lock is held.
func wantReleased(t *testing.T, r *replica) {
	t.Helper()
	if open, err := r.SettleDue(t.Context()); open != 0 || err != nil || count(t, r, "locks") != 0 {
		t.Errorf("%d mutations are to be settled, %v, and %d locks are held", open, err, count(t, r, "locks"))
	}
}
