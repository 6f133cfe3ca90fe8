package app

import (
	"github.com/drmhub/drmhub/server/internal/auth/limit"
	"github.com/drmhub/drmhub/server/internal/config"
)

const (
	// maxCallersStreams bounds the streams that one caller reads at the same time.
	maxCallersStreams = 16
	// maxTotalStreams bounds the streams that all callers read at the same time. A stream that nobody reads
	// holds one to two megabytes.
	maxTotalStreams = 256
)

// newLimiter returns what bounds the calls of each caller. In mode none all callers are the same, so only
// their streams are bounded.
func newLimiter(cfg config.Auth) *limit.Limiter {
	if cfg.Mode == config.AuthNone {
		return limit.New(limit.Options{TotalStreams: maxTotalStreams})
	}
	limits := config.DefaultLimits
	if cfg.Limits != nil {
		limits = *cfg.Limits
	}
	return limit.New(limit.Options{
		Rate: limits.Rate, Burst: limits.Burst, Streams: maxCallersStreams, TotalStreams: maxTotalStreams,
	})
}
