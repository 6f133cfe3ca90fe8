package journal_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/drmhub/drmhub/internal/postgres"
	"github.com/drmhub/drmhub/server/internal/journal"
)

func connect(t *testing.T, dsn string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

// Many who wait for the same resources, at several replicas, must not keep each other, or those who
// hold them, from writing.
func TestManyWhoWaitAtSeveralReplicas(t *testing.T) {
	dsn := postgres.ForTest(t)
	w := &world{}
	var replicas []*replica
	for range 2 {
		r := newReplica(t, open(t, dsn), w, journal.Options{})
		stop(t, r.Journal)
		replicas = append(replicas, r)
	}
	var calls sync.WaitGroup
	for i := range 300 { // five callers at each replica for each of thirty sites
		for at, r := range replicas {
			calls.Go(func() {
				ok(t, r.enableAt(t, fmt.Sprintf("vendors/v/sites/s%d", i%30), uuidOf(2*i+at)))
			})
		}
	}
	calls.Wait()
	var deadlocks int
	const query = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
	if err := connect(t, dsn).QueryRow(t.Context(), query).Scan(&deadlocks); err != nil || deadlocks > 0 {
		t.Errorf("%d deadlocks, %v", deadlocks, err)
	}
	for i := range 30 {
		w.want(t, fmt.Sprintf("enable vendors/v/sites/s%d", i), 20)
	}
}

// A process that freezes within a transaction keeps what it has locked until PostgreSQL ends it.
// Other replicas must say in the meantime that they are alive.
func TestAFrozenReplicaDoesNotStopTheOthers(t *testing.T) {
	dsn := postgres.ForTest(t)
	r := newReplica(t, open(t, dsn), &world{}, calm)
	stop(t, r.Journal)
	frozen, err := connect(t, dsn).Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, statement := range []string{
		`INSERT INTO mutations (id, subject, method, resource, digest, request, secrets, state, create_time, owner,
			settle_at) VALUES ('x', 's', 'm', 'r', '', '', 0, 1, 0, 'frozen', 0)`,
		`INSERT INTO locks (resource, mutation) VALUES ('` + site + `', 'x')`,
	} {
		if _, err := frozen.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	waiting := background(func() { _ = r.enable(t, id) })
	for range 20 {
		begun := time.Now()
		if err := r.Lease().Heartbeat(t.Context()); err != nil || time.Since(begun) > journal.DefaultLease/3 {
			t.Fatalf("the sign of life took %v: %v", time.Since(begun), err)
		}
	}
	waiting()
	ok(t, frozen.Rollback(t.Context()))
	ok(t, r.enable(t, id))
}
