package upstream

import "time"

// A Canary is the state of the cheap reads that the server makes from time to time.
type Canary struct {
	// Interval is the time between two reads. 0 means that there are no reads.
	Interval time.Duration
	// Began is when the last read began, or was left out. It is zero before the first one.
	Began time.Time
	// Skipped reports whether the last read was left out, because the vendor asked for a pause.
	Skipped bool
	// Err is the error of the last read.
	Err error
	// Latency is how long the last read took.
	Latency time.Duration
	// Next is when the next read is due.
	Next time.Time
}

// Canary returns the state of these reads. The zero Canary means that there are none.
func (a *Account) Canary() Canary {
	if c := a.canary.Load(); c != nil {
		return *c
	}
	return Canary{}
}

// SetCanary changes what Canary returns.
func (a *Account) SetCanary(c Canary) { a.canary.Store(&c) }
