package upstream

import (
	"container/list"
	"context"
	"math"
	"sync"
	"time"
)

// places bounds how many requests of one kind are under way at once, and how many wait for a place.
// Requests get their places in this order:
//
//   - those of a mutation that has begun, which wait as long as they must, since a mutation must
//     not end half done
//   - those in the queue, in the order in which they came
//   - those that wait behind another request of their call, one of each call in turn
//
// At most one request of a call is in the queue, so that a call of many requests does not fill it.
type places struct {
	mu      sync.Mutex
	limit   int
	queue   int
	maxWait time.Duration
	used    int

	begun, waiting list.List // of *waiter
	behind         list.List // of *share: the calls whose requests wait behind others
}

// A waiter is a request that waits for a place.
type waiter struct {
	share *share
	line  *list.List
	at    *list.Element // of line
	done  chan struct{} // closed when result is known
	// entered, or again if the last request before it in its call has ended
	result entry
}

// An entry is how a request for a place ended.
type entry int

const (
	entered entry = iota // the request has a place, and must leave it
	full                 // too many requests wait
	late                 // the request has waited for too long
	gone                 // the context of the request has ended
	again                // the request has no other one before it, and asks for a place again
)

// configure changes the bounds. Requests that have places or wait keep them.
func (p *places) configure(limit, queue int, maxWait time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.limit, p.queue, p.maxWait = limit, queue, maxWait
	p.grant()
}

// enter blocks until the request has a place, or cannot get one. begun reports whether the request
// belongs to a mutation that has begun. s is the share of its call.
func (p *places) enter(ctx context.Context, begun bool, s *share) entry {
	for {
		if e := p.enterOrWait(ctx, begun, s); e != again {
			return e
		}
	}
}

func (p *places) enterOrWait(ctx context.Context, begun bool, s *share) entry {
	p.mu.Lock()
	line, maxWait := &p.waiting, p.maxWait
	switch {
	case p.used < p.limit: // Nobody waits: grant gives away each free place.
		p.used++
		s.inside++
		p.mu.Unlock()
		return entered
	case begun:
		line, maxWait = &p.begun, math.MaxInt64
	case s.inside > 0:
		line, maxWait = &s.next, math.MaxInt64
	case p.waiting.Len() >= p.queue || maxWait <= 0:
		p.wake(s)
		p.mu.Unlock()
		return full
	}
	w := p.add(s, line)
	p.mu.Unlock()

	timer := time.NewTimer(maxWait)
	defer timer.Stop()
	select {
	case <-w.done:
		return w.result
	case <-timer.C:
		return p.giveUp(w, late)
	case <-ctx.Done():
		return p.giveUp(w, gone)
	}
}

// add adds a waiter to a line.
func (p *places) add(s *share, line *list.List) *waiter {
	w := &waiter{share: s, line: line, done: make(chan struct{})}
	w.at = line.PushBack(w)
	switch {
	case line != &s.next:
		s.inside++
	case s.turn == nil:
		s.turn = p.behind.PushBack(s)
	}
	return w
}

// remove removes a waiter from its line.
func (p *places) remove(w *waiter) {
	w.line.Remove(w.at)
	switch s := w.share; {
	case w.line != &s.next:
		s.inside--
	case s.next.Len() == 0:
		p.behind.Remove(s.turn)
		s.turn = nil
	}
}

// end ends the wait of the first waiter in a line.
func (p *places) end(line *list.List, result entry) {
	w := line.Front().Value.(*waiter)
	p.remove(w)
	if result == entered {
		p.used++
		w.share.inside++
	}
	w.result = result
	close(w.done)
}

// giveUp ends the wait of a request that waits no longer, and returns why. A request that got its
// place at the last moment keeps it, unless it is gone.
func (p *places) giveUp(w *waiter, why entry) entry {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-w.done:
		if why == late {
			return w.result
		}
		if w.result == entered {
			p.free(w.share)
		}
	default:
		p.remove(w)
	}
	p.wake(w.share)
	return why
}

// leave gives a place back.
func (p *places) leave(s *share) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.free(s)
	p.wake(s)
}

func (p *places) free(s *share) {
	p.used--
	s.inside--
	p.grant()
}

// grant gives free places to those who wait.
func (p *places) grant() {
	for _, line := range []*list.List{&p.begun, &p.waiting} {
		for p.used < p.limit && line.Len() > 0 {
			p.end(line, entered)
		}
	}
	for p.used < p.limit && p.behind.Len() > 0 {
		s := p.behind.Front().Value.(*share)
		p.behind.MoveToBack(s.turn)
		p.end(&s.next, entered)
	}
}

// wake lets the first request that waits behind others of its call ask for a place, if there are no
// others before it any more.
func (p *places) wake(s *share) {
	if s.inside == 0 && s.next.Len() > 0 {
		p.end(&s.next, again)
	}
}

// count returns how many places there are, how many are in use, and how many requests wait.
func (p *places) count() (limit, used, waiting int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	waiting = p.begun.Len() + p.waiting.Len()
	for at := p.behind.Front(); at != nil; at = at.Next() {
		waiting += at.Value.(*share).next.Len()
	}
	return p.limit, p.used, waiting
}
