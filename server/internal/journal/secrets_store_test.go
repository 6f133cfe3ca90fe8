package journal_test

import (
	"fmt"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"

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
		if err := rows.Scan(addresses...); err != nil {
			t.Fatal(err)
		}
		for i, value := range row {
			fmt.Fprintf(into, "%s.%s=%s\n", table, columns[i], value) // bytes as text, too
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
}

func TestNoSecretIsInTheStore(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, dsn string) {
		for name, faults := range map[string]map[int]fault{"success": nil, "an answer that was lost": {1: lost}, "a refusal": {2: refused}} {
			w := &world{faults: faults}
			r := newReplica(t, open(t, dsn), w, calm)
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

func TestTheFirstAnswerAloneHoldsTheSecret(t *testing.T) {
	r := start(t, &world{}, calm)
	for i, want := range []string{password, "", ""} {
		account, err := r.accounts.CreateDrmAccount(t.Context(), create(id))
		if err != nil || account.GetPassword() != want || account.GetUsername() != "username" {
			t.Errorf("call %d: %v, %v; want the password %q", i, account, err, want)
		}
	}
}

// Without the secrets, a method does not come as far as to read back; with them, the caller has it
// done.
func TestWhatHeldSecretsIsSettledByItsCaller(t *testing.T) {
	w := &world{faults: map[int]fault{1: lost}}
	r := start(t, w, calm)
	_, err := r.accounts.CreateDrmAccount(t.Context(), create(id))
	wantError(t, err, codes.Unknown, pb.ErrorReason_OUTCOME_UNKNOWN)
	if err := r.Pass(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, _ = r.SettleDue(t.Context())
	if m := r.wantState(t, id, pb.Mutation_UNKNOWN); !strings.Contains(m.GetMessage(), "Retry with the same request_id and the secrets") {
		t.Errorf("%v does not say what to do", m)
	}
	wantLetGo(t, r)
	if _, err := r.accounts.CreateDrmAccount(t.Context(), create(id)); err != nil {
		t.Error(err)
	}
	w.want(t, "create username", 1)
	w.want(t, "activate username", 1)
	r.wantState(t, id, pb.Mutation_SUCCEEDED)
}

// wantLetGo demands that nothing is to be settled, and nobody waits for it.
func wantLetGo(t *testing.T, r *replica) {
	t.Helper()
	if open, err := r.SettleDue(t.Context()); open != 0 || err != nil || count(t, r, "locks") != 0 {
		t.Errorf("%d mutations are to be settled, %v, and %d locks are held", open, err, count(t, r, "locks"))
	}
}

// A process that dies between the writes of such a call and its end leaves one that nobody but its
// caller can bring to its end. It must not hold its resource until then.
func TestWhatHeldSecretsAndDiedBeforeItsEndIsLetGo(t *testing.T) {
	w := &world{}
	db := open(t, store.Memory)
	one := newReplica(t, db, w, calm)
	p := faultplan.Fixed(map[int]fault{5: stopBefore}) // after the intent, and two writes that are sent and done
	s := &stopper{plan: p}
	db.SetHooks(s.hooks())
	_, _ = one.accounts.CreateDrmAccount(t.Context(), create(id))
	if !s.stopped {
		t.Fatalf("the call made %d writes", len(p.Points()))
	}
	db.SetHooks(store.Hooks{})
	one.Die()
	r := newReplica(t, db, w, calm)
	stop(t, r.Journal)
	if err := r.Pass(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, _ = r.SettleDue(t.Context())
	r.wantState(t, id, pb.Mutation_UNKNOWN)
	wantLetGo(t, r)
	if _, err := r.accounts.CreateDrmAccount(t.Context(), create(id)); err != nil {
		t.Error(err)
	}
	r.wantState(t, id, pb.Mutation_SUCCEEDED)
	w.want(t, "create username", 1)
	w.want(t, "activate username", 1)
}

// A method may do without the secrets up to a write that needs them.
func TestNothingIsSentWithoutTheSecretsThatItHeld(t *testing.T) {
	w := &world{faults: map[int]fault{1: lost}, blank: true}
	r := start(t, w, calm)
	_, err := r.accounts.CreateDrmAccount(t.Context(), create(id))
	wantError(t, err, codes.Unknown, pb.ErrorReason_OUTCOME_UNKNOWN)
	if err := r.Pass(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, _ = r.SettleDue(t.Context())
	w.want(t, "create username", 1)
	w.want(t, "activate username without a password", 0)
	if m := r.wantState(t, id, pb.Mutation_UNKNOWN); m.GetSteps()[0].GetState() != pb.Mutation_SUCCEEDED {
		t.Errorf("%v, want the first step read back", m)
	}
	wantLetGo(t, r)
	if _, err := r.accounts.CreateDrmAccount(t.Context(), create(id)); err != nil {
		t.Error(err)
	}
	w.want(t, "activate username", 1)
}
