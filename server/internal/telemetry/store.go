package telemetry

import (
	"context"
	"database/sql"
	"time"

	"go.opentelemetry.io/otel/metric"

	"github.com/drmhub/drmhub/server/internal/store"
)

// transactions counts the transactions of a store.
type transactions struct {
	duration, writes metric.Float64Histogram
	failures         metric.Int64Counter
}

// Committed implements store.Observer.
func (t *transactions) Committed(took time.Duration, writes int, failed store.Failure) {
	ctx := context.Background()
	t.duration.Record(ctx, took.Seconds())
	if failed != store.Success {
		t.failures.Add(ctx, 1, labels("reason", string(failed)))
		return
	}
	t.writes.Record(ctx, float64(writes))
}

// ShowStore shows how fast a store commits, and how busy it is.
func (m *Metrics) ShowStore(db *store.DB) error {
	i := &instruments{meter: m.meter}
	t := &transactions{
		duration: i.histogram("drmhub.store.commit.duration", "s", "Time of a transaction of the store.",
			0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
		writes: i.histogram("drmhub.store.commit.writes", "{write}", "Writes that shared a transaction.",
			1, 2, 4, 8, 16, 32, 64, 128),
		failures: i.counter("drmhub.store.errors", "{transaction}", "Transactions of the store that failed."),
	}
	queue := i.gauge("drmhub.store.queue", "{write}", "Writes that wait for a transaction.")
	pool, state := "db.client.connection.pool.name", "db.client.connection.state"
	connections := i.gauge("db.client.connection.count", "{connection}", "Connections to the database.")
	maxConnections := i.gauge("db.client.connection.max", "{connection}",
		"The largest number of connections to the database.")
	waits := i.total("drmhub.store.connection.waits", "{wait}", "Uses of a connection that had to wait for one.")
	i.call(func(_ context.Context, o metric.Observer) error {
		load := db.Load()
		o.ObserveFloat64(queue, float64(load.Queued))
		for name, s := range map[string]sql.DBStats{"reads": load.Reads, "writes": load.Writes} {
			o.ObserveFloat64(connections, float64(s.InUse), labels(pool, name, state, "used"))
			o.ObserveFloat64(connections, float64(s.Idle), labels(pool, name, state, "idle"))
			o.ObserveFloat64(maxConnections, float64(s.MaxOpenConnections), labels(pool, name))
			o.ObserveInt64(waits, s.WaitCount, labels(pool, name))
		}
		return nil
	}, queue, connections, maxConnections, waits)
	if i.err != nil {
		return i.err
	}
	for _, f := range store.Failures {
		t.failures.Add(context.Background(), 0, labels("reason", string(f)))
	}
	db.Observe(t)
	return nil
}
