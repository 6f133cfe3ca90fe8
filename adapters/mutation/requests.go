package mutation

import (
	"context"
	"sync"
	"sync/atomic"
)

// requests are the requests of one run to the vendor.
type requests struct {
	begun    atomic.Bool // see Begun
	mu       sync.Mutex
	underWay int
}

// BeginRequest returns once the outcomes of the method's earlier writes are durable. The client
// calls it before each request to the vendor, before it waits for anything, and calls end when the
// request is over. After an error, the client must send nothing. Whatever else may take long is
// such a request too. Outside of a mutating method, and in a dry run, BeginRequest does nothing.
func BeginRequest(ctx context.Context) (end func(), err error) {
	if !Running(ctx) {
		return func() {}, nil
	}
	r := ctx.Value(key{}).(*run)
	r.requests.add(1)
	if err := r.log.Flush(context.WithoutCancel(ctx)); err != nil {
		r.requests.add(-1)
		if c, ok := ctx.Value(callKey{}).(*call); ok && !c.left {
			c.unrecorded = err
		}
		return nil, err
	}
	return func() { r.requests.add(-1) }, nil
}

func (r *requests) add(n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.underWay += n
}

// putOutcome stores the outcome of a write. While no request is under way, nothing can take long
// before the next request or the end of the run, and both make the outcome durable. So it waits for
// them, which saves a commit.
func (r *run) putOutcome(ctx context.Context, step string, outcome Record) error {
	r.requests.mu.Lock()
	if r.requests.underWay == 0 {
		defer r.requests.mu.Unlock() // A request that begins now flushes the outcome.
		return r.note(step, outcome)
	}
	r.requests.mu.Unlock()
	return r.put(ctx, step, outcome)
}

// Begun returns whether the mutating method of ctx has made a request to the vendor, which the
// client sets. It returns nil outside of a mutating method, and in a dry run.
func Begun(ctx context.Context) *atomic.Bool {
	if !Running(ctx) {
		return nil
	}
	return &ctx.Value(key{}).(*run).requests.begun
}
