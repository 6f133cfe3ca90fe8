package journal

import (
	"context"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/mutation"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/auth"
	"github.com/drmhub/drmhub/server/internal/journal/decide"
	"github.com/drmhub/drmhub/server/internal/journal/lockset"
	"github.com/drmhub/drmhub/server/internal/journal/records"
)

// maxLockWait bounds how long a call waits for another one that changes the same resource.
const maxLockWait = 30 * time.Second

// lock blocks until the mutation holds its locks. If that takes too long, nothing is sent.
func (r *run) lock(ctx context.Context, locks []string) error {
	return r.await(ctx, locks, func(ctx context.Context) (holder string, err error) {
		return r.journal.records.Lock(ctx, r.mutation, locks)
	})
}

// lockToResend is lock, and records the request_ids of the mutation's resends.
func (r *run) lockToResend(ctx context.Context, locks []string) error {
	return r.await(ctx, locks, func(ctx context.Context) (holder string, err error) {
		return r.journal.records.LockToResend(ctx, r.mutation, locks)
	})
}

// reopen moves a finished mutation back to INTENDED or UNKNOWN and takes its locks. It deletes the
// steps that had no effect, so that they run again. If no step remains, it deletes the snapshots
// too.
func (r *run) reopen(ctx context.Context, locks []string) error {
	m, s := r.mutation, r.steps
	state, keepEffects := decide.Reopened(s.summary())
	gone := func(known *step) bool {
		return !keepEffects || known.State == mutation.Refused || known.State == mutation.NotSent
	}
	var deleted []string
	for _, known := range s.filter(gone) {
		deleted = append(deleted, known.Name)
	}
	err := r.await(ctx, locks, func(ctx context.Context) (holder string, err error) {
		return r.journal.records.Reopen(ctx, m, locks, state, deleted)
	})
	if err != nil {
		return err
	}
	m.State, m.Attempts = state, 0
	s.all = s.filter(func(known *step) bool { return !gone(known) })
	return nil
}

// await calls take once no other mutation holds one of the locks, until it succeeds. It waits by
// reads, since many waiters that write would slow down the writes of others.
func (r *run) await(
	ctx context.Context, locks []string, take func(context.Context) (holder string, err error),
) error {
	ctx, cancel := context.WithTimeout(ctx, maxLockWait)
	defer cancel()
	place := &place{queues: r.journal.queues}
	defer place.leave()
	look := func() (holder string, err error) {
		lock, holder, err := r.journal.records.Blocking(ctx, r.mutation.ID, locks)
		switch {
		case err != nil:
			return "", err
		case holder == "":
			return take(ctx)
		case !place.take(lock, maxWaiters):
			return holder, errManyWait()
		}
		return holder, nil
	}
	last, err := r.journal.awaitHolder(ctx, look)
	if err == nil && last != "" {
		return r.journal.inProgress(ctx, last, "is still changing this resource")
	}
	return err
}

// awaitHolder calls look until it returns no holder, or an error. When ctx ends, it returns the
// last holder.
func (j *Journal) awaitHolder(
	ctx context.Context, look func() (holder string, err error),
) (last string, err error) {
	for {
		ended, forget := j.runs.next(last)
		holder, err := look()
		switch {
		case err != nil && (ctx.Err() == nil || last == ""):
		case err == nil && holder == "":
			last = ""
		case err == nil && holder != last: // Its end is announced from now on, so look again.
			last = holder
			forget()
			continue
		case awaitChange(ctx, ended):
			forget()
			continue
		default:
			err = nil
		}
		forget()
		return last, err
	}
}

// AwaitCreation blocks while the mutation that may have created this resource holds the lock of its
// key. A mutation that takes the lock later began after the resource was seen, so it does not
// count.
func (s *steps) AwaitCreation(ctx context.Context, resource proto.Message) error {
	ctx, cancel := context.WithTimeout(ctx, maxLockWait)
	defer cancel()
	lock, first := lockset.Key(s.mutation.Resource, resource), ""
	look := func() (holder string, err error) {
		if first != "" { // A read may be late, so only Holder proves that the lock is free.
			if _, holder, err = s.journal.records.Blocking(ctx, s.mutation.ID, []string{lock}); holder == first {
				return first, err
			}
		}
		holder, err = s.journal.records.Holder(ctx, lock)
		switch {
		case err != nil:
			return "", err
		case holder == "" || holder == s.mutation.ID || first != "" && holder != first:
			return "", nil
		case s.settling:
			return "", mutation.NoEffect() // Settling does not wait for what it would have to send.
		}
		first = holder
		return holder, nil
	}
	last, err := s.journal.awaitHolder(ctx, look)
	if err == nil && last != "" {
		return s.journal.inProgress(ctx, last, "may be creating this resource")
	}
	return err
}

// inProgress returns the error of a call that another mutation holds up. It names the other
// mutation if the caller may see it.
func (j *Journal) inProgress(ctx context.Context, holder, does string) error {
	name, advice := "another mutation", "Retry later."
	if view := auth.FromContext(ctx).Records(); view.All() || j.shows(ctx, view, holder) {
		name, advice = records.NamePrefix+holder, "Retry later, or check it with GetMutation."
	}
	return apierror.New(codes.Aborted, pb.ErrorReason_MUTATION_IN_PROGRESS, "Not sent: %s %s. %s", name, does, advice)
}

// maxLookup bounds how long an error waits for the store.
const maxLookup = time.Second

// shows reports whether a view has a mutation. The call's own time may be over.
func (j *Journal) shows(ctx context.Context, view auth.RecordView, id string) bool {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), maxLookup)
	defer cancel()
	m, err := j.records.Get(ctx, id)
	return err == nil && view.Includes(m.Method, m.Resource, m.Subject)
}
