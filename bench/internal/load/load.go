// Package load calls a server from many callers at once, and measures that.
package load

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

// Connections is how many connections the callers of a server share.
const Connections = 4

// Dial returns connections to a server. stop closes them.
func Dial(address string, options ...grpc.DialOption) (conns []*grpc.ClientConn, stop func(), err error) {
	stop = func() {
		for _, conn := range conns {
			_ = conn.Close()
		}
	}
	options = append(options, grpc.WithTransportCredentials(insecure.NewCredentials()))
	for range Connections {
		conn, err := grpc.NewClient(address, options...)
		if err != nil {
			stop()
			return nil, nil, err
		}
		conns = append(conns, conn)
	}
	return conns, stop, nil
}

// A Caller returns a function that makes one call as the caller with this number.
type Caller func(ctx context.Context, number int) (once func() error)

// Each returns a Caller that prepares nothing.
func Each(call func(ctx context.Context, number int) error) Caller {
	return func(ctx context.Context, number int) (once func() error) {
		return func() error { return call(ctx, number) }
	}
}

// ErrDone ends a caller. It is no failure.
var ErrDone = errors.New("the caller is done")

// Forever is for callers that end with ErrDone.
const Forever = time.Duration(1<<63 - 1)

// A Result is what callers have measured.
type Result struct {
	Length time.Duration
	Took   []time.Duration // by each call, shortest first
}

// Calls returns the number of calls.
func (r Result) Calls() float64 { return float64(len(r.Took)) }

// Rate returns the calls a second.
func (r Result) Rate() float64 { return r.Calls() / r.Length.Seconds() }

// Run makes calls with this number of callers for this time. The first call that fails ends it.
func Run(ctx context.Context, callers int, length time.Duration, caller Caller) (Result, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	took := make([][]time.Duration, callers)
	var all sync.WaitGroup
	begun := time.Now()
	work := func(number int) error {
		once := caller(ctx, number)
		for time.Since(begun) < length && ctx.Err() == nil {
			called := time.Now()
			if err := once(); err != nil {
				return err
			}
			took[number] = append(took[number], time.Since(called))
		}
		return nil
	}
	for number := range callers {
		all.Go(func() {
			if err := work(number); err != nil && !errors.Is(err, ErrDone) {
				cancel(err)
			}
		})
	}
	all.Wait()
	r := Result{Length: time.Since(begun), Took: slices.Concat(took...)}
	slices.Sort(r.Took)
	return r, context.Cause(ctx)
}

// Percentile returns a percentile of sorted values, or zero if there are none.
func Percentile[T cmp.Ordered](sorted []T, percent int) (value T) {
	if len(sorted) > 0 {
		value = sorted[min(len(sorted)-1, len(sorted)*percent/100)]
	}
	return value
}

// Median returns the median.
func Median[T cmp.Ordered](values []T) T {
	return Percentile(slices.Sorted(slices.Values(values)), 50)
}
