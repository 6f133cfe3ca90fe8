package journal

import (
	"context"
	"slices"
	"sync"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/journal/records"
)

const (
	// maxWaiters is how many calls of this replica wait for a lock. Further calls are refused at
	// once, since each waiter looks at the store again and again.
	maxWaiters = 20
	// maxRepeats is how many calls wait for the mutation that has their request_id. They write
	// nothing.
	maxRepeats = 100
	// waiterPause is how long a refused call is asked to wait. Nobody knows when the lock is free.
	waiterPause = time.Second
)

// queues counts the calls that wait, by the lock or the mutation that they wait for.
type queues struct {
	mu      sync.Mutex
	waiting map[string]int
}

func newQueues() *queues { return &queues{waiting: map[string]int{}} }

// full reports whether as many calls as may wait for one of these locks.
func (q *queues) full(locks []string) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return slices.ContainsFunc(locks, func(lock string) bool { return q.waiting[lock] >= maxWaiters })
}

// A place is that of one call, in one queue at most.
type place struct {
	queues *queues
	queue  string
}

// take takes a place in a queue, and gives up the place in another one. It reports false, and
// changes nothing, if the queue is full.
func (p *place) take(queue string, limit int) bool {
	if queue == p.queue {
		return true
	}
	p.queues.mu.Lock()
	defer p.queues.mu.Unlock()
	if p.queues.waiting[queue] >= limit {
		return false
	}
	p.give()
	p.queues.waiting[queue]++
	p.queue = queue
	return true
}

// leave gives up the place.
func (p *place) leave() {
	p.queues.mu.Lock()
	defer p.queues.mu.Unlock()
	p.give()
}

func (p *place) give() {
	if p.queue == "" {
		return
	}
	if p.queues.waiting[p.queue]--; p.queues.waiting[p.queue] == 0 {
		delete(p.queues.waiting, p.queue)
	}
	p.queue = ""
}

// errManyWait returns the error of a call for a lock that many calls wait for.
func errManyWait() error {
	e := apierror.New(codes.Aborted, pb.ErrorReason_MUTATION_IN_PROGRESS,
		"Not sent: %d calls wait to change this resource, which is the limit. Retry later.", maxWaiters)
	e.RetryAfter = waiterPause
	return e
}

// checkQueues refuses a new call if as many calls as may wait for one of its locks. So a refused
// call costs little, and leaves no record. A call whose request_id is known is not new.
func (c *call) checkQueues(ctx context.Context, m *records.Mutation, locks []string) error {
	if !c.journal.queues.full(locks) {
		return nil
	}
	if m.RequestID != "" {
		if known, err := c.journal.records.Knows(ctx, m.Subject, m.RequestID); known || err != nil {
			return err
		}
	}
	return errManyWait()
}
