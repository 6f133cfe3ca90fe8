package upstream

import (
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/failsafe-go/failsafe-go/circuitbreaker"
)

// A Breaker says when drmhub keeps calls away from a vendor account that is down. The tags have the
// names of the keys, and DefaultBreaker has the defaults.
type Breaker struct {
	// FailureRate is the share of the calls, above 0 and up to 1, that must find the vendor down.
	// The default is 0.5.
	FailureRate float64 `yaml:"failure_rate" range:">0..1"`
	// MinCalls is how many calls there must be within the window. The default is 20.
	MinCalls int `yaml:"min_calls" range:"1..100000"`
	// Window is the time over which calls count. The default is 30s.
	Window time.Duration `yaml:"window" range:"1s..1h"`
	// Delay is how long calls are refused before one tries the vendor again. The default is 5s.
	Delay time.Duration `yaml:"delay" range:">0s..1h"`
}

// DefaultBreaker returns the breaker of a vendor account whose configuration names none.
func DefaultBreaker() Breaker {
	return Breaker{FailureRate: 0.5, MinCalls: 20, Window: 30 * time.Second, Delay: 5 * time.Second}
}

const (
	maxMinCalls = 100_000
	minWindow   = time.Second
	maxWindow   = time.Hour
)

// Check reports every value that cannot be used, by its key, and what to do.
func (b *Breaker) Check(report func(key, problem string)) {
	// The comparison is false for a number that is not a number.
	if !(b.FailureRate > 0 && b.FailureRate <= 1) {
		report("failure_rate", "must be a number above 0 and up to 1: 0.5 opens the breaker if half of the calls fail")
	}
	if b.MinCalls < 1 || b.MinCalls > maxMinCalls {
		report("min_calls", "must be a whole number from 1 to "+strconv.Itoa(maxMinCalls))
	}
	if b.Window < minWindow || b.Window > maxWindow {
		report("window", "must be from 1s to 1h, such as 30s")
	}
	if b.Delay <= 0 || b.Delay > maxWindow {
		report("delay", "must be more than 0s and up to 1h, such as 5s")
	}
}

// breakers keep calls away from a vendor that is down. Mutations have a breaker of their own, so
// that reads cannot stop a change. The result of a mutation also counts for reads.
type breakers struct {
	mu               sync.RWMutex
	config           Breaker
	reads, mutations *breaker
	serverErrors     serverErrors
}

// A breaker is a circuit breaker that knows since when it is in its state.
type breaker struct {
	circuitbreaker.CircuitBreaker[any]
	since atomic.Pointer[time.Time]
}

// newBreaker returns a closed breaker. It counts calls, since a call may make several attempts.
func newBreaker(config Breaker) *breaker {
	b := &breaker{}
	b.setSince(time.Now())
	b.CircuitBreaker = circuitbreaker.NewBuilder[any]().
		WithFailureRateThreshold(config.FailureRate, uint(config.MinCalls), config.Window).
		WithSuccessThreshold(1).
		WithDelay(config.Delay).
		OnStateChanged(func(circuitbreaker.StateChangedEvent) { b.setSince(time.Now()) }).
		Build()
	return b
}

func (b *breaker) setSince(t time.Time) { b.since.Store(&t) }

// tryAgain lets the next call try the vendor at once, if the half-open breaker is as it was since
// began.
func (b *breaker) tryAgain(began *time.Time) {
	if b.since.Load() == began {
		// A change of its state is the only way to make the half-open breaker permit another call.
		b.Open()
		b.HalfOpen()
	}
}

func (b *breaker) status(name string) BreakerStatus {
	return BreakerStatus{Name: name, State: b.State().String(), Since: *b.since.Load()}
}

// reconfigured returns a breaker with another configuration, in the same state and with the same
// counts.
func (b *breaker) reconfigured(config Breaker) *breaker {
	next := newBreaker(config)
	switch b.State() {
	case circuitbreaker.ClosedState:
		for range b.Metrics().Successes() {
			next.RecordSuccess()
		}
		for range b.Metrics().Failures() {
			next.RecordFailure()
		}
	default:
		next.Open()
	}
	if next.State() == b.State() {
		next.setSince(*b.since.Load())
	}
	return next
}

// configure changes the configuration of both breakers.
func (b *breakers) configure(config Breaker) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.reads == nil:
		b.reads, b.mutations = newBreaker(config), newBreaker(config)
	case b.config != config:
		b.reads, b.mutations = b.reads.reconfigured(config), b.mutations.reconfigured(config)
	}
	b.config = config
}

func (b *breakers) configured() Breaker {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return b.config
}

// both returns the breakers of reads and of mutations.
func (b *breakers) both() (reads, mutations *breaker) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return b.reads, b.mutations
}
