package syncer

import (
	"cmp"
	"context"
	"time"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/internal/panics"
	"github.com/drmhub/drmhub/server/internal/archive"
)

const (
	// sweepEvery is how often rows are forgotten that are older than archive.keep.
	sweepEvery = 24 * time.Hour
	// overdueEvery is how often the Syncer looks for sites whose passes do not forget their rows.
	overdueEvery = 10 * time.Minute
)

// sweep forgets the rows that are older than archive.keep, each day and when it has another value.
func (s *Syncer) sweep(ctx context.Context, one *site) error {
	settings := s.Current()
	if time.Since(one.swept) < sweepEvery && one.keep == settings.Keep {
		return nil
	}
	if one.pass.Hold != nil {
		if err := one.pass.Hold(ctx); err != nil {
			return err
		}
	}
	before := settings.forgotten(time.Now())
	if _, err := s.Engine.Forget(ctx, one.name, max(before, archive.MinSecond)); err != nil {
		return err
	}
	one.swept, one.keep = time.Now(), settings.Keep
	return nil
}

// sweepNowAndThen sweeps sites that are overdue, until ctx ends.
func (s *Syncer) sweepNowAndThen(ctx context.Context) {
	ticker := time.NewTicker(overdueEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			s.sweepOverdue(ctx)
		}
	}
}

// sweepOverdue sweeps all sites that no pass has swept in time: their vendors do not respond or
// name them no more, or are no longer configured. Replicas may do so at the same time.
func (s *Syncer) sweepOverdue(ctx context.Context) {
	if p := panics.Catch(func() {
		all, failed := s.Engine.Sites(ctx)
		for _, known := range all {
			failed = cmp.Or(failed, s.sweepWithoutPass(ctx, s.site(known.Name)))
		}
		if failed != nil && ctx.Err() == nil {
			s.Log.WarnContext(ctx, "the archive cannot remove rows that are older than archive.keep; it tries again",
				"error", apierror.Convert(failed).Message)
		}
	}); p != nil {
		s.Log.ErrorContext(ctx, "the removal of old rows of the archive panicked", "panic", p.Error())
	}
}

// sweepWithoutPass sweeps a site, unless a pass of it runs, which sweeps it.
func (s *Syncer) sweepWithoutPass(ctx context.Context, one *site) error {
	select {
	case one.turn <- struct{}{}:
	default:
		return nil
	}
	defer func() { <-one.turn }()
	one.pass.Hold = nil // The lease of the pass before has ended.
	return s.sweep(ctx, one)
}
