package upstream

import (
	"context"
	"slices"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/mutation"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// refusalReasons are the reasons in the order of the counters.
var refusalReasons = [...]RefusalReason{RefusedByPause, RefusedByBreaker, RefusedByLane, RefusedByRate}

// refusedFor counts a request that is not sent, and tells the account's observer of it.
func (a *attempt) refusedFor(ctx context.Context, reason RefusalReason) {
	account := a.client.account
	account.refused[a.lane][slices.Index(refusalReasons[:], reason)].Add(1)
	account.observer.Refused(ctx, Refusal{Vendor: account.ID(), Write: a.write, Reason: reason})
}

type placeKey struct{}

// withPlace marks the calls of ctx as parts of a request that has a place. They take no other
// place. Otherwise requests that have all places could wait for a login that gets none.
func withPlace(ctx context.Context) context.Context { return context.WithValue(ctx, placeKey{}, true) }

// admit blocks until the attempt may go on. leave gives its place back. admit returns an error if
// the vendor has asked for a pause, the breaker is open, or there is no place or no turn in time.
func (a *attempt) admit(ctx context.Context) (leave func(), err error) {
	if err := a.mayBegin(ctx); err != nil {
		return nil, err
	}
	began := time.Now()
	leave, err = a.enter(ctx)
	if err != nil {
		return nil, err
	}
	if err = a.awaitTurn(ctx); err == nil && time.Since(began) > 0 {
		err = a.mayBegin(ctx) // The vendor may have failed while the attempt waited.
	}
	if err != nil {
		leave()
		return nil, err
	}
	return leave, nil
}

// mayBegin returns an error if the caller has left, the vendor has asked for a pause, or the
// breaker is open. A write is sent in a pause too.
func (a *attempt) mayBegin(ctx context.Context) error {
	if ctx.Err() != nil {
		return a.errContextDone(ctx)
	}
	if t := a.client.account.throttled(); t != nil && !a.write {
		a.refusedFor(ctx, RefusedByPause)
		left := time.Until(t.until)
		code, reason := t.codeAndReason()
		e := a.fail(code, reason, "not sent: %s asked for a pause (HTTP %d), which ends in %v",
			a.vendor(), t.status, left.Round(time.Second))
		e.RetryAfter = left
		return e
	}
	if a.broken() {
		return a.errBreakerOpen(ctx)
	}
	return nil
}

// errBreakerOpen returns the error of a call that the open breaker refuses.
func (a *attempt) errBreakerOpen(ctx context.Context) error {
	a.refusedFor(ctx, RefusedByBreaker)
	return a.fail(codes.Unavailable, pb.ErrorReason_VENDOR_UNAVAILABLE,
		"not sent: most of the last calls to %s failed. drmhub tries again every few seconds", a.vendor())
}

// enter blocks until the attempt has a place in its lane.
func (a *attempt) enter(ctx context.Context) (leave func(), err error) {
	if ctx.Value(placeKey{}) != nil {
		return func() {}, nil
	}
	lane, begun := &a.client.account.lanes[a.lane], mutation.Begun(ctx)
	of := shareOf(ctx, lane)
	if of == nil {
		of = &a.alone
	}
	switch lane.enter(ctx, begun != nil && begun.Load(), of) {
	case entered:
		if begun != nil {
			begun.Store(true)
		}
		return func() { lane.leave(of) }, nil
	case gone:
		return nil, a.errContextDone(ctx)
	}
	a.refusedFor(ctx, RefusedByLane)
	limit, _, waiting := lane.count()
	e := a.fail(codes.ResourceExhausted, pb.ErrorReason_VENDOR_BUSY,
		"not sent: drmhub has %d requests to %s under way for %s, and %d wait. Retry after a pause",
		limit, a.vendor(), laneNames[a.lane], waiting)
	e.RetryAfter = busyPause
	return nil, e
}

// busyPause is when a caller whose request found no place may retry.
const busyPause = time.Second

// awaitTurn blocks until the limit of requests a second permits the attempt.
func (a *attempt) awaitTurn(ctx context.Context) error {
	perSecond, maxWait := a.client.RequestsPerSecond(), a.timeout
	if deadline, ok := ctx.Deadline(); ok {
		maxWait = time.Until(deadline)
	}
	wait, cancel, ok := a.client.account.takeTurn(perSecond, maxWait)
	if !ok {
		a.refusedFor(ctx, RefusedByRate)
		return a.fail(codes.ResourceExhausted, pb.ErrorReason_VENDOR_RATE_LIMITED,
			"not sent: the limit of %v requests per second to %s is used up for the next %v, until the deadline. "+
				"Send fewer requests, or raise the limit.",
			perSecond, a.vendor(), maxWait.Round(time.Millisecond))
	}
	if wait <= 0 {
		return nil
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		cancel()
		return a.errContextDone(ctx)
	}
}
