package upstream

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/mutation"
)

// An attemptResult says what one attempt shows about the vendor.
type attemptResult int

const (
	inconclusive attemptResult = iota // the caller ended the call before the vendor responded
	unsent                            // nothing was tried
	answered                          // the vendor works, whatever it responded
	failed                            // HTTP 500: the vendor fails, perhaps for this request only
	down                              // the vendor or a proxy is unreachable, too slow, or reports an outage
)

const (
	maxAttempts = 3
	firstPause  = 100 * time.Millisecond
	longPause   = time.Second
)

// Read makes a call that changes nothing at the vendor. It zeroes the value that into points to,
// and decodes the JSON response into it. It ignores unknown members, and names must match in case.
// If into is nil, it discards the response. If into is a *Raw, it keeps the body as it is. It
// repeats an attempt that found the vendor down, at most twice.
func (c *Client) Read(ctx context.Context, req Request, into any) (*Response, error) {
	end, err := mutation.BeginRequest(ctx)
	if err != nil {
		return nil, err
	}
	defer end()
	x := c.newExchange(ctx, req, false)
	defer x.end()
	var last error
	for attempt := 1; ; attempt++ {
		resp, result, err := c.try(ctx, x, into)
		if result == unsent && last != nil && ctx.Err() == nil {
			return nil, last // more useful than why there was no second attempt
		}
		again := (result == down || result == failed) && x.trial == nil
		if !again || attempt == maxAttempts || c.account.throttled() != nil || !c.account.budget.allows() {
			return resp, err
		}
		pause := min(firstPause<<(attempt-1), longPause/2)
		pause += rand.N(pause) // spreads callers that failed together
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

// Write makes a call that may change something at the vendor. It sends the call at most once. It
// treats into as Read does. Its error is OUTCOME_UNKNOWN if the write may have taken effect. In a
// dry run it sends nothing, and mutation.IsDryRun reports true for the error.
//
// If into is nil, a response that cannot be read passes for a success. Give Write a target for each
// response that has a body, even if the adapter ignores it: a response that cannot be read leaves
// the outcome unknown.
func (c *Client) Write(ctx context.Context, req Request, into any) (*Response, error) {
	if dryRun := mutation.DryRunFrom(ctx); dryRun != nil {
		planned, err := c.curl(ctx, req)
		if err != nil {
			return nil, err
		}
		return nil, dryRun.Plan(planned)
	}
	end, err := mutation.BeginRequest(ctx)
	if err != nil {
		return nil, err
	}
	defer end()
	x := c.newExchange(ctx, req, true)
	defer x.end()
	resp, _, err := c.try(ctx, x, into)
	return resp, err
}

// A budget stops retries while too many attempts fail. Otherwise a failing vendor would get three
// times the load. It counts as gRPC's retry throttling does: a failure adds one, a success
// subtracts a fifth, and above ten there is no retry.
type budget struct {
	mu    sync.Mutex
	spent float64
}

func (b *budget) record(result attemptResult) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch result {
	case failed, down:
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
