package upstream

import (
	"context"
	"crypto/sha256"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/failsafe-go/failsafe-go/circuitbreaker"

	"github.com/drmhub/drmhub/adapters/mutation"
)

// A Breaker says when drmhub keeps calls away from a vendor account that is down. The tags have the
// names of the keys, and DefaultBreaker has the defaults.
type Breaker struct {
	// FailureRate is the share of the calls, above 0 and up to 1, that must find the vendor down. The
	// default is 0.5.
	FailureRate float64 `yaml:"failure_rate" range:">0..1"`
	// MinCalls is how many calls there must be within the window. The default is 20.
	MinCalls int `yaml:"min_calls" range:"1..100000"`
	// Window is the time over which calls count. The default is 30s.
	Window time.Duration `yaml:"window" range:"1s..1h"`
	// Delay is how long calls are refused before one tries the vendor again. The default is 5s.
	Delay time.Duration `yaml:"delay" range:">0s..1h"`
}

// DefaultBreaker returns the breaker of a vendor account whose configuration names none.
func DefaultBreaker() Breaker {
	return Breaker{FailureRate: 0.5, MinCalls: 20, Window: 30 * time.Second, Delay: 5 * time.Second}
}

const (
	maxMinCalls = 100_000
	minWindow   = time.Second
	maxWindow   = time.Hour
)

// Check reports every value that cannot be used, by its key, and what to do.
func (b *Breaker) Check(report func(key, problem string)) {
	// The comparison is false for a number that is not a number.
	if !(b.FailureRate > 0 && b.FailureRate <= 1) {
		report("failure_rate", "must be a number above 0 and up to 1: 0.5 opens the breaker if half of the calls fail")
	}
	if b.MinCalls < 1 || b.MinCalls > maxMinCalls {
		report("min_calls", "must be a whole number from 1 to "+strconv.Itoa(maxMinCalls))
	}
	if b.Window < minWindow || b.Window > maxWindow {
		report("window", "must be from 1s to 1h, such as 30s")
	}
	if b.Delay <= 0 || b.Delay > maxWindow {
		report("delay", "must be more than 0s and up to 1h, such as 5s")
	}
}

// breakers keep calls away from a vendor that is down. Mutations have a breaker of their own, so that
// reads cannot stop a change. The result of a mutation also counts for reads.
type breakers struct {
	mu               sync.RWMutex
	config           Breaker
	reads, mutations *breaker
	failures         failures
}

// A breaker is a circuit breaker that knows since when it is in its state.
type breaker struct {
	circuitbreaker.CircuitBreaker[any]
	since atomic.Pointer[time.Time]
}

// newBreaker returns a closed breaker. It counts calls, since a call may make several attempts.
func newBreaker(config Breaker) *breaker {
	b := &breaker{}
	b.setSince(time.Now())
	b.CircuitBreaker = circuitbreaker.NewBuilder[any]().
		WithFailureRateThreshold(config.FailureRate, uint(config.MinCalls), config.Window).
		WithSuccessThreshold(1).
		WithDelay(config.Delay).
		OnStateChanged(func(circuitbreaker.StateChangedEvent) { b.setSince(time.Now()) }).
		Build()
	return b
}

func (b *breaker) setSince(t time.Time) { b.since.Store(&t) }

// tryAgain lets the next call try the vendor at once, if the half-open breaker is as it was since began.
func (b *breaker) tryAgain(began *time.Time) {
	if b.since.Load() == began {
		// A change of its state is the only way to make the half-open breaker permit another call.
		b.Open()
		b.HalfOpen()
	}
}

func (b *breaker) status(name string) BreakerStatus {
	return BreakerStatus{Name: name, State: b.State().String(), Since: *b.since.Load()}
}

// reconfigured returns a breaker with another configuration, in the same state and with the same counts.
func (b *breaker) reconfigured(config Breaker) *breaker {
	next := newBreaker(config)
	switch b.State() {
	case circuitbreaker.ClosedState:
		for range b.Metrics().Successes() {
			next.RecordSuccess()
		}
		for range b.Metrics().Failures() {
			next.RecordFailure()
		}
	default:
		next.Open()
	}
	if next.State() == b.State() {
		next.setSince(*b.since.Load())
	}
	return next
}

// configure changes the configuration of both breakers.
func (b *breakers) configure(config Breaker) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.reads == nil:
		b.reads, b.mutations = newBreaker(config), newBreaker(config)
	case b.config != config:
		b.reads, b.mutations = b.reads.reconfigured(config), b.mutations.reconfigured(config)
	}
	b.config = config
}

func (b *breakers) configured() Breaker {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return b.config
}

// both returns the breakers of reads and of mutations.
func (b *breakers) both() (reads, mutations *breaker) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return b.reads, b.mutations
}

// An exchange is one Read or Write. All its attempts count as one call for the breaker.
type exchange struct {
	Request
	write    bool
	lane     laneKind
	failures *failures
	reads    *breaker      // the breaker of reads
	breaker  *breaker      // the breaker of this call
	trial    *time.Time    // since when the breaker was half open that permitted this call alone, or nil
	result   attemptResult // of the last attempt that was sent
	attempts int           // that were sent or are about to be
}

func (c *Client) newExchange(ctx context.Context, req Request, write bool) *exchange {
	reads, mutations := c.account.breakers.both()
	one := &exchange{
		Request: req, write: write, lane: laneOf(ctx, write), failures: &c.account.breakers.failures,
		reads: reads, breaker: reads, result: unsent,
	}
	if write || mutation.Running(ctx) {
		one.breaker = mutations
	}
	return one
}

// broken reports whether the breaker permits no attempt now.
func (c *exchange) broken() bool { return c.breaker.IsOpen() && c.breaker.RemainingDelay() > 0 }

// acquire asks the breaker for a permit. A call that gets one must end.
func (c *exchange) acquire() bool {
	if !c.breaker.TryAcquirePermit() {
		return false
	}
	if since := c.breaker.since.Load(); c.breaker.IsHalfOpen() {
		c.trial = since
	}
	c.result = inconclusive
	return true
}

// end records the result of the call.
func (c *exchange) end() {
	if c.result == unsent {
		return
	}
	switch {
	case c.result == answered:
		c.failures.forget(c.Request)
		c.breaker.RecordSuccess()
	case c.result == failed && !c.failures.areGeneral(c.Request):
		c.breaker.RecordSuccess() // The vendor works for other requests, as far as is known.
		return
	case c.result != inconclusive:
		// Only its trial opens a half-open breaker again. Other calls began before it, and say nothing new.
		if c.trial != nil || !c.breaker.IsHalfOpen() {
			c.breaker.RecordFailure()
		}
	case c.trial != nil:
		c.breaker.tryAgain(c.trial)
	}
	switch {
	case c.breaker == c.reads, c.result == inconclusive:
	case c.result != answered:
		c.reads.RecordFailure()
	case c.reads.IsClosed():
		c.reads.RecordSuccess()
	default:
		c.reads.Close() // The mutation has shown that the vendor works.
	}
}

const (
	// generalFrom is how many different requests must get an HTTP 500 before it counts as an outage.
	generalFrom = 3
	failureAge  = time.Minute // how long an HTTP 500 counts
)

// failures are the last requests that got an HTTP 500. A vendor may fail for one odd id and work for
// all others.
type failures struct {
	mu   sync.Mutex
	last []failure // of different requests, the oldest first
}

type failure struct {
	request [sha256.Size]byte
	at      time.Time
}

// areGeneral adds a request that got an HTTP 500. It reports whether different requests got one.
func (f *failures) areGeneral(r Request) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.remove(digest(r))
	f.last = append(f.last, failure{digest(r), time.Now()})
	f.last = f.last[max(0, len(f.last)-generalFrom):]
	return len(f.last) == generalFrom
}

// forget removes a request that the vendor has answered.
func (f *failures) forget(r Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.last) > 0 {
		f.remove(digest(r))
	}
}

// remove removes a request, and what is too old to count.
func (f *failures) remove(request [sha256.Size]byte) {
	f.last = slices.DeleteFunc(f.last, func(old failure) bool {
		return old.request == request || time.Since(old.at) > failureAge
	})
}

// digest identifies a request. Some vendors have the id in the query or in the body.
func digest(r Request) [sha256.Size]byte {
	h := sha256.New()
	for _, part := range []string{r.Method, r.Path, r.RawQuery, r.Query.Encode(), string(r.Body.content)} {
		h.Write([]byte(part + "\x00"))
	}
	return [sha256.Size]byte(h.Sum(nil))
}
