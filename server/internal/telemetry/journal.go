package telemetry

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"go.opentelemetry.io/otel/metric"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/journal"
	"github.com/drmhub/drmhub/server/internal/journal/records"
)

// mutations counts what a journal does.
type mutations struct {
	ended    metric.Int64Counter
	duration metric.Float64Histogram
	attempts metric.Int64Counter
}

// JournalObserver returns an observer that counts what a journal does.
func (m *Metrics) JournalObserver() (journal.Observer, error) {
	i := &instruments{meter: m.meter}
	c := &mutations{
		ended: i.counter("drmhub.mutation.count", "{mutation}",
			"Ends of runs of mutations, by the state that the mutation then has."),
		duration: i.histogram("drmhub.mutation.duration", "s",
			"Time from the call until the mutation is settled, by its state.",
			0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 7200),
		attempts: i.counter("drmhub.settle.attempts", "{attempt}", "Attempts to settle a mutation, by their result."),
	}
	for _, result := range journal.Results {
		c.attempts.Add(context.Background(), 0, labels("result", string(result)))
	}
	return c, i.err
}

// Ended implements journal.Observer.
func (c *mutations) Ended(method string, state pb.Mutation_State) {
	c.ended.Add(context.Background(), 1, labels("method", method, "state", state.String()))
}

// Settled implements journal.Observer.
func (c *mutations) Settled(state pb.Mutation_State, took time.Duration) {
	c.duration.Record(context.Background(), took.Seconds(), labels("state", state.String()))
}

// Attempted implements journal.Observer.
func (c *mutations) Attempted(result journal.Result) {
	c.attempts.Add(context.Background(), 1, labels("result", string(result)))
}

// A Journal is what the metrics show of a journal.
type Journal interface {
	// Backlog returns what the store holds of mutations that are not settled.
	Backlog(ctx context.Context, vendors []string) (*records.Backlog, error)
	// LeaseLeft returns how long this replica counts as alive without another heartbeat.
	LeaseLeft() time.Duration
	// Takeovers returns how many mutations this replica took over.
	Takeovers() int64
}

// ShowJournal shows what is not settled, and how this replica fares. vendors returns the ids of the
// vendors that are configured now.
//
// What the store holds is the same for all replicas. So rules take the maximum of it, and no sum.
func (m *Metrics) ShowJournal(j Journal, vendors func() []string) error {
	i := &instruments{meter: m.meter}
	lease := i.gauge("drmhub.replica.lease", "s", "How long this replica counts as alive without another heartbeat.")
	takeovers := i.total("drmhub.replica.takeovers", "{mutation}",
		"Mutations that this replica took over from runs that recorded no end.")
	i.call(func(_ context.Context, o metric.Observer) error {
		o.ObserveFloat64(lease, j.LeaseLeft().Seconds())
		o.ObserveInt64(takeovers, j.Takeovers())
		return nil
	}, lease, takeovers)
	unsettled := i.gauge("drmhub.mutation.unsettled", "{mutation}", "Mutations that are SENT or UNKNOWN.")
	age := i.gauge("drmhub.mutation.unsettled.age", "s", "Time since the oldest of them was sent. 0: there are none.")
	due := i.gauge("drmhub.settle.due", "{mutation}", "Mutations that are due to be settled.")
	overdue := i.gauge("drmhub.settle.overdue", "s", "How late the first mutation is that is due to be settled.")
	replicas := i.gauge("drmhub.replica.count", "{replica}", "Replicas that are alive on this store.")
	latest := &backlogs{read: j.Backlog}
	i.call(func(ctx context.Context, o metric.Observer) error {
		ids := vendors()
		b := latest.get(ctx, ids)
		if b == nil {
			return nil
		}
		for _, g := range groups(b, ids) {
			reason, vendor := reasonOf(g), cmp.Or(g.Vendor, "-")
			o.ObserveFloat64(unsettled, float64(g.Count), labels("vendor", vendor, "reason", reason))
			o.ObserveFloat64(age, g.Age.Seconds(),
				labels("vendor", vendor, "reason", reason, "state", g.State.String()))
		}
		o.ObserveFloat64(due, float64(b.Due))
		o.ObserveFloat64(overdue, b.Overdue.Seconds())
		o.ObserveFloat64(replicas, float64(b.Replicas))
		return nil
	}, unsettled, age, due, overdue, replicas)
	return i.err
}

// reasonOf returns why mutations are not settled:
//   - running: a call runs them,
//   - settling: drmhub reads their outcome from the vendor,
//   - operator: drmhub cannot find it out, or an operator gave them up.
func reasonOf(g records.Group) string {
	switch {
	case g.State == pb.Mutation_SENT:
		return "running"
	case g.GivenUp:
		return "operator"
	}
	return "settling"
}

// groups returns all groups of these vendors, also the empty ones, and the groups of other vendors.
func groups(b *records.Backlog, vendors []string) []records.Group {
	all := slices.Clone(b.Unsettled)
	for _, id := range vendors {
		for _, none := range []records.Group{
			{Vendor: id, State: pb.Mutation_SENT},
			{Vendor: id, State: pb.Mutation_UNKNOWN},
			{Vendor: id, State: pb.Mutation_UNKNOWN, GivenUp: true},
		} {
			same := func(g records.Group) bool { return g.Vendor == id && reasonOf(g) == reasonOf(none) }
			if !slices.ContainsFunc(b.Unsettled, same) {
				all = append(all, none)
			}
		}
	}
	return all
}

const (
	// backlogAge is how long a backlog is shown before the store is read again.
	backlogAge = 15 * time.Second
	// maxBacklogTime bounds the time that the store may take.
	maxBacklogTime = 2 * time.Second
)

// backlogs remembers the latest backlog, so that frequent scrapes cost the store nothing.
type backlogs struct {
	read func(ctx context.Context, vendors []string) (*records.Backlog, error)

	mu     sync.Mutex
	at     time.Time
	latest *records.Backlog // nil: the store could not be read
}

// get returns the latest backlog, or nil if the store cannot be read.
func (b *backlogs) get(ctx context.Context, vendors []string) *records.Backlog {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.at.IsZero() && time.Since(b.at) < backlogAge {
		return b.latest
	}
	ctx, cancel := context.WithTimeout(ctx, maxBacklogTime)
	defer cancel()
	latest, err := b.read(ctx, vendors)
	if err != nil {
		latest = nil
	}
	b.latest, b.at = latest, time.Now()
	return latest
}
