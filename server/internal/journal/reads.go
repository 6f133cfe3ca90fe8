package journal

import (
	"context"

	"github.com/drmhub/drmhub/server/internal/audit"
)

// Record keeps an audit event of a call that is no mutation, in the chain of this replica. It is durable when Record returns.
func (j *Journal) Record(ctx context.Context, e audit.Event) error {
	kept, err := j.trail.Record(ctx, j.db, e)
	if err == nil {
		j.options.Recorded(kept)
	}
	return err
}
