package telemetry

import (
	"context"
	"errors"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/tap"

	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// unhandledTime is how long after the end of a call drmhub waits for its handler, at least. gRPC
// starts the handlers of all calls at once, even of those whose callers have left.
const unhandledTime = time.Second

// An arrival is a call over gRPC before a handler has it, and the call's context. No interceptor
// sees the calls that gRPC refuses itself:
//
//   - those with a compression that it does not know,
//   - those whose method is no path,
//   - those whose deadline has passed when they arrive.
type arrival struct {
	context.Context
	method  string
	header  metadata.MD
	at      time.Time
	ended   bool // the call had ended at the last look
	counted bool // without a handler
}

type arrivalKey struct{}

// Value returns the arrival itself for its key.
func (a *arrival) Value(key any) any {
	if key == (arrivalKey{}) {
		return a
	}
	return a.Context.Value(key)
}

// arrivals are the calls that no handler has yet. They are few, and a look at all of them in each
// second costs less than a timer for each.
type arrivals struct {
	mu      sync.Mutex
	waiting map[*arrival]struct{}
	looking bool // a look is due
}

// Arrived is the tap of a gRPC server. It has a call counted that gRPC refuses before any handler.
// A grpc.StatsHandler would see these calls too, but costs each call 20 allocations.
func (c *Calls) Arrived(ctx context.Context, info *tap.Info) (context.Context, error) {
	if c.off {
		return ctx, nil
	}
	a := &arrival{Context: ctx, method: info.FullMethodName, header: info.Header, at: time.Now()}
	all := &c.arrivals
	all.mu.Lock()
	defer all.mu.Unlock()
	if all.waiting == nil {
		all.waiting = map[*arrival]struct{}{}
	}
	all.waiting[a] = struct{}{}
	if !all.looking {
		all.looking = true
		time.AfterFunc(unhandledTime, c.lookForUnhandled)
	}
	return a, nil
}

// take has a handler take an arrival, and reports whether the arrival was counted before.
func (all *arrivals) take(a *arrival) (counted bool) {
	all.mu.Lock()
	defer all.mu.Unlock()
	delete(all.waiting, a)
	return a.counted
}

// lookForUnhandled ends the calls that had ended at the look before, and that no handler has taken
// since.
func (c *Calls) lookForUnhandled() {
	for _, a := range c.arrivals.unhandled() {
		c.refusedByGRPC(a)
	}
	all := &c.arrivals
	all.mu.Lock()
	defer all.mu.Unlock()
	if all.looking = len(all.waiting) > 0; all.looking {
		time.AfterFunc(unhandledTime, c.lookForUnhandled)
	}
}

// unhandled removes the arrivals that no handler will take, and returns them.
func (all *arrivals) unhandled() (refused []*arrival) {
	all.mu.Lock()
	defer all.mu.Unlock()
	for a := range all.waiting {
		if a.ended {
			a.counted = true
			delete(all.waiting, a)
			refused = append(refused, a)
		}
		a.ended = a.Err() != nil
	}
	return refused
}

// takeArrival has the handler of a call take it. It returns when the call arrived, which is now if
// nobody saw that. counted reports whether the call was counted before its handler came. gRPC lets
// a handler wait while too many others of its connection run.
func (c *Calls) takeArrival(ctx context.Context) (at time.Time, counted bool) {
	a := arrivalOf(ctx)
	if a == nil {
		return time.Now(), false
	}
	return a.at, c.arrivals.take(a)
}

// refusedByGRPC ends a call that gRPC has refused: with DEADLINE_EXCEEDED if its deadline had
// passed, and otherwise with UNIMPLEMENTED.
func (c *Calls) refusedByGRPC(a *arrival) {
	ctx, one := c.begin(a, a.method, GRPC, requestIDOf(a), a.at)
	err := apierror.New(codes.Unimplemented, pb.ErrorReason_REQUEST_INVALID, "gRPC does not know the compression")
	switch {
	case errors.Is(a.Err(), context.DeadlineExceeded):
		err = apierror.FromContext(a)
	case one.method == c.unknown:
		err = apierror.New(codes.Unimplemented, pb.ErrorReason_METHOD_UNKNOWN, "the method is unknown")
	}
	Fail(ctx, err)
}

// arrivalOf returns the arrival of a call, or nil.
func arrivalOf(ctx context.Context) *arrival {
	a, _ := ctx.Value(arrivalKey{}).(*arrival)
	return a
}

// requestIDOf returns the id of a call over gRPC.
func requestIDOf(ctx context.Context) string { return requestID(sentOf(ctx, requestIDKey)) }

// sentOf returns the values of a key that the caller of a call over gRPC has sent. The metadata of
// a context is searched as a whole if it has no such key, and most calls have none. The arrival has
// the same metadata.
func sentOf(ctx context.Context, key string) []string {
	if a := arrivalOf(ctx); a != nil {
		return a.header[key]
	}
	return metadata.ValueFromIncomingContext(ctx, key)
}
