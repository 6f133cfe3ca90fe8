package store

import (
	"slices"
	"sync"
)

// A queue holds the writes that wait for a transaction. One goroutine at a time runs transactions:
// that of a write that found nobody else, or that of commitWaiting.
type queue struct {
	mu      sync.Mutex
	waiting []*write
	busy    bool // a goroutine runs transactions
	closed  bool
	over    chan struct{} // hands the queue over to commitWaiting; has room for one
	stopped chan struct{} // closed when the queue is closed and no goroutine runs transactions
}

func newQueue() *queue {
	return &queue{over: make(chan struct{}, 1), stopped: make(chan struct{})}
}

// add adds a write. alone reports whether the caller is to run the write, and to hand the queue
// over afterward. Otherwise the write waits for commitWaiting.
func (q *queue) add(w *write) (alone bool, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case q.closed:
		return false, ErrClosed
	case q.busy:
		q.waiting = append(q.waiting, w)
		return false, nil
	}
	q.busy = true
	return true, nil
}

// handOver ends the transactions of the caller. What waits is left to commitWaiting.
func (q *queue) handOver() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting) > 0 {
		q.over <- struct{}{}
		return
	}
	q.rest()
}

// take returns the next writes that share a transaction. It returns nil if none waits, and then the
// caller runs no more transactions.
func (q *queue) take() (batch []*write) {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := min(len(q.waiting), maxBatch)
	if n == 0 {
		q.rest()
		return nil
	}
	batch, q.waiting = q.waiting[:n:n], q.waiting[n:]
	return batch
}

// withdraw takes a write out of those that wait. It returns false if the write waits no longer: it
// has run, or is about to.
func (q *queue) withdraw(w *write) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	at := slices.Index(q.waiting, w)
	if at < 0 {
		return false
	}
	q.waiting = slices.Delete(q.waiting, at, at+1)
	return true
}

// rest notes that nobody runs transactions. The caller holds the lock.
func (q *queue) rest() {
	q.busy, q.waiting = false, nil
	if q.closed {
		close(q.stopped)
	}
}

// size returns how many writes wait.
func (q *queue) size() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.waiting)
}

// close refuses all later writes, and blocks until those before have ended.
func (q *queue) close() {
	q.mu.Lock()
	if !q.closed {
		q.closed = true
		if !q.busy {
			q.rest()
		}
	}
	q.mu.Unlock()
	<-q.stopped
}
