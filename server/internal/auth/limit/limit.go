// Package limit bounds how fast a caller calls, and how many streams it reads at the same time.
//
// Each caller has a bucket of tokens, which refills at the configured rate. A call takes tokens by
// its cost, and a call that finds too few is refused before anything is done. The error says how
// long to wait. Each replica has buckets of its own, so a caller of n replicas may call n times as
// fast.
//
// The memory is bounded. Only a full bucket is forgotten, which is the same as a new one. So no
// flood of other subjects gives a caller more calls than its rate. While all remembered buckets are
// in use, a new subject shares one of a fixed number of buckets.
package limit

import (
	"hash/maphash"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"golang.org/x/time/rate"
	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

const (
	// maxRemembered is how many callers have a bucket of their own.
	maxRemembered = 10_000
	// sharedBuckets is how many buckets further callers share.
	sharedBuckets = 1024
)

// A Limiter bounds the calls and the streams of each caller. It is safe for concurrent use. A nil
// Limiter bounds nothing.
type Limiter struct {
	streams streams
	seed    maphash.Seed // nobody can choose a subject that shares the bucket of a certain other

	limited    atomic.Bool // rate is not 0
	mu         sync.Mutex
	rate       rate.Limit
	burst      int
	remembered *simplelru.LRU[string, *rate.Limiter]
	shared     [sharedBuckets]*rate.Limiter // nil until the first use
}

// Options say what a Limiter bounds.
type Options struct {
	// Rate is how many tokens a second a bucket gets, and Burst how many it holds. A Rate of 0
	// means that there is no limit.
	Rate  float64
	Burst int
	// Streams is how many streams a caller may read at the same time. 0 means that there is no
	// limit.
	Streams int
	// TotalStreams is how many streams all callers may read at the same time. 0 means that there is
	// no limit.
	TotalStreams int
}

// New returns a limiter.
func New(o Options) *Limiter {
	remembered, err := simplelru.NewLRU[string, *rate.Limiter](maxRemembered, nil)
	if err != nil {
		panic(err) // The size is positive.
	}
	l := &Limiter{
		seed: maphash.MakeSeed(), remembered: remembered,
		streams: streams{perCaller: o.Streams, total: o.TotalStreams, of: map[string]int{}},
	}
	l.Configure(o.Rate, o.Burst)
	return l
}

// Configure changes the rate and the burst. Each bucket keeps the tokens that it holds and that
// fit.
func (l *Limiter) Configure(perSecond float64, burst int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.rate == rate.Limit(perSecond) && l.burst == burst {
		return
	}
	l.rate, l.burst = rate.Limit(perSecond), burst
	l.limited.Store(perSecond > 0)
	now := time.Now()
	for _, b := range append(l.remembered.Values(), l.shared[:]...) {
		if b != nil {
			b.SetLimitAt(now, l.rate)
			b.SetBurstAt(now, burst)
		}
	}
}

// take takes the tokens of a call. If there are too few, it takes none, and returns an error with
// the time until there are enough. A call never costs more than a full bucket holds, so every call
// can pass.
func (l *Limiter) take(subject string, cost int) error {
	if subject == "" || !l.limited.Load() {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	tokens := l.bucket(subject, now).ReserveN(now, min(cost, l.burst))
	wait := tokens.DelayFrom(now)
	if wait == 0 {
		return nil
	}
	tokens.CancelAt(now)
	return tooFast(wait)
}

// bucket returns the bucket of a caller.
func (l *Limiter) bucket(subject string, now time.Time) *rate.Limiter {
	if b, ok := l.remembered.Get(subject); ok {
		return b
	}
	if l.remembered.Len() == maxRemembered {
		if _, oldest, _ := l.remembered.GetOldest(); oldest.TokensAt(now) < float64(l.burst) {
			return l.sharedBucket(subject)
		}
	}
	b := rate.NewLimiter(l.rate, l.burst)
	l.remembered.Add(subject, b)
	return b
}

// sharedBucket returns a bucket that a caller shares with others.
func (l *Limiter) sharedBucket(subject string) *rate.Limiter {
	b := &l.shared[maphash.String(l.seed, subject)%sharedBuckets]
	if *b == nil {
		*b = rate.NewLimiter(l.rate, l.burst)
	}
	return *b
}

// tooFast returns the error of a call that finds too few tokens. After the wait, the bucket holds
// enough. It is rounded up, since the fractions of tokens are.
func tooFast(wait time.Duration) error {
	if rounded := wait.Truncate(time.Microsecond) + time.Microsecond; rounded > wait {
		wait = rounded
	}
	e := apierror.New(codes.ResourceExhausted, pb.ErrorReason_CALLER_RATE_LIMITED,
		"nothing was done: this caller calls too fast. Repeat the same call after %s", wait)
	e.RetryAfter = wait
	return e
}
