package upstream

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/failsafe-go/failsafe-go/circuitbreaker"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/mutation"
)

// attemptResult is what one attempt shows about the vendor.
type attemptResult int

const (
	// the caller ended the call before the vendor showed what it would do
	inconclusive attemptResult = iota
	unsent                     // nothing was tried
	answered                   // the vendor works, whatever it said
	// it cannot be reached, it broke off, it was too slow, or it reports a failure of its own
	down
)

const (
	maxAttempts = 3
	firstPause  = 100 * time.Millisecond
	longPause   = time.Second
)

// Read makes a call that changes nothing at the vendor, and decodes its JSON answer into the value
// that into points to, which is zeroed first; a nil into is for calls that answer nothing. Members
// that the value has no field for are ignored, names must match in case. An attempt that found the
// vendor down is repeated, at most twice.
func (c *Client) Read(ctx context.Context, req Request, into any) (*Response, error) {
	var last error
	for attempt := 1; ; attempt++ {
		resp, v, err := c.try(ctx, req, into, false)
		if v == unsent && last != nil && ctx.Err() == nil {
			return nil, last // why it failed says more than why it was not tried again
		}
		if v != down || attempt == maxAttempts || c.throttled() != nil || !c.budget.allows() {
			return resp, err
		}
		pause := min(firstPause<<(attempt-1), longPause/2)
		pause += rand.N(pause) // so that callers who failed together do not come back together
		if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= pause {
			return nil, err
		}
		select {
		case <-time.After(pause):
			last = err
		case <-ctx.Done():
			return nil, apierror.FromContext(ctx)
		}
	}
}

// Write makes a call that may change something at the vendor. It is sent at most once; into is as
// in Read. An answer that does not show whether the vendor did it is OUTCOME_UNKNOWN. In a trial of
// a mutation nothing is sent, and mutation.IsDryRun reports true for the error.
func (c *Client) Write(ctx context.Context, req Request, into any) (*Response, error) {
	if trial := mutation.DryRunFrom(ctx); trial != nil {
		planned, err := c.curl(ctx, req)
		if err != nil {
			return nil, err
		}
		return nil, trial.Plan(planned)
	}
	resp, _, err := c.try(ctx, req, into, true)
	return resp, err
}

// newBreaker makes a breaker that opens when ten of the last twenty attempts found the vendor down,
// and lets one through after five seconds.
func newBreaker() circuitbreaker.CircuitBreaker[any] {
	return circuitbreaker.NewBuilder[any]().WithFailureThresholdRatio(10, 20).WithSuccessThreshold(1).WithDelay(5 * time.Second).Build()
}

// broken reports whether the breaker lets nothing through at this moment.
func (c *Client) broken() bool { return c.breaker.IsOpen() && c.breaker.RemainingDelay() > 0 }

// record tells the breaker and the budget how an attempt that the breaker let through ended.
func (c *Client) record(v attemptResult) {
	c.budget.record(v)
	switch {
	case v == answered:
		c.breaker.RecordSuccess()
	case v == down, c.breaker.IsHalfOpen():
		// a trial that proved nothing must not keep the breaker waiting for its end
		c.breaker.RecordFailure()
	}
}

// budget stops retries while too many attempts fail, so that a vendor in trouble does not get three
// times the load. It counts as gRPC's retry throttling does: a failure costs one, a success gives
// back a fifth, and above ten of twenty nothing is tried again.
type budget struct {
	mu    sync.Mutex
	spent float64
}

func (b *budget) record(v attemptResult) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch v {
	case down:
		b.spent = min(b.spent+1, 20)
	case answered:
		b.spent = max(b.spent-0.2, 0)
	}
}

func (b *budget) allows() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.spent <= 10
}
