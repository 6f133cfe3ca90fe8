package journal

import (
	"context"
	"encoding/hex"

	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/protobuf/proto"

	"github.com/drmhub/drmhub/server/internal/audit"
	"github.com/drmhub/drmhub/server/internal/auth"
)

// Audit returns the recorder of this replica's audit events.
func (j *Journal) Audit() *audit.Recorder { return j.audit }

// lookForLastEvents looks for unconfirmed events before the replica ends.
func (j *Journal) lookForLastEvents(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, j.options.Lease)
	defer cancel()
	if left := j.audit.LookForUnconfirmed(ctx); left > 0 {
		j.options.Log.WarnContext(ctx, "The copy of the audit trail may lack events: compare it with the store.", "events", left)
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
	return unwritable(j.audit.Record(ctx, audit.Event{
		Subject: auth.FromContext(ctx).Subject, Method: trimMethod(fullMethod), Resource: req.GetName(), RequestDigest: hex.EncodeToString(digest), Outcome: code.Code_OK.String(),
	}))
}
