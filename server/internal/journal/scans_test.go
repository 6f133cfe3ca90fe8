package journal_test

import (
	"context"
	"database/sql"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/store"
	"github.com/drmhub/drmhub/server/internal/store/storetest"
)

// statements are those that a store ran, each with values of one run.
type statements struct {
	mu  sync.Mutex
	all map[string][]any
}

func (s *statements) add(query string, values []any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all[query] = values
}

// useAll makes a journal run its statements: calls that succeed, are repeated, refused, lost and
// settled, the lists of operators, and the deletion of what is old.
func useAll(t *testing.T, r *replica) {
	t.Helper()
	ok(t, r.disable(t, id))
	ok(t, r.disable(t, id))
	_ = r.replace(t, uuid.NewString())
	_ = r.enable(t, otherID)
	r.passAndSettle(t)
	_, _ = r.resend(t, otherID, uuid.NewString())
	for _, filter := range []*pb.MutationFilter{
		{}, {State: pb.Mutation_UNKNOWN}, {State: pb.Mutation_FAILED}, {Method: "m"}, {Resource: site},
		{Subject: "s"}, {RequestId: id},
	} {
		_, err := r.mutations.ListMutations(t.Context(), &pb.ListMutationsRequest{Filter: filter})
		ok(t, err)
	}
	_, err := r.Backlog(t.Context(), []string{"v"})
	ok(t, err)
	_, err = r.Unsettled(t.Context(), "v")
	ok(t, err)
	_, err = r.Records().Knows(t.Context(), "s", id)
	ok(t, err)
	ok(t, r.Lease().Heartbeat(t.Context()))
	ok(t, r.Records().DeleteSettledBefore(t.Context(), time.Now().Add(-time.Hour)))
}

// TestNoStatementScansATable demands an index for all that the journal and the audit trail ask of
// the tables that grow.
func TestNoStatementScansATable(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, dsn string) {
		v, db := &fakeVendor{faults: map[int]fault{3: lost, 4: lost}}, storetest.Open(t, dsn)
		r := newReplica(t, db, v, noBackground)
		stop(t, r.Journal)
		ran := &statements{all: map[string][]any{}}
		db.SetHooks(store.Hooks{Statement: ran.add})
		useAll(t, r)
		db.SetHooks(store.Hooks{})
		if len(ran.all) < 20 {
			t.Errorf("only %d statements ran", len(ran.all))
		}
		explain, scans := "EXPLAIN QUERY PLAN ", regexp.MustCompile(`SCAN (mutations|steps|locks|audit_events)\b`)
		if !strings.HasPrefix(dsn, "sqlite:") {
			explain, scans = "EXPLAIN ", regexp.MustCompile(`Seq Scan on (mutations|steps|locks|audit_events)\b`)
		}
		// These indexes hold the few mutations that are open or failed, and the newest of all are
		// read in order.
		reads, newest := regexp.MustCompile(`USING INDEX mutations_(open|failed)$`), "WHERE true ORDER BY id DESC LIMIT"
		for query, values := range ran.all {
			for _, line := range planOf(t, db, explain+query, values) {
				if scans.MatchString(line) && !reads.MatchString(line) && !strings.Contains(query, newest) {
					t.Errorf("%s:\n%s", query, line)
				}
			}
		}
	})
}

// planOf returns the plan of a statement. PostgreSQL scans a table then only if no index helps.
func planOf(t *testing.T, db *store.DB, explain string, values []any) (lines []string) {
	t.Helper()
	err := db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		if !strings.HasPrefix(explain, "EXPLAIN QUERY") {
			if _, err := tx.ExecContext(ctx, "SET LOCAL enable_seqscan = off"); err != nil {
				return err
			}
		}
		rows, err := tx.QueryContext(ctx, explain, values...)
		if err != nil {
			return err
		}
		defer func() { _ = rows.Close() }()
		lines, err = planLines(rows)
		return err
	})
	if err != nil {
		t.Error(fmt.Errorf("%s: %w", explain, err))
	}
	return lines
}

// planLines reads the last column of each row.
func planLines(rows *sql.Rows) (lines []string, err error) {
	columns, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	into := make([]any, len(columns))
	for i := range into {
		into[i] = new(any)
	}
	line := new(string)
	into[len(into)-1] = line
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return nil, err
		}
		lines = append(lines, *line)
	}
	return lines, rows.Err()
}
