package refusal

import (
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"golang.org/x/time/rate"

	"github.com/drmhub/drmhub/server/internal/audit"
)

const (
	// linesPerSecond and burstOfLines bound the lines in the log.
	linesPerSecond, burstOfLines = 5, 20
	// eventPause is the pause between two events of the same subject, method and reason, after a
	// burst.
	eventPause, burstOfEvents = time.Minute, 10
	// totalPause is the pause between two events of any kind, after a burst: some 17,000 events a
	// day.
	totalPause, burstInTotal = 5 * time.Second, 500
	// maxKinds is how many subjects, methods and reasons are remembered.
	maxKinds = 1000
)

// kind is what the events of refusals are bounded by.
type kind struct{ subject, method, reason string }

// bounds say which refusals are recorded.
type bounds struct {
	lines *rate.Limiter
	kinds *simplelru.LRU[kind, *rate.Limiter]
	// Callers without an identity have a bound of their own. So they cannot use up that of known
	// callers.
	known, unknown *rate.Limiter
}

func newBounds() bounds {
	kinds, err := simplelru.NewLRU[kind, *rate.Limiter](maxKinds, nil)
	if err != nil {
		panic(err) // The size is positive.
	}
	total := func() *rate.Limiter { return rate.NewLimiter(rate.Every(totalPause), burstInTotal) }
	return bounds{
		lines: rate.NewLimiter(linesPerSecond, burstOfLines), kinds: kinds, known: total(), unknown: total(),
	}
}

// line reports whether a refusal gets a line in the log.
func (b *bounds) line() bool { return b.lines.Allow() }

// event reports whether a refusal gets an audit event.
func (b *bounds) event(reason string, e audit.Event) bool {
	k := kind{e.Subject, e.Method, reason}
	ofKind, ok := b.kinds.Get(k)
	if !ok {
		ofKind = rate.NewLimiter(rate.Every(eventPause), burstOfEvents)
		b.kinds.Add(k, ofKind)
	}
	total := b.known
	if e.Subject == "" {
		total = b.unknown
	}
	return ofKind.Allow() && total.Allow()
}
