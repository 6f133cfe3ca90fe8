package upstream

import (
	"net/http"
	"sync/atomic"

	"github.com/drmhub/drmhub/adapters/upstream/shape"
)

// An Account is what drmhub knows about the state of one vendor account: its circuit breakers, its retry
// budget, and the pause that the vendor asked for. It outlives an adapter that is replaced. It is safe
// for concurrent use.
type Account struct {
	id       string
	breakers breakers
	budget   budget
	hold     atomic.Pointer[throttle]
	observer Observer // nil: nobody; see Observe
	drift    shape.Drift
}

// NewAccount returns the state of an account without calls. id is its id in the configuration.
func NewAccount(id string) *Account { return &Account{id: id, breakers: newBreakers()} }

// ID returns the id of the account in the configuration.
func (a *Account) ID() string { return a.id }

// A Connection is how an adapter reaches its vendor account. The zero value is a new account over the
// adapter's own transport.
type Connection struct {
	// Account is the state of the account. Nil means a new one.
	Account *Account
	// Transport sends the requests. Nil means the client's own, which keeps connections.
	Transport http.RoundTripper
}
