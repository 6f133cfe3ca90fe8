package upstream

import (
	"container/list"
	"context"
	"math"
	"sync"
	"time"
)

// places bounds how many requests of one kind are under way at once, and how many wait for a place.
// Requests get their places in the order in which they came. Those of a mutation that has begun come
// first, and wait as long as they must, since a mutation must not end half done.
type places struct {
	mu      sync.Mutex
	limit   int
	queue   int
	maxWait time.Duration
	used    int
	// chan struct{}, each closed when its request gets a place
	begun, waiting list.List
}

// An entry is how a request for a place ended.
type entry int

const (
	entered entry = iota // the request has a place, and must leave it
	full                 // too many requests wait
	late                 // the request has waited for too long
	gone                 // the context of the request has ended
)

// configure changes the bounds. Requests that have places or wait keep them.
func (p *places) configure(limit, queue int, maxWait time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.limit, p.queue, p.maxWait = limit, queue, maxWait
	p.grant()
}

// enter blocks until the request has a place, or cannot get one. begun reports whether the request
// belongs to a mutation that has begun.
func (p *places) enter(ctx context.Context, begun bool) entry {
	p.mu.Lock()
	line, maxWait := &p.waiting, p.maxWait
	switch {
	case p.used < p.limit: // Nobody waits: grant gives away each free place.
		p.used++
		p.mu.Unlock()
		return entered
	case begun:
		line, maxWait = &p.begun, math.MaxInt64
	case p.waiting.Len() >= p.queue || maxWait <= 0:
		p.mu.Unlock()
		return full
	}
	place := make(chan struct{})
	waiter := line.PushBack(place)
	p.mu.Unlock()

	timer := time.NewTimer(maxWait)
	defer timer.Stop()
	select {
	case <-place:
		return entered
	case <-timer.C:
		if p.withdraw(line, waiter) {
			return late
		}
		return entered // It got the place at the last moment.
	case <-ctx.Done():
		if !p.withdraw(line, waiter) {
			p.leave()
		}
		return gone
	}
}

// withdraw removes a waiter. It returns false if the waiter has a place.
func (p *places) withdraw(line *list.List, waiter *list.Element) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-waiter.Value.(chan struct{}):
		return false
	default:
		line.Remove(waiter)
		return true
	}
}

// leave gives a place back.
func (p *places) leave() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.used--
	p.grant()
}

// grant gives free places to those who wait.
func (p *places) grant() {
	for _, line := range []*list.List{&p.begun, &p.waiting} {
		for p.used < p.limit && line.Len() > 0 {
			p.used++
			close(line.Remove(line.Front()).(chan struct{}))
		}
	}
}

// count returns how many places there are, how many are in use, and how many requests wait.
func (p *places) count() (limit, used, waiting int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.limit, p.used, p.begun.Len() + p.waiting.Len()
}
