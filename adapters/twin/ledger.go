package twin

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"
)

// The ledger keeps the newest entries only, so that a sandbox can run for months.
const (
	maxEntries   = 10_000
	maxBodyBytes = 32 << 20 // of all bodies kept together
	maxBody      = 1 << 20  // of one body
)

// Request is one request that the twin received, without its secrets.
type Request struct {
	// Number counts the requests from 1; it is not reset.
	Number int64 `json:"number"`
	// Time is when it arrived, by the twin's clock.
	Time time.Time `json:"time"`
	// Method is the HTTP method.
	Method string `json:"method"`
	// Target is path and query as received, with the values of secret parameters redacted.
	Target string `json:"target"`
	// Header is the header as received, with the values of secret headers redacted.
	Header http.Header `json:"header"`
	// Body is the body, up to 1 MiB of it, with the values of secret fields redacted. A body that
	// may hold secrets and cannot be read as JSON or as a form is withheld as a whole.
	Body string `json:"body,omitempty"`
	// Status is the HTTP status sent. It is 0 where there was no answer (yet).
	Status int `json:"status"`
	// Fault is the kind of the fault that hit this request, or empty.
	Fault FaultKind `json:"fault,omitempty"`
}

// Effect is a change that a request made to what the vendor holds.
type Effect struct {
	// Request is the number of the request that made it, or 0 where no request did.
	Request int64 `json:"request,omitempty"`
	// Time is when it happened, by the twin's clock.
	Time time.Time `json:"time"`
	// Kind says what changed, in the emulator's words.
	Kind string `json:"kind"`
	// Key names the thing that changed.
	Key string `json:"key"`
	// Details tell more. They never hold secrets.
	Details map[string]string `json:"details,omitempty"`
}

// Ledger holds the newest 10,000 requests and the newest 10,000 effects, oldest first. It is safe
// for concurrent use.
type Ledger struct {
	clock *Clock

	mu        sync.Mutex
	requests  []*Request
	effects   []Effect
	received  int64
	bodyBytes int
}

// requestNumber is the context key under which a vendor's handler carries the number of its
// request.
type requestNumber struct{}

// Requests are the requests received, in order.
func (l *Ledger) Requests() []Request {
	l.mu.Lock()
	defer l.mu.Unlock()
	copies := make([]Request, len(l.requests))
	for i, r := range l.requests {
		copies[i] = *r
		copies[i].Header = r.Header.Clone()
	}
	return copies
}

// Effects are the changes made, in order.
func (l *Ledger) Effects() []Effect {
	l.mu.Lock()
	defer l.mu.Unlock()
	copies := slices.Clone(l.effects)
	for i := range copies {
		copies[i].Details = maps.Clone(copies[i].Details)
	}
	return copies
}

// Record notes a change that the vendor's handler makes while it serves the request whose context
// ctx is. Details must not hold secrets.
func (l *Ledger) Record(ctx context.Context, kind, key string, details map[string]string) {
	number, _ := ctx.Value(requestNumber{}).(int64)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.effects = append(l.effects, Effect{Request: number, Time: l.clock.Now(), Kind: kind, Key: key, Details: maps.Clone(details)})
	if len(l.effects) > maxEntries {
		l.effects = l.effects[1:]
	}
}

// Clear forgets all requests and effects.
func (l *Ledger) Clear() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.requests, l.effects, l.bodyBytes = nil, nil, 0
}

// receive numbers and keeps r, and lets the oldest requests go.
func (l *Ledger) receive(r Request) *Request {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.received++
	r.Number, r.Time = l.received, l.clock.Now()
	l.requests = append(l.requests, &r)
	l.bodyBytes += len(r.Body)
	for len(l.requests) > maxEntries || l.bodyBytes > maxBodyBytes {
		l.bodyBytes -= len(l.requests[0].Body)
		l.requests[0] = nil
		l.requests = l.requests[1:]
	}
	return &r
}

func (l *Ledger) setStatus(r *Request, status int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r.Status = status
}

func (l *Ledger) setFault(r *Request, kind FaultKind) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r.Fault = kind
}
