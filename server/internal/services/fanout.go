package services

import (
	"context"
	"sync"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/upstream"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/internal/panics"
)

const (
	// listTime is how long a list over many parents takes at most, for a caller without a deadline.
	listTime = 30 * time.Second
	// partOfTime is the percentage of the time left that each parent has, and timeToAsk that of the
	// caller's time in which parents are asked.
	partOfTime, timeToAsk = 40, 90
)

// timeShares divides the time of a call among the parents of a list.
type timeShares struct {
	end time.Time
}

func newTimeShares(ctx context.Context) timeShares {
	left := listTime
	if deadline, ok := ctx.Deadline(); ok {
		left = time.Until(deadline)
	}
	return timeShares{end: time.Now().Add(left * timeToAsk / 100)}
}

// over reports whether the time is used up.
func (t timeShares) over() bool { return time.Until(t.end) <= 0 }

// part returns how long the next parents may take. A parent that is alone has all the time.
func (t timeShares) part(alone bool) time.Duration {
	left := max(time.Until(t.end), 0)
	if alone {
		return left
	}
	return left * partOfTime / 100
}

// An asking is one question to several vendors at once. Its responses arrive in any order, and are
// read in the order of the questions.
type asking[T any] struct {
	ctx       context.Context
	time      timeShares
	alone     bool
	responses []chan response[T]
	ask       func(ctx context.Context, i int) (T, error)
	begun     int
	cancel    context.CancelFunc
	running   sync.WaitGroup
}

type response[T any] struct {
	value    T
	err      error
	part     time.Duration // of the time
	slow     bool          // there was no response within the part
	panicked *panics.Panic
}

// begin prepares n questions. Each one has its part of the time that is left when it is asked. At
// most maxParallel are asked at once.
func begin[T any](
	ctx context.Context, t timeShares, n int, alone bool, ask func(ctx context.Context, i int) (T, error),
) *asking[T] {
	a := &asking[T]{time: t, alone: alone, responses: make([]chan response[T], n), ask: ask}
	a.ctx, a.cancel = context.WithCancel(upstream.OneCall(ctx)) //nolint:gosec // stop calls it.
	for i := range a.responses {
		a.responses[i] = make(chan response[T], 1)
	}
	return a
}

// next returns the response to question i, and blocks until it is there. A panic continues in the
// caller's goroutine, where an interceptor catches it.
func (a *asking[T]) next(i int) response[T] {
	for ; a.begun < min(i+maxParallel, len(a.responses)); a.begun++ {
		a.askOne(a.begun)
	}
	got := <-a.responses[i]
	if got.panicked != nil {
		a.stop()
		panic(got.panicked)
	}
	return got
}

func (a *asking[T]) askOne(i int) {
	got := response[T]{part: a.time.part(a.alone)}
	ctx, cancel := context.WithTimeout(a.ctx, got.part)
	a.running.Go(func() {
		defer cancel()
		got.panicked = panics.Catch(func() { got.value, got.err = a.ask(ctx, i) })
		got.slow = got.err != nil && ctx.Err() != nil && a.ctx.Err() == nil
		a.responses[i] <- got
	})
}

// errSlow returns the error of a vendor that did not respond within its part of the time.
func errSlow(vendor string, part time.Duration) error {
	return apierror.New(codes.Unavailable, pb.ErrorReason_VENDOR_UNAVAILABLE,
		"vendor %q did not respond within %v, its part of the time of this call", vendor, part.Round(time.Millisecond)).
		With(apierror.Vendor, vendor)
}

// stop ends what is still asked.
func (a *asking[T]) stop() {
	a.cancel()
	a.running.Wait()
}
