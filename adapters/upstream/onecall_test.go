package upstream_test

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/drmhub/drmhub/adapters/upstream"
)

const requestsOfACall = 24 // as of eight sites, three pages each

// slowly responds after three seconds.
func slowly(w http.ResponseWriter, r *http.Request) {
	time.Sleep(3 * time.Second)
	working(w, r)
}

// manyAtOnce makes the requests of one call, and reports those that fail.
func (v *vendor) manyAtOnce(ctx context.Context, t *testing.T) {
	var requests sync.WaitGroup
	defer requests.Wait()
	ctx = upstream.OneCall(ctx)
	for range requestsOfACall {
		requests.Go(func() {
			if err := v.read(ctx); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestACallAloneIsNotRefused(t *testing.T) {
	for _, reads := range []int{1, 3, 32} {
		for _, queue := range []int{0, 1, 64} {
			for _, maxWait := range []time.Duration{0, time.Second, time.Minute} {
				l := upstream.Lane{Reads: reads, Writes: reads, Queue: queue, MaxWait: maxWait}
				against(t, slowly, narrow(l), func(t *testing.T, v *vendor) {
					for _, ctx := range []context.Context{t.Context(), upstream.Background(t.Context())} {
						began := time.Now()
						v.manyAtOnce(ctx, t)
						rounds := (requestsOfACall + reads - 1) / reads
						if took := time.Since(began); took != time.Duration(rounds)*3*time.Second {
							t.Errorf("%+v: took %v, want %d rounds", l, took, rounds)
						}
					}
				})
			}
		}
	}
}

// A call of many requests takes its turn among the others.
func TestACallOfManyRequestsHoldsUpNobody(t *testing.T) {
	l := upstream.Lane{Reads: 2, Writes: 1, Queue: 2, MaxWait: 4 * time.Second}
	against(t, slowly, narrow(l), func(t *testing.T, v *vendor) {
		var calls sync.WaitGroup
		for range 2 {
			calls.Go(func() { v.manyAtOnce(t.Context(), t) })
		}
		v.wantLane(t, "reads", 2, 2*requestsOfACall-2, 0)
		for range 5 {
			time.Sleep(time.Second)
			began := time.Now()
			if err := v.read(t.Context()); err != nil || time.Since(began) > 6*time.Second {
				t.Errorf("another call ended after %v: %v", time.Since(began), err)
			}
		}
		calls.Wait()
		v.wantLane(t, "reads", 0, 0, 0)
	})
}

func TestRequestsOfACallThatLeaveLoseNoPlace(t *testing.T) {
	l := upstream.Lane{Reads: 2, Writes: 1, Queue: 1, MaxWait: 2 * time.Second}
	against(t, stall, narrow(l), func(t *testing.T, v *vendor) {
		var calls sync.WaitGroup
		for range 3 {
			call := upstream.OneCall(t.Context())
			for i := range requestsOfACall {
				ctx, cancel := context.WithTimeout(call, time.Duration(i%7+1)*time.Second)
				calls.Go(func() {
					defer cancel()
					_ = v.read(ctx)
				})
			}
		}
		calls.Wait()
		v.wantLane(t, "reads", 0, 0, v.Status().Lanes[0].Refused[upstream.RefusedByLane])
	})
}
