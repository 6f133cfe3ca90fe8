// Package lease keeps a replica alive in the store, and claims mutations for its runs.
//
// A replica renews its lease with each heartbeat, and counts as alive until the lease ends. While
// it is alive, no other replica can claim a mutation that it owns.
//
// The end of a lease is a time of day, and clocks may be wrong. So each replica also watches the
// others by its own monotonic clock. One that does not renew its lease for the length of a lease is
// dead, even if its lease ends later. One that renews is alive, even if its lease seems to have
// ended.
package lease

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/journal/records"
	"github.com/drmhub/drmhub/server/internal/store"
)

// A Lease is the lease of one replica. It is safe for concurrent use.
type Lease struct {
	db      *store.DB
	records *records.Records
	replica string
	term    time.Duration
	claims  atomic.Int64
	// takeovers counts the claims of mutations whose last run recorded no end.
	takeovers atomic.Int64

	mu     sync.Mutex
	until  time.Time // the end of the lease, with the monotonic clock
	sights sights
	// The mutations that this replica may own and does not run, and since when.
	unreleased map[*records.Mutation]time.Time
}

// New returns the lease of a new replica. It begins with the first Heartbeat, and lasts for term
// after each.
func New(db *store.DB, r *records.Records, term time.Duration) *Lease {
	id := make([]byte, 8)
	_, _ = rand.Read(id) // never fails
	l := &Lease{
		db: db, records: r, replica: hex.EncodeToString(id), term: term,
		unreleased: map[*records.Mutation]time.Time{},
	}
	r.SetLiving(l.living)
	return l
}

// Replica returns the id of this replica, 16 hexadecimal digits.
func (l *Lease) Replica() string { return l.replica }

// NewOwner returns the name of a new run of this replica.
func (l *Lease) NewOwner() string { return fmt.Sprintf("%s-%d", l.replica, l.claims.Add(1)) }

// End ends the lease. Other replicas may take over at once what this one owns.
func (l *Lease) End(ctx context.Context) error {
	return l.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.ExecContext(ctx, "DELETE FROM replicas WHERE id = $1", l.replica)
		return err
	})
}

// Claim makes a new run of this replica the owner of a mutation, and returns the mutation with its
// steps. It returns nil if a living replica owns the mutation.
func (l *Lease) Claim(ctx context.Context, id string) (*records.Mutation, error) {
	return l.claim(ctx, id, l.records.Claim)
}

// ClaimDue is Claim of a mutation that is due to be settled. It returns nil if the mutation is no
// longer due.
func (l *Lease) ClaimDue(ctx context.Context, id string) (*records.Mutation, error) {
	return l.claim(ctx, id, l.records.ClaimDue)
}

func (l *Lease) claim(
	ctx context.Context, id string, claim func(ctx context.Context, id, owner string) (*records.Mutation, error),
) (*records.Mutation, error) {
	owner := l.NewOwner()
	claimed, err := claim(ctx, id, owner)
	if err != nil {
		l.ReleaseIfClaimed(&records.Mutation{ID: id, Owner: owner}, err)
	}
	if claimed != nil && (claimed.State == pb.Mutation_INTENDED || claimed.State == pb.Mutation_SENT) {
		l.takeovers.Add(1) // A run that records its end leaves another state.
	}
	return claimed, err
}

// Takeovers returns how many mutations were claimed whose last run recorded no end.
func (l *Lease) Takeovers() int64 { return l.takeovers.Load() }

// Release releases a mutation that this replica owns and does not run. If the store cannot be
// written now, RetryReleases releases it later. Release ignores a mutation that was only read.
func (l *Lease) Release(ctx context.Context, m *records.Mutation) {
	if m.Owner == "" {
		return
	}
	if err := l.records.Release(context.WithoutCancel(ctx), m); err != nil {
		l.ReleaseLater(m)
	}
}

// ReleaseIfClaimed is ReleaseLater of a mutation whose claim returned an error, if the claim may be
// durable in spite of it. While the store accepts no writes, every call fails, and none of them has
// claimed anything.
func (l *Lease) ReleaseIfClaimed(m *records.Mutation, err error) {
	if store.MayBeDurable(err) {
		l.ReleaseLater(m)
	}
}

// ReleaseLater makes RetryReleases release a mutation that this replica may own.
func (l *Lease) ReleaseLater(m *records.Mutation) {
	l.mu.Lock()
	defer l.mu.Unlock()
	// While the store cannot be written, there may be many, and a request may be large.
	l.unreleased[&records.Mutation{ID: m.ID, Owner: m.Owner}] = time.Now()
}

// Unreleased returns the mutations that RetryReleases is to release.
func (l *Lease) Unreleased() []*records.Mutation {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := make([]*records.Mutation, 0, len(l.unreleased))
	for m := range l.unreleased {
		all = append(all, m)
	}
	return all
}

// RetryReleases releases the mutations whose release failed earlier. It forgets a mutation that
// another run owns, once no late commit can make this replica its owner. It returns early when ctx
// ends, and while the store cannot be written.
func (l *Lease) RetryReleases(ctx context.Context) {
	l.mu.Lock()
	unreleased := maps.Clone(l.unreleased)
	l.mu.Unlock()
	for m, since := range unreleased {
		err := l.records.Release(ctx, m)
		takenOver := errors.Is(err, records.ErrTakenOver)
		if err != nil && !takenOver {
			return
		}
		if err == nil || time.Since(since) > store.MaxCommitDelay {
			l.mu.Lock()
			delete(l.unreleased, m)
			l.mu.Unlock()
		}
	}
}
