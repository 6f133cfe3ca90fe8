package twin

import (
	"sync"
	"time"
)

// A Clock is a vendor's wall clock. It follows another clock at an offset, which Set and Advance
// change. The zero value follows real time. A Clock is safe for concurrent use.
type Clock struct {
	base   func() time.Time
	mu     sync.Mutex
	offset time.Duration
}

// NewClock returns a clock that follows base, or real time if base is nil.
func NewClock(base func() time.Time) *Clock { return &Clock{base: base} }

// FrozenClock returns a clock that shows t until it is set or advanced.
func FrozenClock(t time.Time) *Clock { return NewClock(func() time.Time { return t }) }

// Now returns the vendor's time in UTC.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.baseNow().Add(c.offset)
}

// Set sets the clock to t. It goes on from there.
func (c *Clock) Set(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.offset = t.Sub(c.baseNow())
}

// Advance moves the clock by d. A negative d moves it back.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.offset += d
}

// baseNow returns the time of the base without the monotonic reading: vendors show wall time.
func (c *Clock) baseNow() time.Time {
	if c.base == nil {
		return time.Now().UTC().Round(0)
	}
	return c.base().UTC().Round(0)
}
