package twin

import (
	"sync"
	"time"
)

// Clock is a vendor's wall clock: another clock plus an offset that Set and Advance change. The
// zero value follows real time. It is safe for concurrent use.
type Clock struct {
	base   func() time.Time
	mu     sync.Mutex
	offset time.Duration
}

// NewClock makes a clock that follows base, and real time where base is nil.
func NewClock(base func() time.Time) *Clock { return &Clock{base: base} }

// FrozenClock makes a clock that stands at t until it is set or advanced.
func FrozenClock(t time.Time) *Clock { return NewClock(func() time.Time { return t }) }

// Now is the vendor's time, in UTC.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.baseNow().Add(c.offset)
}

// Set makes it t now; the clock goes on from there.
func (c *Clock) Set(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.offset = t.Sub(c.baseNow())
}

// Advance moves the clock by d, backwards where d is negative.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.offset += d
}

// baseNow drops the monotonic reading: a vendor's server shows wall time.
func (c *Clock) baseNow() time.Time {
	if c.base == nil {
		return time.Now().UTC().Round(0)
	}
	return c.base().UTC().Round(0)
}
