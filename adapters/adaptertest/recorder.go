package adaptertest

import (
	"context"
	"fmt"
	"runtime"
	"sync"
)

// A recorder is a T that keeps the failures.
type recorder struct {
	ctx      context.Context
	mu       sync.Mutex
	failures []string
}

// Failures runs a check and returns its failures. A panic is a failure too.
func Failures(ctx context.Context, check func(T)) []string {
	r := &recorder{ctx: ctx}
	var checking sync.WaitGroup
	checking.Go(func() {
		defer func() {
			if p := recover(); p != nil {
				r.Errorf("panic: %v", p)
			}
		}()
		check(r)
	})
	checking.Wait()
	return r.failures
}

func (r *recorder) Helper() {}

func (r *recorder) Context() context.Context { return r.ctx }

func (r *recorder) Logf(string, ...any) {}

func (r *recorder) Errorf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failures = append(r.failures, fmt.Sprintf(format, args...))
}

func (r *recorder) Fatalf(format string, args ...any) {
	r.Errorf(format, args...)
	runtime.Goexit()
}
