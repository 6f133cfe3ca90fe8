package upstream

import (
	"context"
	"time"

	"github.com/drmhub/drmhub/adapters/mutation"
)

// An exchange is one Read or Write. All its attempts count as one call for the breaker.
type exchange struct {
	Request
	write        bool
	lane         laneKind
	serverErrors *serverErrors
	reads        *breaker      // the breaker of reads
	breaker      *breaker      // the breaker of this call
	trial        *time.Time    // when the breaker became half-open, if this call is its trial; otherwise nil
	result       attemptResult // the result of the last attempt that was sent
	attempts     int           // how many attempts were sent, or are about to be
}

func (c *Client) newExchange(ctx context.Context, req Request, write bool) *exchange {
	reads, mutations := c.account.breakers.both()
	x := &exchange{
		Request: req, write: write, lane: laneOf(ctx, write), serverErrors: &c.account.breakers.serverErrors,
		reads: reads, breaker: reads, result: unsent,
	}
	if write || mutation.Running(ctx) {
		x.breaker = mutations
	}
	return x
}

// broken reports whether the breaker permits no attempt now.
func (x *exchange) broken() bool { return x.breaker.IsOpen() && x.breaker.RemainingDelay() > 0 }

// acquire asks the breaker for a permit. A call that gets one must end.
func (x *exchange) acquire() bool {
	if !x.breaker.TryAcquirePermit() {
		return false
	}
	if since := x.breaker.since.Load(); x.breaker.IsHalfOpen() {
		x.trial = since
	}
	x.result = inconclusive
	return true
}

// end records the result of the call.
func (x *exchange) end() {
	if x.result == unsent {
		return
	}
	switch {
	case x.result == answered:
		x.serverErrors.forget(x.Request)
		x.breaker.RecordSuccess()
	case x.result == failed && !x.serverErrors.add(x.Request):
		x.breaker.RecordSuccess() // The vendor works for other requests, as far as is known.
		return
	case x.result != inconclusive:
		// Only its trial opens a half-open breaker again. Other calls began before the trial, and
		// say nothing new.
		if x.trial != nil || !x.breaker.IsHalfOpen() {
			x.breaker.RecordFailure()
		}
	case x.trial != nil:
		x.breaker.tryAgain(x.trial)
	}
	switch {
	case x.breaker == x.reads, x.result == inconclusive:
	case x.result != answered:
		x.reads.RecordFailure()
	case x.reads.IsClosed():
		x.reads.RecordSuccess()
	default:
		x.reads.Close() // The mutation has shown that the vendor works.
	}
}
