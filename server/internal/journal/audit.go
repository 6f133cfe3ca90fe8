package journal

import (
	"context"
	"encoding/hex"
	"maps"
	"time"

	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/protobuf/proto"

	"github.com/drmhub/drmhub/server/internal/audit"
	"github.com/drmhub/drmhub/server/internal/auth"
)

// Record keeps an audit event of a call that is no mutation, in the chain of this replica. It is
// durable when Record returns.
func (j *Journal) Record(ctx context.Context, e audit.Event) error {
	kept, err := j.trail.Record(ctx, j.db, e)
	j.recorded(kept, err)
	return err
}

// recorded tells of an event once it is durable. One whose commit seemed to have failed may be so,
// too, and is looked for.
func (j *Journal) recorded(kept audit.Event, err error) {
	switch {
	case kept.Position == 0: // there is none
	case err == nil:
		j.options.Recorded(kept)
	default:
		j.mu.Lock()
		defer j.mu.Unlock()
		j.unconfirmedEvents[kept] = time.Now()
	}
}

// lookForEvents tells of the events that are durable after all. left are those of which nobody
// knows yet.
func (j *Journal) lookForEvents(ctx context.Context) (left int) {
	j.mu.Lock()
	doubtful := maps.Clone(j.unconfirmedEvents)
	j.mu.Unlock()
	for e, since := range doubtful {
		held, err := j.trail.Holds(ctx, j.db, e)
		switch {
		case err != nil, !held && time.Since(since) <= maxCommitDelay:
			left++
			continue
		case held:
			j.options.Recorded(e)
		}
		j.mu.Lock()
		delete(j.unconfirmedEvents, e)
		j.mu.Unlock()
	}
	return left
}

// lookForLastEvents is lookForEvents before the end.
func (j *Journal) lookForLastEvents(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, j.options.Lease)
	defer cancel()
	if left := j.lookForEvents(ctx); left > 0 {
		j.options.Log.WarnContext(ctx, "audit events may be in the store that were not told of: compare the copy of the audit trail with the store", "events", left)
	}
}

// recordAsked keeps who asked to settle or to resend a mutation, before that is done. What comes of
// it is another event, of the mutation itself.
func (j *Journal) recordAsked(ctx context.Context, fullMethod string, req interface {
	proto.Message
	GetName() string
}) error {
	digest, err := j.Digest(fullMethod, req)
	if err != nil {
		return err
	}
	return unwritable(j.Record(ctx, audit.Event{
		Subject: auth.FromContext(ctx).Subject, Method: trimMethod(fullMethod), Resource: req.GetName(), RequestDigest: hex.EncodeToString(digest), Outcome: code.Code_OK.String(),
	}))
}
