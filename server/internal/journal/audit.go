package journal

import (
	"context"
	"encoding/hex"

	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/protobuf/proto"

	"github.com/drmhub/drmhub/server/internal/audit"
	"github.com/drmhub/drmhub/server/internal/auth"
)

// Record keeps an audit event of a call that is no mutation, in the chain of this replica. It is durable when Record returns.
func (j *Journal) Record(ctx context.Context, e audit.Event) error {
	kept, err := j.trail.Record(ctx, j.db, e)
	if err == nil {
		j.options.Recorded(kept)
	}
	return err
}

// recordAsked keeps who asked to settle or to resend a mutation, before that is done. What comes of it is another event, of the mutation itself.
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
