package journal

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/drmhub/drmhub/server/internal/audit"
	"github.com/drmhub/drmhub/server/internal/journal/decide"
	"github.com/drmhub/drmhub/server/internal/journal/lease"
	"github.com/drmhub/drmhub/server/internal/journal/records"
	"github.com/drmhub/drmhub/server/internal/store"
)

// Options say how a Journal works. The zero value is usable.
type Options struct {
	// Keep is how long a settled mutation is kept, and with it its request_id. 0 means DefaultKeep.
	// An open mutation is kept until it is settled.
	Keep time.Duration
	// Quiet is how long a vendor may still work on a write whose call is over. 0 means
	// DefaultQuiet. Until then, a write that the vendor does not show is not sent again, and not
	// given up.
	Quiet time.Duration
	// Lease is how long a replica counts as alive after a heartbeat. 0 means DefaultLease. The
	// clocks of the replicas should agree much better than that.
	Lease time.Duration
	// DigestKey is the key of the digests of requests with secrets. Without it, their digest takes
	// long to compute. All replicas need the same key.
	DigestKey []byte
	// FirstPause is the pause before the first attempt to settle a mutation. 0 means one second.
	// Each later pause is twice as long as the one before, up to an hour.
	FirstPause time.Duration
	// Account returns a text that says which account at the vendor has this resource name now, or
	// "" if that is not known. It may be nil.
	Account func(vendor string) string
	// Log gets what an operator should know. It may be nil.
	Log *slog.Logger
	// Recorded gets each audit event once it is durable. It may be nil.
	Recorded func(audit.Event)
	// Observer may be nil.
	Observer Observer
}

// The defaults of Options.
const (
	DefaultKeep  = 30 * 24 * time.Hour
	DefaultQuiet = time.Minute
	DefaultLease = 15 * time.Second
)

func (o Options) withDefaults() Options {
	o.Keep = cmp.Or(o.Keep, DefaultKeep)
	o.Quiet = cmp.Or(o.Quiet, DefaultQuiet)
	o.Lease = cmp.Or(o.Lease, DefaultLease)
	o.FirstPause = cmp.Or(o.FirstPause, time.Second)
	o.Log = cmp.Or(o.Log, slog.New(slog.DiscardHandler))
	if o.Account == nil {
		o.Account = func(string) string { return "" }
	}
	if o.Observer == nil {
		o.Observer = unobserved{}
	}
	return o
}

// pause returns how long to wait before the next attempt to settle a mutation.
func (o Options) pause(attempts int64) time.Duration {
	return min(o.FirstPause<<min(attempts, 20), maxPause)
}

// Dispatch calls a method without the interceptors. It takes the full name of the method.
type Dispatch func(ctx context.Context, fullMethod string, req proto.Message) (proto.Message, error)

// A Journal is that of one replica. It is safe for concurrent use.
type Journal struct {
	options Options
	records *records.Records
	lease   *lease.Lease
	audit   *audit.Recorder
	digests *digests

	runs       *runs
	queues     *queues
	settler    *settler
	background loops // settle, delete what is old, and look for audit events
	heartbeat  loops // renew the lease, and release what this replica does not run
}

// New returns the journal of a new replica, which counts as alive from now on. To settle a
// mutation, the journal calls dispatch.
func New(ctx context.Context, db *store.DB, dispatch Dispatch, options Options) (*Journal, error) {
	options = options.withDefaults()
	kept := records.New(db, options.pause)
	j := &Journal{options: options, records: kept, lease: lease.New(db, kept, options.Lease), runs: newRuns()}
	j.queues = newQueues()
	j.audit = audit.NewRecorder(db, j.lease.Replica(), options.Recorded)
	j.settler = &settler{journal: j, dispatch: dispatch, running: map[string]string{}}
	inStore, err := kept.DigestKey(ctx)
	if err != nil {
		return nil, err
	}
	j.digests = newDigests(inStore, options.DigestKey)
	if err := j.lease.Heartbeat(ctx); err != nil {
		return nil, err
	}
	ctx = context.WithoutCancel(ctx)
	j.heartbeat.begin(ctx, options.Lease/4, j.renewLease)
	j.heartbeat.begin(ctx, options.Lease/4, j.lease.RetryReleases) // Many releases would delay the heartbeat.
	j.background.begin(ctx, options.FirstPause, j.settler.settleDue)
	j.background.begin(ctx, min(options.Keep/24, time.Hour), j.deleteOld)
	j.background.begin(ctx, options.Lease/3, func(ctx context.Context) { j.audit.LookForUnconfirmed(ctx) })
	return j, nil
}

// Close ends the background work, and blocks until no method runs or ctx ends. Then it hands over
// what is still open to other replicas.
func (j *Journal) Close(ctx context.Context) error {
	err := errors.Join(j.background.end(ctx), j.Wait(ctx))
	// The heartbeat ends last. Otherwise other replicas would take over what still runs.
	err = errors.Join(err, j.heartbeat.end(ctx))
	j.lookForLastEvents(context.WithoutCancel(ctx))
	if err != nil {
		return err // Others take over what still runs once the lease has ended.
	}
	return j.lease.End(context.WithoutCancel(ctx))
}

// StopSettling ends the background work without Close, so that a replica which stops does not wait
// for it. What is still open is settled later.
func (j *Journal) StopSettling() { j.background.cancel() }

// Running returns how many methods run.
func (j *Journal) Running() int { return j.runs.count() }

// Wait blocks until no method runs, and so no vendor write is under way, or until ctx ends.
func (j *Journal) Wait(ctx context.Context) error { return j.runs.wait(ctx) }

// Unsettled returns how many mutations of a vendor account are not settled, in any replica. A
// mutation that drmhub no longer tries to settle does not count.
func (j *Journal) Unsettled(ctx context.Context, vendor string) (int, error) {
	return j.records.Unsettled(ctx, vendor)
}

// Audit returns the recorder of this replica's audit events.
func (j *Journal) Audit() *audit.Recorder { return j.audit }

func (j *Journal) renewLease(ctx context.Context) {
	if err := j.lease.Heartbeat(ctx); err != nil {
		j.options.Log.WarnContext(ctx,
			"the journal cannot be written: other replicas will take over what this one runs", "error", err)
	}
}

// deleteOld deletes the mutations that were settled long ago and that nobody runs again, unless the
// clock may have jumped.
func (j *Journal) deleteOld(ctx context.Context) {
	if err := j.deleteUnlessHeld(ctx, time.Now()); err != nil && ctx.Err() == nil {
		j.options.Log.WarnContext(ctx, "old mutations could not be deleted", "error", err)
	}
}

func (j *Journal) deleteUnlessHeld(ctx context.Context, now time.Time) error {
	oldest, held, err := j.records.Deletion(ctx)
	if err != nil {
		return err
	}
	deletes, since := decide.Delete(decide.Old{Now: now, Keep: j.options.Keep, Oldest: oldest, HeldSince: held})
	if !since.Equal(held) {
		if err := j.records.HoldDeletion(ctx, since); err != nil {
			return err
		}
	}
	if deletes {
		return j.records.DeleteSettledBefore(ctx, now.Add(-j.options.Keep))
	}
	j.options.Log.WarnContext(ctx, "no old mutation is deleted: the clock may have jumped ahead, or drmhub did not "+
		"run for long. Check the clock", "oldest", oldest, "until", since.Add(j.options.Keep))
	return nil
}

// lookForLastEvents looks for unconfirmed events before the replica ends.
func (j *Journal) lookForLastEvents(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, j.options.Lease)
	defer cancel()
	if left := j.audit.LookForUnconfirmed(ctx); left > 0 {
		j.options.Log.WarnContext(ctx,
			"the copy of the audit trail may lack events: compare it with the store", "events", left)
	}
}
