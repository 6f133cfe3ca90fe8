package journal_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/drmhub/drmhub/adapters/mutation"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// An invariantChecker checks the invariants of the package's documentation while one process runs a
// scenario.
type invariantChecker struct {
	*scenario
	replica string
	seen    stored
}

// stored is what the store holds of the mutation of a scenario.
type stored struct {
	id, owner   string
	state       pb.Mutation_State
	rows        string                    // all of its columns and steps that only its owner changes
	steps       map[string]mutation.State // by name
	toBeSettled bool
	locks       int
	events      int // audit events in the chain of this process
	alive       bool
}

func newInvariantChecker(s *scenario, r *replica) *invariantChecker {
	w := &invariantChecker{scenario: s, replica: r.Lease().Replica()}
	w.seen = w.load()
	return w
}

// load reads the mutation. If it is not stored yet, only the events are set.
func (w *invariantChecker) load() (s stored) {
	ctx, db := context.Background(), w.rig.db.Reads()
	check := func(err error) {
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			w.errorf("the invariants cannot be checked: %v", err)
		}
	}
	var rest string
	check(db.QueryRowContext(ctx, `SELECT id, owner, state, settle_at IS NOT NULL,
			attempts || ' ' || COALESCE(settle_time, 0)
		FROM mutations WHERE subject = 'anonymous' AND request_id = $1`, w.requestID).
		Scan(&s.id, &s.owner, &s.state, &s.toBeSettled, &rest))
	check(db.QueryRowContext(ctx, "SELECT count(*) FROM locks WHERE mutation = $1", s.id).Scan(&s.locks))
	check(db.QueryRowContext(ctx, `SELECT count(*) FROM audit_events
		WHERE chain = $1 AND method NOT LIKE 'drmhub.v1.MutationService/%'`, w.replica).Scan(&s.events))
	check(db.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM replicas WHERE id = $1 AND alive_until > $2)",
		w.replica, time.Now().UnixMicro()).Scan(&s.alive))
	s.steps = map[string]mutation.State{}
	rows, err := db.QueryContext(ctx, "SELECT step, state FROM steps WHERE mutation = $1", s.id)
	if check(err); err != nil {
		return s
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		var state mutation.State
		check(rows.Scan(&name, &state))
		s.steps[name] = state
	}
	check(rows.Err())
	s.rows = fmt.Sprint(s.id, s.owner, s.state, rest, s.steps)
	return s
}

// committed checks the store after a commit.
func (w *invariantChecker) committed() {
	before, now := w.seen, w.load()
	w.seen = now
	if now.toBeSettled != (now.locks > 0) {
		w.errorf("I2: %d locks, and to be settled: %v", now.locks, now.toBeSettled)
	}
	changed := before.rows != now.rows
	mine := strings.HasPrefix(before.owner, w.replica) || strings.HasPrefix(now.owner, w.replica)
	if changed && (!mine || !now.alive) {
		w.errorf("I3: a replica (alive: %v) writes to what %q owns: %s, then %s",
			now.alive, before.owner, before.rows, now.rows)
	}
	for step, on := range w.plan.operation.depends {
		_, durable := now.steps[step]
		if state := now.steps[on]; durable && state != mutation.Done && state != mutation.Snapshotted {
			w.errorf("I6: %s is durable, and %s, which it depends on, is not: %v", step, on, now.steps)
		}
	}
	ended, told := before.owner != "" && now.owner == "" && before.state != now.state, now.events-before.events
	if released := now.owner == ""; ended && told != 1 || told > 1 || told == 1 && !released {
		w.errorf("I7: %d audit events with the change from %s to %s", told, before.rows, now.rows)
	}
	w.checkSecrets(now.id)
}

func (w *invariantChecker) checkSecrets(id string) {
	if !w.plan.operation.secret {
		return
	}
	r := &replica{db: w.rig.db}
	var all strings.Builder
	dumpTable(w.t, r, fmt.Sprintf("mutations WHERE id = '%s'", id), &all)
	dumpTable(w.t, r, fmt.Sprintf("steps WHERE mutation = '%s'", id), &all)
	dumpTable(w.t, r, fmt.Sprintf("locks WHERE mutation = '%s'", id), &all)
	dumpTable(w.t, r, fmt.Sprintf("audit_events WHERE chain = '%s'", w.replica), &all)
	if strings.Contains(all.String(), password) {
		w.errorf("I5: the store holds the password")
	}
}

// left checks the store when a write has left for the vendor.
func (w *invariantChecker) left(_ context.Context, what string) error {
	now := w.load()
	for step, does := range w.plan.operation.steps(w.name) {
		if does == what && now.steps[step] != mutation.Sent {
			w.errorf("I1: %q has left, and its step is recorded as %d", what, now.steps[step])
		}
	}
	done := false
	for _, state := range now.steps {
		done = done || state == mutation.Done
	}
	if w.settling && !done {
		w.errorf("I4: settling sends %q, and no step is done: %v", what, now.steps)
	}
	return nil
}
