package telemetry_test

import (
	"context"
	"errors"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/audit"
	"github.com/drmhub/drmhub/server/internal/journal"
	"github.com/drmhub/drmhub/server/internal/journal/records"
	"github.com/drmhub/drmhub/server/internal/store"
	"github.com/drmhub/drmhub/server/internal/store/storetest"
	"github.com/drmhub/drmhub/server/internal/telemetry"
)

// scrape returns the page of metrics.
func scrape(m *telemetry.Metrics) string {
	w := httptest.NewRecorder()
	m.Page().ServeHTTP(w, httptest.NewRequest("GET", telemetry.Path, nil))
	return w.Body.String()
}

// wantLines demands that a page has these lines.
func wantLines(t *testing.T, page string, lines ...string) {
	t.Helper()
	for _, line := range lines {
		if !strings.Contains(page, "\n"+line+"\n") {
			t.Errorf("no line %s", line)
		}
	}
	if t.Failed() {
		t.Log(page)
	}
}

// state is what the metrics read of a journal and of an audit trail.
type state struct {
	reads int
	err   error
	since time.Time
}

func (s *state) Backlog(context.Context, []string) (*records.Backlog, error) {
	s.reads++
	return &records.Backlog{
		Unsettled: []records.Group{
			{Vendor: "a", State: pb.Mutation_UNKNOWN, Count: int64(s.reads), Age: time.Minute},
			{State: pb.Mutation_UNKNOWN, GivenUp: true, Count: 9, Age: time.Hour},
		},
		Due: 2, Overdue: 3 * time.Second, Replicas: 4,
	}, s.err
}
func (s *state) LeaseLeft() time.Duration        { return 5 * time.Second }
func (s *state) Takeovers() int64                { return 6 }
func (s *state) Unconfirmed() (int64, time.Time) { return 1, s.since.Add(time.Second) }
func (s *state) Copied() audit.Copied {
	return audit.Copied{Events: 7, Failures: 8, Unwritten: 1, Since: s.since}
}

func TestJournalMetrics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, err := telemetry.New()
		if err != nil {
			t.Fatal(err)
		}
		s := &state{since: time.Now().Add(-time.Minute)}
		reloads := telemetry.Reloads{OK: true, Succeeded: 12, Time: time.Now()}
		if err := errors.Join(m.ShowJournal(s, func() []string { return []string{"a", "b"} }), m.ShowAudit(s, s),
			m.ShowTokens(func() (hits, misses int64) { return 10, 11 }),
			m.ShowReloads(func() telemetry.Reloads { return reloads })); err != nil {
			t.Fatal(err)
		}
		observer, err := m.JournalObserver()
		if err != nil {
			t.Fatal(err)
		}
		observer.Ended("drmhub.v1.SiteService/DisableSite", pb.Mutation_FAILED)
		observer.Settled(pb.Mutation_FAILED, 2*time.Second)
		observer.Attempted(journal.StillUnknown)
		wantLines(t, scrape(m),
			`drmhub_mutation_unsettled{reason="settling",vendor="a"} 1`,
			`drmhub_mutation_unsettled{reason="running",vendor="b"} 0`,
			`drmhub_mutation_unsettled{reason="operator",vendor="-"} 9`,
			`drmhub_mutation_unsettled_age_seconds{reason="settling",state="UNKNOWN",vendor="a"} 60`,
			`drmhub_mutation_unsettled_age_seconds{reason="running",state="SENT",vendor="a"} 0`,
			`drmhub_settle_due 2`, `drmhub_settle_overdue_seconds 3`, `drmhub_replica_count 4`,
			`drmhub_replica_lease_seconds 5`, `drmhub_replica_takeovers_total 6`,
			`drmhub_audit_copied_total 7`, `drmhub_audit_copy_errors_total 8`, `drmhub_audit_uncopied 2`,
			`drmhub_audit_uncopied_age_seconds 60`,
			`drmhub_token_cache_total{result="hit"} 10`, `drmhub_token_cache_total{result="miss"} 11`,
			`drmhub_mutation_count_total{method="drmhub.v1.SiteService/DisableSite",state="FAILED"} 1`,
			`drmhub_mutation_duration_seconds_bucket{state="FAILED",le="2.5"} 1`,
			`drmhub_settle_attempts_total{result="unknown"} 1`, `drmhub_settle_attempts_total{result="failed"} 0`,
			`drmhub_config_reload 1`, `drmhub_config_reload_count_total{result="success"} 12`,
			`drmhub_config_reload_time_seconds 9.466848e+08`,
		)
		reloads.OK = false
		time.Sleep(14 * time.Second)
		wantLines(t, scrape(m), `drmhub_mutation_unsettled{reason="settling",vendor="a"} 1`, `drmhub_config_reload 0`)
		time.Sleep(time.Second)
		wantLines(t, scrape(m), `drmhub_mutation_unsettled{reason="settling",vendor="a"} 2`)
		s.err = errors.New("the store is down")
		time.Sleep(15 * time.Second)
		page := scrape(m)
		if strings.Contains(page, "unsettled") {
			t.Errorf("while the store cannot be read:\n%s", page)
		}
		wantLines(t, page, "drmhub_replica_lease_seconds 5")
	})
}

func TestStoreMetrics(t *testing.T) {
	db := storetest.Open(t, store.Memory)
	m, err := telemetry.New()
	if err != nil {
		t.Fatal(err)
	}
	if err := m.ShowStore(db); err != nil {
		t.Fatal(err)
	}
	storetest.Exec(t, db, "INSERT INTO keys (name, value) VALUES ('a', 'b')")
	db.SetHooks(store.Hooks{BeforeCommit: func() error { return errors.New("the disk is full") }})
	_ = db.Write(t.Context(), nil)
	wantLines(t, scrape(m),
		"drmhub_store_commit_duration_seconds_count 2", `drmhub_store_commit_writes_bucket{le="1"} 1`,
		`drmhub_store_errors_total{reason="write"} 1`, `drmhub_store_errors_total{reason="unavailable"} 0`,
		"drmhub_store_queue 0", `db_client_connection_max{db_client_connection_pool_name="writes"} 1`,
		`db_client_connection_count{db_client_connection_pool_name="reads",db_client_connection_state="used"} 0`,
		`drmhub_store_connection_waits_total{db_client_connection_pool_name="reads"} 0`,
	)
}
