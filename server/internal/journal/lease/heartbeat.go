package lease

import (
	"context"
	"errors"
	"time"

	"github.com/drmhub/drmhub/server/internal/store"
)

// A sight is what this replica has seen of a replica.
type sight struct {
	aliveUntil int64     // the end of its lease, in microseconds
	since      time.Time // when this replica saw it first, with the monotonic clock
	renewed    bool      // an earlier end was seen before
}

// sights are the replicas in the store, by id. This replica is one of them.
type sights map[string]sight

// Heartbeat renews the lease. It also deletes the replicas that no longer renew theirs.
func (l *Lease) Heartbeat(ctx context.Context) error {
	var next sights
	var until time.Time
	err := l.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		now := time.Now()
		until = now.Add(l.term)
		_, err := tx.ExecContext(ctx, `INSERT INTO replicas (id, alive_until) VALUES ($1, $2)
			ON CONFLICT (id) DO UPDATE SET alive_until = excluded.alive_until`, l.replica, until.UnixMicro())
		if err != nil {
			return err
		}
		if next, err = l.look(ctx, tx, now); err != nil {
			return err
		}
		for id, s := range next {
			if now.Sub(s.since) < l.term {
				continue
			}
			const dead = "DELETE FROM replicas WHERE id = $1 AND alive_until = $2"
			if _, err := tx.ExecContext(ctx, dead, id, s.aliveUntil); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sights, l.until = next, until
	return nil
}

// Left returns how long the lease lasts without another heartbeat. It is 0 once the lease has
// ended.
func (l *Lease) Left() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return max(0, time.Until(l.until))
}

// look returns what this replica now knows of all replicas.
func (l *Lease) look(ctx context.Context, tx *store.Tx, now time.Time) (_ sights, err error) {
	rows, err := tx.QueryContext(ctx, "SELECT id, alive_until FROM replicas")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	next := sights{}
	for rows.Next() {
		var id string
		var aliveUntil int64
		if err := rows.Scan(&id, &aliveUntil); err != nil {
			return nil, err
		}
		before, known := l.sights[id]
		if known && before.aliveUntil == aliveUntil {
			next[id] = before
		} else {
			next[id] = sight{aliveUntil: aliveUntil, since: now, renewed: known || id == l.replica}
		}
	}
	return next, rows.Err()
}

// living returns the replicas that have just renewed their lease, by the monotonic clock of this
// one. A replica renews every quarter of a lease, and a renewal is seen up to a quarter late. So up
// to half a lease passes between two sights of a living replica. A renewal counts for two thirds,
// since a heartbeat may be slow. A replica that was seen once may be dead.
func (l *Lease) living() (ids []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for id, s := range l.sights {
		if s.renewed && time.Since(s.since) < l.term*2/3 {
			ids = append(ids, id)
		}
	}
	return ids
}
