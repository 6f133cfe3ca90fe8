package records

import (
	"slices"
	"strings"
	"testing"
	"time"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/auth"
	"github.com/drmhub/drmhub/server/internal/store"
	"github.com/drmhub/drmhub/server/internal/store/storetest"
)

// everything is the view of a caller who sees all.
var everything = auth.Anyone.Records()

// fill writes many mutations that succeeded, and few in each other state. The owner of those that
// are SENT is dead.
func fill(t *testing.T, db *store.DB) {
	t.Helper()
	storetest.Exec(t, db, `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)
		INSERT INTO mutations (id, subject, method, resource, digest, request, secrets, state, create_time, settle_time,
			owner, request_id)
		SELECT CAST(10000 + i AS TEXT), 's', 'm', 'r', '', '', 0, CASE WHEN i > 5 THEN 3 ELSE i END, i,
			CASE WHEN i > 5 OR i IN (3, 4) THEN i END, CASE WHEN i = 2 THEN 'dead' ELSE '' END,
			CASE WHEN i % 2 = 0 THEN CAST(i AS TEXT) END FROM n`)
	storetest.Exec(t, db, "ANALYZE")
}

// TestPlans demands that what operators and metrics ask uses an index, however many mutations
// succeeded.
func TestPlans(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, dsn string) {
		db := storetest.Open(t, dsn)
		r := New(db, func(int64) time.Duration { return time.Second })
		fill(t, db)
		explain := "EXPLAIN "
		if strings.HasPrefix(dsn, "sqlite:") {
			explain = "EXPLAIN QUERY PLAN "
		}
		plan := func(query string, values ...any) string {
			rows, err := db.Reads().QueryContext(t.Context(), explain+query, values...)
			if err != nil {
				t.Fatal(err)
			}
			lines, err := scanAll(rows, func(row scanner) (line string, err error) {
				into := []any{new(int), new(int), new(int), &line}
				if explain == "EXPLAIN " {
					into = into[3:]
				}
				err = row.Scan(into...)
				return line, err
			})
			if err != nil {
				t.Fatal(err)
			}
			return strings.Join(lines, "\n")
		}
		wants := func(what, index, plan string) {
			if !strings.Contains(plan, index) {
				t.Errorf("%s does not use %s:\n%s", what, index, plan)
			}
		}
		for state, index := range map[pb.Mutation_State]string{
			pb.Mutation_INTENDED: "mutations_open", pb.Mutation_SENT: "mutations_open",
			pb.Mutation_UNKNOWN: "mutations_open", pb.Mutation_FAILED: "mutations_failed",
		} {
			for _, after := range []string{"", "10900"} {
				query, values := r.listQuery(everything, &pb.MutationFilter{State: state}, after, 51)
				wants(state.String()+" after "+after, index, plan(query, values...))
			}
		}
		for _, after := range []string{"", "10900"} {
			query, values := r.listQuery(everything, &pb.MutationFilter{RequestId: "800"}, after, 51)
			wants("a request_id after "+after, "mutations_with_request_id", plan(query, values...))
		}
		for index, filter := range map[string]*pb.MutationFilter{
			"mutations_by_method": {Method: "rare"}, "mutations_by_subject": {Subject: "rare"},
			"mutations_by_resource": {Resource: "rare"},
		} {
			for _, after := range []string{"", "10900"} {
				query, values := r.listQuery(everything, filter, after, 51)
				wants("a filter after "+after, index, plan(query, values...))
			}
		}
		query, values := r.backlogQuery(time.Now(), []string{"a", "b"})
		wants("the backlog", "mutations_open", plan(query, values...))
		query, values = r.dueQuery([]string{"vendors/a"}, 10)
		wants("what is due", "mutations_to_settle", plan(query, values...))
		old := plan(r.deleteQuery(), int64(0), int64(3), int64(maxDeleted))
		wants("deleting", "mutations_by_settle_time", old)
		wants("the oldest", "mutations_by_settle_time", plan(oldestQuery))
	})
}

func TestListedStates(t *testing.T) {
	t.Parallel()
	db := storetest.Open(t, store.Memory)
	r := New(db, func(int64) time.Duration { return time.Second })
	fill(t, db)
	for state, want := range map[pb.Mutation_State][]string{
		pb.Mutation_INTENDED: {"10001"}, pb.Mutation_SENT: nil, pb.Mutation_FAILED: {"10004"},
		pb.Mutation_UNKNOWN: {"10005", "10002"}, // what a dead replica sent is in doubt
	} {
		var got []string
		all, err := r.List(t.Context(), everything, &pb.MutationFilter{State: state}, "", 51)
		for _, m := range all {
			got = append(got, m.ID)
		}
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%v: %v, %v; want %v", state, got, err, want)
		}
	}
	if err := r.DeleteSettledBefore(t.Context(), time.UnixMicro(800)); err != nil {
		t.Fatal(err)
	}
	if left := storetest.Texts(t, db, "SELECT count(*) FROM mutations"); left[0] != "204" {
		t.Errorf("%s mutations are left, want 204", left)
	}
}
