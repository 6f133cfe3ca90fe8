package journal

import (
	"context"
	"sync"
	"time"
)

// pollInterval is the pause between two looks at the store, since other replicas do not announce
// their changes.
const pollInterval = 100 * time.Millisecond

// runs counts the methods that run in this replica, and announces the end of a run.
type runs struct {
	mu      sync.Mutex
	running int
	changed chan struct{} // closed, and replaced, when a run ends
}

func newRuns() *runs { return &runs{changed: make(chan struct{})} }

func (r *runs) begin() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.running++
}

func (r *runs) end() {
	r.mu.Lock()
	r.running--
	r.mu.Unlock()
	r.announce()
}

// announce wakes the calls of this replica that wait for the end of a run.
func (r *runs) announce() {
	r.mu.Lock()
	defer r.mu.Unlock()
	close(r.changed)
	r.changed = make(chan struct{})
}

// next returns a channel that is closed when the next run of this replica ends.
func (r *runs) next() <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.changed
}

// wait blocks until no method runs or ctx ends.
func (r *runs) wait(ctx context.Context) error {
	for {
		changed := r.next()
		r.mu.Lock()
		running := r.running
		r.mu.Unlock()
		if running == 0 {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// awaitChange blocks until something may have changed in the store. It returns false when ctx ends.
func awaitChange(ctx context.Context, changed <-chan struct{}) bool {
	timer := time.NewTimer(pollInterval)
	defer timer.Stop()
	select {
	case <-changed:
	case <-timer.C:
	case <-ctx.Done():
		return false
	}
	return true
}
