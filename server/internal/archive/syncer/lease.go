package syncer

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"errors"
	"sync"
	"time"

	"github.com/drmhub/drmhub/server/internal/store"
)

// leaseTerm is how long a lease lasts that nobody renews. A replica that was killed keeps its site
// for that long.
const leaseTerm = 30 * time.Second

// Leases say which replica makes the passes of a site. They are rows of the store. A replica renews
// the row of its lease, and another one takes the lease over when the row has not changed for a
// term, by its own monotonic clock. So the clocks of the replicas do not matter.
type Leases struct {
	db    *store.DB
	owner string

	mu   sync.Mutex
	seen map[string]sight
}

// A sight is a lease of another replica, as this one has seen it.
type sight struct {
	owner    string
	renewals int64
	since    time.Time
}

// NewLeases returns the leases of this replica.
func NewLeases(db *store.DB) *Leases {
	id := make([]byte, 8)
	_, _ = rand.Read(id) // never fails
	return &Leases{db: db, owner: hex.EncodeToString(id), seen: map[string]sight{}}
}

// A lease of a site, while this replica has it.
type lease struct {
	of   *Leases
	site string

	mu    sync.Mutex
	until time.Time // with the monotonic clock
}

// errLost is the error of a pass whose lease has ended.
var errLost = errors.New("another replica makes the passes of the site now: what was complete before is kept")

// take takes the lease of a site. It returns nil if another replica has it.
func (l *Leases) take(ctx context.Context, site string) (*lease, error) {
	began := time.Now()
	var found sight
	var taken bool
	err := l.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		const get = "SELECT owner, renewals FROM archive_leases WHERE site = $1"
		found, taken = sight{}, false
		err := tx.QueryRowContext(ctx, get, site).Scan(&found.owner, &found.renewals)
		switch {
		case errors.Is(err, sql.ErrNoRows):
		case err != nil:
			return err
		case !l.mayTake(site, found):
			return nil
		}
		const put = `INSERT INTO archive_leases (site, owner, renewals) VALUES ($1, $2, 0)
			ON CONFLICT (site) DO UPDATE SET owner = excluded.owner, renewals = archive_leases.renewals + 1
			WHERE archive_leases.owner = $3 AND archive_leases.renewals = $4`
		res, err := tx.ExecContext(ctx, put, site, l.owner, found.owner, found.renewals)
		if err != nil {
			return err
		}
		n, err := res.RowsAffected()
		taken = n > 0
		return err
	})
	if err != nil || !taken {
		return nil, err
	}
	return &lease{of: l, site: site, until: began.Add(leaseTerm)}, nil
}

// mayTake reports whether a lease that was found is this replica's, or has ended.
func (l *Leases) mayTake(site string, found sight) bool {
	if found.owner == l.owner {
		return true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	before, known := l.seen[site]
	if !known || before.owner != found.owner || before.renewals != found.renewals {
		found.since = time.Now()
		l.seen[site] = found
		return false
	}
	return time.Since(before.since) >= leaseTerm
}

// keep renews the lease until ctx ends.
func (l *lease) keep(ctx context.Context) {
	tick := time.NewTicker(leaseTerm / 4)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			l.renew(ctx)
		}
	}
}

func (l *lease) renew(ctx context.Context) {
	began := time.Now()
	var renewed bool
	err := l.of.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		const renew = "UPDATE archive_leases SET renewals = renewals + 1 WHERE site = $1 AND owner = $2"
		res, err := tx.ExecContext(ctx, renew, l.site, l.of.owner)
		if err != nil {
			return err
		}
		n, err := res.RowsAffected()
		renewed = n > 0
		return err
	})
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case err == nil && renewed:
		l.until = began.Add(leaseTerm)
	case err == nil:
		l.until = time.Time{}
	}
}

// check returns an error once the lease has ended, or is about to.
func (l *lease) check(context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if time.Until(l.until) < leaseTerm/4 {
		return errLost
	}
	return nil
}

// end ends the lease. Another replica can take it at once.
func (l *lease) end(ctx context.Context) error {
	return l.of.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.ExecContext(ctx, "DELETE FROM archive_leases WHERE site = $1 AND owner = $2", l.site, l.of.owner)
		return err
	})
}
