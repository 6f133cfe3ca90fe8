package journal

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"errors"
	"log/slog"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/drmhub/drmhub/server/internal/audit"
	"github.com/drmhub/drmhub/server/internal/store"
)

// Options say how a Journal works. The zero value is usable.
type Options struct {
	// Keep is how long a mutation is kept from when it is settled, and with it its request_id; 0 is
	// DefaultKeep. What is not settled is kept forever.
	Keep time.Duration
	// Quiet is how long after a write was sent the vendor may still be at it; 0 is DefaultQuiet.
	// Until then, that the write is not seen at the vendor proves nothing, and it is neither sent
	// again nor given up.
	Quiet time.Duration
	// Lease is how long a replica that says nothing counts as alive; 0 is DefaultLease. The
	// replicas' clocks must agree much better than that.
	Lease time.Duration
	// FirstPause is the pause before the first attempt to settle a mutation; each next one is twice
	// as long, up to an hour. 0 is a second.
	FirstPause time.Duration
	// Log gets what an operator should know; nil is nobody.
	Log *slog.Logger
	// Recorded is told every audit event once it is durable; nil is nobody.
	Recorded func(audit.Event)
}

// The defaults of Options.
const (
	DefaultKeep  = 30 * 24 * time.Hour
	DefaultQuiet = time.Minute
	DefaultLease = 15 * time.Second
)

// Dispatch calls a method, by its full name, without the interceptors.
type Dispatch func(ctx context.Context, fullMethod string, req proto.Message) (proto.Message, error)

// Journal is one replica's. It is safe for concurrent use.
type Journal struct {
	db       *store.DB
	options  Options
	replica  string
	key      []byte // of the digests
	audit    *audit.Recorder
	dispatch Dispatch

	claims     atomic.Int64 // how often this replica has made a mutation its own
	background loops        // settles, and deletes what is old
	heartbeat  loops        // says that the replica is alive

	settling chan struct{} // holds one for each mutation that is being settled in the background

	mu      sync.Mutex
	running int           // methods
	changed chan struct{} // closed, and replaced, when a run of this replica ends
	// what this replica runs no more and could not record so, and since when
	unreleased map[*record]time.Time
}

// New makes the journal of a replica, and lets it count as alive. The journal calls dispatch to
// settle what other runs left open.
func New(ctx context.Context, db *store.DB, dispatch Dispatch, options Options) (*Journal, error) {
	if options.Keep == 0 {
		options.Keep = DefaultKeep
	}
	if options.Quiet == 0 {
		options.Quiet = DefaultQuiet
	}
	if options.Lease == 0 {
		options.Lease = DefaultLease
	}
	if options.FirstPause == 0 {
		options.FirstPause = time.Second
	}
	if options.Log == nil {
		options.Log = slog.New(slog.DiscardHandler)
	}
	id := make([]byte, 8)
	_, _ = rand.Read(id) // never fails
	j := &Journal{
		db: db, options: options, dispatch: dispatch, replica: hex.EncodeToString(id),
		settling: make(chan struct{}, settledAtOnce), changed: make(chan struct{}), unreleased: map[*record]time.Time{},
	}
	j.audit = audit.NewRecorder(db, j.replica, options.Recorded)
	if err := j.loadKey(ctx); err != nil {
		return nil, err
	}
	if err := j.writeHeartbeat(ctx); err != nil {
		return nil, err
	}
	ctx = context.WithoutCancel(ctx)
	j.heartbeat.begin(ctx, options.Lease/3, j.heartbeatLoop)
	j.background.begin(ctx, options.FirstPause, j.settleDue)
	j.background.begin(ctx, min(options.Keep/24, time.Hour), j.forgetOld)
	j.background.begin(ctx, options.Lease/3, func(ctx context.Context) { j.audit.LookForUnconfirmed(ctx) })
	return j, nil
}

// Close ends what runs in the background, waits until no method runs any more, or until ctx ends,
// and hands over what is still open.
func (j *Journal) Close(ctx context.Context) error {
	err := errors.Join(j.background.end(ctx), j.Wait(ctx))
	// not before: other replicas would take over what still runs
	err = errors.Join(err, j.heartbeat.end(ctx))
	j.lookForLastEvents(context.WithoutCancel(ctx))
	if err != nil {
		return err // what still runs is for others once the lease has ended
	}
	return j.db.Write(context.WithoutCancel(ctx), func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "DELETE FROM replicas WHERE id = $1", j.replica)
		return err
	})
}

// Wait waits until no method runs any more, and with it no vendor write, or until ctx ends.
func (j *Journal) Wait(ctx context.Context) error {
	for {
		changed := j.anyChange()
		if j.idle() {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (j *Journal) idle() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.running == 0
}

// loadKey reads the key of the digests, which the first replica of a store makes.
func (j *Journal) loadKey(ctx context.Context) error {
	fresh := make([]byte, 32)
	_, _ = rand.Read(fresh)
	return j.db.Write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, "INSERT INTO keys (name, value) VALUES ('digest', $1) ON CONFLICT (name) DO NOTHING", fresh); err != nil {
			return err
		}
		return tx.QueryRowContext(ctx, "SELECT value FROM keys WHERE name = 'digest'").Scan(&j.key)
	})
}

func (j *Journal) heartbeatLoop(ctx context.Context) {
	if err := j.writeHeartbeat(ctx); err != nil {
		j.options.Log.WarnContext(ctx, "the journal cannot be written: other replicas will take over what this one runs", "error", err)
		return
	}
	j.retryReleases(ctx)
}

func (j *Journal) writeHeartbeat(ctx context.Context) error {
	return j.db.Write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		now := time.Now()
		if _, err := tx.ExecContext(ctx, "DELETE FROM replicas WHERE alive_until < $1", now.Add(-time.Hour).UnixMicro()); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, "INSERT INTO replicas (id, alive_until) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET alive_until = excluded.alive_until",
			j.replica, now.Add(j.options.Lease).UnixMicro())
		return err
	})
}

// retryReleases releases mutations whose release failed earlier.
func (j *Journal) retryReleases(ctx context.Context) {
	j.mu.Lock()
	adrift := maps.Clone(j.unreleased)
	j.mu.Unlock()
	for r, since := range adrift {
		err := j.release(ctx, r)
		if err == nil || errors.Is(err, errTakenOver) && time.Since(since) > store.MaxCommitDelay {
			j.mu.Lock()
			delete(j.unreleased, r)
			j.mu.Unlock()
		}
	}
}

// releaseLater has retryReleases release r once the store can be written again.
func (j *Journal) releaseLater(r *record) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.unreleased[r] = time.Now()
}

// forgetOld deletes what was settled long ago and nobody runs again.
func (j *Journal) forgetOld(ctx context.Context) {
	err := j.db.Write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		now := time.Now()
		_, err := tx.ExecContext(ctx, "DELETE FROM mutations WHERE settle_time < $2 AND "+unowned, now.UnixMicro(), now.Add(-j.options.Keep).UnixMicro())
		return err
	})
	if err != nil && ctx.Err() == nil {
		j.options.Log.WarnContext(ctx, "old mutations could not be deleted", "error", err)
	}
}

// announce wakes those of this replica who wait for a run to end.
func (j *Journal) announce() {
	j.mu.Lock()
	defer j.mu.Unlock()
	close(j.changed)
	j.changed = make(chan struct{})
}

// anyChange is closed when the next run of this replica ends.
func (j *Journal) anyChange() <-chan struct{} {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.changed
}
