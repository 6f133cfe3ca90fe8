package upstream

import (
	"context"
	"crypto/sha256"
	"slices"
	"sync"
	"time"

	"github.com/failsafe-go/failsafe-go/circuitbreaker"

	"github.com/drmhub/drmhub/adapters/mutation"
)

// breakers keep calls away from a vendor that is down. Mutations have a breaker of their own, so that
// reads cannot stop a change. The result of a mutation also counts for reads.
type breakers struct {
	reads, mutations circuitbreaker.CircuitBreaker[any]
	failures         failures
}

func newBreakers() breakers { return breakers{reads: newBreaker(), mutations: newBreaker()} }

// newBreaker returns a breaker that opens when ten of the last twenty calls found the vendor down. It
// permits one call after five seconds.
func newBreaker() circuitbreaker.CircuitBreaker[any] {
	return circuitbreaker.NewBuilder[any]().
		WithFailureThresholdRatio(10, 20).
		WithSuccessThreshold(1).
		WithDelay(5 * time.Second).
		Build()
}

// An exchange is one Read or Write. All its attempts count as one call for the breaker.
type exchange struct {
	Request
	write    bool
	breakers *breakers
	breaker  circuitbreaker.CircuitBreaker[any]
	trial    bool          // the breaker permitted this call alone
	result   attemptResult // of the last attempt that was sent
	attempts int           // that were sent or are about to be
}

func (c *Client) newExchange(ctx context.Context, req Request, write bool) *exchange {
	b := &c.account.breakers
	one := &exchange{Request: req, write: write, breakers: b, breaker: b.reads, result: unsent}
	if write || mutation.Running(ctx) {
		one.breaker = b.mutations
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
	c.trial = c.breaker.IsHalfOpen()
	c.result = inconclusive
	return true
}

// end records the result of the call.
func (c *exchange) end() {
	if c.result == unsent {
		return
	}
	b := c.breakers
	switch {
	case c.result == answered:
		b.failures.forget(c.Request)
		c.breaker.RecordSuccess()
	case c.result == failed && !b.failures.areGeneral(c.Request):
		c.breaker.RecordSuccess() // The vendor works for other requests, as far as is known.
		return
	case c.result != inconclusive, c.breaker.IsHalfOpen():
		// An inconclusive call must not keep the half-open breaker waiting.
		c.breaker.RecordFailure()
	}
	switch {
	case c.breaker == b.reads, c.result == inconclusive:
	case c.result != answered:
		b.reads.RecordFailure()
	case b.reads.IsClosed():
		b.reads.RecordSuccess()
	default:
		b.reads.Close() // The mutation has shown that the vendor works.
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
