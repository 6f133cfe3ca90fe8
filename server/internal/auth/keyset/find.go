package keyset

import (
	"context"
	"errors"
	"time"
)

// The bounds of waiting. An unknown id is probably made up, and a caller who waits costs memory.
// Beyond a bound, a caller is refused at once. The set is fetched all the same, so that a caller
// with a new key succeeds a second later.
const (
	// maxStrangers bounds the ids that wait now or were looked for in vain within strangerTime.
	maxStrangers = 64
	// strangerTime is longer than an interval, so that callers who try one id after another are
	// refused at once from their third id on.
	strangerTime = 2 * time.Second
	// maxWaiters bounds the callers who wait.
	maxWaiters = 2000
	// maxWait bounds the wait of a caller: an interval and the longest fetch, and some room.
	maxWait = 7 * time.Second
)

// ErrUnknown says that the set has no key of this id.
var ErrUnknown = errors.New("the key set has no key of this id")

// queue is the state of all who wait, under Set.mu.
type queue struct {
	started, finished uint64        // fetches
	changed           chan struct{} // is closed when a fetch ends
	callers           int
	kids              map[string]int // how many callers wait for an id
	vain              []time.Time    // when ids were looked for in vain, oldest first
}

func newQueue() queue { return queue{changed: make(chan struct{}), kids: map[string]int{}} }

// Find returns the key of an id. If the set does not hold it, Find blocks until a fetch that
// started after this call has ended. The error is ErrUnknown, or that of ctx. The fetch does not
// depend on ctx.
func (s *Set) Find(ctx context.Context, kid string) (Key, error) {
	if key, ok := s.Lookup(kid); ok {
		return key, nil
	}
	need, changed, ok := s.join(kid)
	if !ok {
		return Key{}, ErrUnknown
	}
	defer s.leave(kid)
	patience := time.NewTimer(maxWait)
	defer patience.Stop()
	for {
		select {
		case <-changed:
		case <-ctx.Done():
			return Key{}, ctx.Err()
		case <-s.done:
			return Key{}, ErrUnknown
		case <-patience.C:
			return Key{}, ErrUnknown
		}
		if key, ok := s.Lookup(kid); ok {
			return key, nil
		}
		var finished uint64
		if finished, changed = s.progress(); finished >= need {
			return Key{}, ErrUnknown
		}
	}
}

// join asks for a fetch, and adds a caller to those who wait. It returns the number of the fetch
// that the caller needs. It reports false if there are too many callers.
func (s *Set) join(kid string) (need uint64, changed <-chan struct{}, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default: // Somebody else has asked for the same fetch.
	}
	q := &s.waiting
	q.forget()
	crowded := q.kids[kid] == 0 && len(q.kids)+len(q.vain) >= maxStrangers
	if crowded || q.callers >= maxWaiters {
		return 0, nil, false
	}
	q.callers++
	q.kids[kid]++
	return q.started + 1, q.changed, true
}

// leave removes a caller. An id whose last caller leaves without a key was looked for in vain.
func (s *Set) leave(kid string) {
	_, found := s.Lookup(kid)
	s.mu.Lock()
	defer s.mu.Unlock()
	q := &s.waiting
	q.callers--
	if q.kids[kid]--; q.kids[kid] > 0 {
		return
	}
	delete(q.kids, kid)
	if !found {
		q.forget()
		q.vain = append(q.vain, time.Now())
	}
}

// forget drops the ids that were looked for in vain long ago.
func (q *queue) forget() {
	for len(q.vain) > 0 && time.Since(q.vain[0]) > strangerTime {
		q.vain = q.vain[1:]
	}
}

func (s *Set) progress() (finished uint64, changed <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.waiting.finished, s.waiting.changed
}

// begin says that a fetch starts. Who asked until now is served by it. From now on, callers need
// the next one.
func (s *Set) begin() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting.started++
	select {
	case <-s.wake:
	default:
	}
}

// end says that the fetch has ended, and wakes all who wait.
func (s *Set) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := &s.waiting
	q.finished = q.started
	close(q.changed)
	q.changed = make(chan struct{})
}
