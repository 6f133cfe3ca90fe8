package app

import (
	"cmp"
	"context"
	"time"

	"github.com/drmhub/drmhub/server/internal/auth"
	"github.com/drmhub/drmhub/server/internal/auth/limit"
	"github.com/drmhub/drmhub/server/internal/auth/refusal"
	"github.com/drmhub/drmhub/server/internal/auth/token"
	"github.com/drmhub/drmhub/server/internal/config"
)

const (
	// maxCallersStreams bounds the streams that one caller reads at the same time.
	maxCallersStreams = 16
	// maxTotalStreams bounds the streams that all callers read at the same time. A stream that
	// nobody reads holds one to two megabytes.
	maxTotalStreams = 256
	// refusalsTime bounds how long a stop waits for the audit events of refused calls.
	refusalsTime = 5 * time.Second
)

// newLimiter returns what bounds the calls of each caller. In mode none all callers are the same,
// so only their streams are bounded.
func newLimiter(cfg config.Auth) *limit.Limiter {
	if cfg.Mode == config.AuthNone {
		return limit.New(limit.Options{TotalStreams: maxTotalStreams})
	}
	limits := limitsOf(cfg)
	return limit.New(limit.Options{
		Rate: limits.Rate, Burst: limits.Burst, Streams: maxCallersStreams, TotalStreams: maxTotalStreams,
	})
}

// limitsOf returns the limits of each caller in mode jwt.
func limitsOf(cfg config.Auth) config.Limits {
	if cfg.Limits == nil {
		return config.DefaultLimits
	}
	return *cfg.Limits
}

// newRefusals returns the recorder of refused calls. Their audit events belong to the chain of the
// journal.
func (a *App) newRefusals() *refusal.Recorder {
	return refusal.New(refusal.Options{Log: a.log, Record: a.journal.Audit().Record, Count: a.metrics.CountRefused})
}

// closeRefusals writes the last audit events of refused calls, before the journal closes.
func (a *App) closeRefusals(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), refusalsTime)
	defer cancel()
	a.refusals.Close(ctx)
}

// unidentified records a call without a valid identity.
func (a *App) unidentified(ctx context.Context, method string, cause error) {
	words := cmp.Or(string(token.ReasonOf(cause)), auth.CauseOf(cause), "other")
	a.refusals.Refused(ctx, method, "", auth.Unauthenticated(), words)
}

// admit takes the cost of a call over REST before its request is read, and records a refusal.
func (a *App) admit(ctx context.Context, method, parent string) (context.Context, error) {
	admitted, err := a.limits.Early(ctx, method, parent)
	if err != nil {
		a.refusals.Refused(ctx, method, parent, err, "")
	}
	return admitted, err
}

// permit refuses a call over REST without its scope before the request is read, and records the
// refusal.
func (a *App) permit(ctx context.Context, method, resource string) error {
	err := auth.CheckScope(ctx, method)
	if err != nil {
		a.refusals.Refused(ctx, method, resource, err, "")
	}
	return err
}
