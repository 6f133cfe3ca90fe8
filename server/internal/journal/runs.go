package journal

import (
	"context"
	"sync"
	"time"
)

// pollInterval is the pause between two looks at the store, since other replicas do not announce
// their changes.
const pollInterval = 100 * time.Millisecond

// runs counts the methods that run in this replica, and announces the end of a run to the calls
// that wait for its mutation.
type runs struct {
	mu      sync.Mutex
	running int
	idle    chan struct{}      // closed, and replaced, when no method runs
	signals map[string]*signal // by the id of the mutation
}

// A signal wakes the calls that wait for a mutation.
type signal struct {
	ended   chan struct{}
	waiting int
}

func newRuns() *runs { return &runs{idle: make(chan struct{}), signals: map[string]*signal{}} }

func (r *runs) begin() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.running++
}

func (r *runs) end() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.running--; r.running == 0 {
		close(r.idle)
		r.idle = make(chan struct{})
	}
}

func (r *runs) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.running
}

// announce wakes the calls of this replica that wait for the end of a mutation's run.
func (r *runs) announce(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if s := r.signals[id]; s != nil {
		close(s.ended)
		delete(r.signals, id)
	}
}

// next returns a channel that is closed when the next run of a mutation ends in this replica. The
// caller calls forget once it waits no longer.
func (r *runs) next(id string) (ended <-chan struct{}, forget func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.signals[id]
	if s == nil {
		s = &signal{ended: make(chan struct{})}
		r.signals[id] = s
	}
	s.waiting++
	return s.ended, func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		if s.waiting--; s.waiting == 0 && r.signals[id] == s {
			delete(r.signals, id)
		}
	}
}

// wait blocks until no method runs or ctx ends.
func (r *runs) wait(ctx context.Context) error {
	for {
		r.mu.Lock()
		running, idle := r.running, r.idle
		r.mu.Unlock()
		if running == 0 {
			return nil
		}
		select {
		case <-idle:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// awaitChange blocks until something may have changed in the store. It returns false when ctx ends.
func awaitChange(ctx context.Context, ended <-chan struct{}) bool {
	timer := time.NewTimer(pollInterval)
	defer timer.Stop()
	select {
	case <-ended:
	case <-timer.C:
	case <-ctx.Done():
		return false
	}
	return true
}
