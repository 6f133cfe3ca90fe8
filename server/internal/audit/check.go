package audit

import (
	"context"
	"fmt"
	"math"

	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/auth"
)

// maxBreaks bounds the breaks that a response shows.
const maxBreaks = 100

// VerifyAuditEvents checks all chains of the store. A chain holds events of all vendors, so only a
// caller that sees all events may ask.
func (s *Service) VerifyAuditEvents(
	ctx context.Context, _ *pb.VerifyAuditEventsRequest,
) (*pb.VerifyAuditEventsResponse, error) {
	if !auth.FromContext(ctx).Records().All() {
		return nil, auth.Denied()
	}
	select {
	case s.verifying <- struct{}{}:
		defer func() { <-s.verifying }()
	case <-ctx.Done():
		return nil, apierror.FromContext(ctx)
	}
	res := &pb.VerifyAuditEventsResponse{}
	var events int64
	err := Verify(ctx, s.db, func(c Chain) {
		events += c.Events
		res.ChainCount++
		if c.Damage == "" {
			return
		}
		res.BreakCount++
		if len(res.GetBreaks()) < maxBreaks {
			res.Breaks = append(res.Breaks, c.breakage())
		}
	})
	if err != nil {
		return nil, unreadable(ctx, err)
	}
	res.EventCount, res.Intact = int32(min(events, math.MaxInt32)), res.GetBreakCount() == 0
	return res, nil
}

var breakKinds = map[Damage]struct {
	kind  pb.VerifyAuditEventsResponse_Break_Kind
	means string
}{
	Missing: {pb.VerifyAuditEventsResponse_Break_MISSING, "is missing, but later events of its chain exist"},
	Changed: {pb.VerifyAuditEventsResponse_Break_CHANGED, "was changed after it was written"},
	Inserted: {pb.VerifyAuditEventsResponse_Break_INSERTED,
		"was inserted: it exists twice, or no event of its chain is linked with it"},
}

// breakage returns the break of a damaged chain.
func (c Chain) breakage() *pb.VerifyAuditEventsResponse_Break {
	is := breakKinds[c.Damage]
	return &pb.VerifyAuditEventsResponse_Break{
		AuditEvent: c.Damaged(), Chain: c.ID, Kind: is.kind,
		Message: fmt.Sprintf("%s %s. The later events of the chain are not checked. Find out who can write the "+
			"store, and compare the chain with a copy of the audit trail", c.Damaged(), is.means),
	}
}
