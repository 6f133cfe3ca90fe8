package upstream

import (
	"context"
	"net/http"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"github.com/drmhub/drmhub/adapters/mutation"
	"github.com/drmhub/drmhub/adapters/upstream/shape"
)

// An Account is the state of one vendor account, as far as drmhub knows it:
//
//   - its lanes, its circuit breakers, and its budgets of requests and retries,
//   - the pause that the vendor asked for,
//   - how its last calls ended, and how its responses differ from its documents.
//
// It outlives an adapter that is replaced. It is safe for concurrent use.
type Account struct {
	id       string
	lane     atomic.Pointer[Lane]
	lanes    [laneKinds]places
	refused  [laneKinds][len(refusalReasons)]atomic.Uint64
	pace     *rate.Limiter
	breakers breakers
	budget   budget
	throttle atomic.Pointer[throttle]
	health   health
	observer Observer // never nil; see Observe
	drift    shape.Drift
	other    atomic.Pointer[Account] // see another
	canary   atomic.Pointer[Canary]
}

// NewAccount returns the state of an account without calls. id is its id in the configuration. Its
// lane is DefaultLane without a limit of the rate, and its breaker is DefaultBreaker, until
// Configure.
func NewAccount(id string) *Account {
	a := &Account{id: id, pace: rate.NewLimiter(rate.Inf, 1), observer: nobody{}}
	a.Configure(Lane{}, Breaker{})
	return a
}

// ID returns the id of the account in the configuration.
func (a *Account) ID() string { return a.id }

// ReadPlaces returns how many reads can be under way at once.
func (a *Account) ReadPlaces() int { return a.lane.Load().Reads }

// Configure changes the lanes and the breakers of an account that is in use. Requests that have or
// await a place keep it. A breaker that is open stays open, and what a breaker has counted still
// counts. The zero Lane and the zero Breaker are those of NewAccount.
func (a *Account) Configure(l Lane, b Breaker) {
	if l == (Lane{}) {
		l = DefaultLane()
		l.RequestsPerSecond = 0
	}
	if b == (Breaker{}) {
		b = DefaultBreaker()
	}
	a.lane.Store(&l)
	for kind := range a.lanes {
		limit := l.Writes
		if laneKind(kind) == readLane {
			limit = l.Reads
		}
		a.lanes[kind].configure(limit, l.Queue, l.MaxWait)
	}
	a.breakers.configure(b)
	if other := a.other.Load(); other != nil {
		besides := l // l itself is in use now
		besides.RequestsPerSecond = 0
		other.Configure(besides, b)
	}
}

// another returns the state of the account at another service of the same vendor, always the same
// one. It has the same lane, breaker and observer, and no limit of the rate.
func (a *Account) another() *Account {
	if a.other.Load() == nil {
		other := NewAccount(a.id)
		other.observer = a.observer
		l := *a.lane.Load()
		l.RequestsPerSecond = 0
		other.Configure(l, a.breakers.configured())
		a.other.CompareAndSwap(nil, other)
	}
	return a.other.Load()
}

// A Connection is how an adapter reaches its vendor account. The zero value is a new account over
// the adapter's own transport.
type Connection struct {
	// Account is the state of the account. Nil means a new one.
	Account *Account
	// Transport sends the requests. Nil means the client's own, which keeps connections.
	Transport http.RoundTripper
}

// A laneKind says for whom a request is made.
type laneKind int

const (
	readLane laneKind = iota
	writeLane
	backgroundLane
	laneKinds
)

// laneNames are the names of the lanes in Status.
var laneNames = [laneKinds]string{"reads", "writes", "background"}

type backgroundKey struct{}

// Background marks the calls of ctx as work that no caller waits for. They have a lane of their
// own. Settling is background work without this mark.
func Background(ctx context.Context) context.Context {
	return context.WithValue(ctx, backgroundKey{}, true)
}

// laneOf returns the lane of a call.
func laneOf(ctx context.Context, write bool) laneKind {
	switch {
	case ctx.Value(backgroundKey{}) != nil, mutation.Settling(ctx):
		return backgroundLane
	case write, mutation.Running(ctx):
		return writeLane
	}
	return readLane
}

// takeTurn reserves the next turn at a rate, and returns how long the caller must wait for it. It
// returns false if that is longer than maxWait. cancel gives the turn back.
func (a *Account) takeTurn(perSecond float64, maxWait time.Duration) (wait time.Duration, cancel func(), ok bool) {
	if perSecond <= 0 {
		return 0, func() {}, true
	}
	if limit := rate.Limit(perSecond); a.pace.Limit() != limit {
		a.pace.SetLimit(limit)
	}
	turn := a.pace.Reserve()
	if wait = turn.Delay(); wait > max(maxWait, 0) {
		turn.Cancel()
		return 0, nil, false
	}
	return wait, turn.Cancel, true
}
