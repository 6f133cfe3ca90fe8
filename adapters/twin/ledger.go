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
	maxBodyBytes = 32 << 20 // Of all bodies together.
	maxBody      = 1 << 20  // Of one body.
)

// A Request is a request that the twin received, without its secrets.
type Request struct {
	// Number is the number of the request, from 1. Clear does not reset it.
	Number int64 `json:"number"`
	// Time is the time of its arrival by the twin's clock.
	Time time.Time `json:"time"`
	// Method is the HTTP method.
	Method string `json:"method"`
	// Target is the path and query as received, with secret parameters redacted.
	Target string `json:"target"`
	// Header is the header as received, with secret headers redacted.
	Header http.Header `json:"header"`
	// Body is the first MiB of the body, with secret fields redacted. If the vendor has secrets,
	// only JSON and forms are shown.
	Body string `json:"body,omitempty"`
	// Status is the HTTP status sent, or 0 without a response.
	Status int `json:"status"`
	// Fault is the kind of the fault that hit this request, or empty.
	Fault FaultKind `json:"fault,omitempty"`
}

// An Effect is a change to the vendor's data.
type Effect struct {
	// Request is the number of the request that made the change, or 0 if none did.
	Request int64 `json:"request,omitempty"`
	// Time is the time of the change by the twin's clock.
	Time time.Time `json:"time"`
	// Kind is what changed, in the emulator's words.
	Kind string `json:"kind"`
	// Key names the thing that changed.
	Key string `json:"key"`
	// Details are further facts without secrets.
	Details map[string]string `json:"details,omitempty"`
}

// A Ledger holds the newest 10,000 requests and the newest 10,000 effects, oldest first. It is safe
// for concurrent use.
type Ledger struct {
	clock *Clock

	mu        sync.Mutex
	requests  []*Request
	effects   []Effect
	received  int64
	bodyBytes int
}

// requestNumber is the context key of the request's number.
type requestNumber struct{}

// Requests returns the requests received, in order.
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

// Effects returns the changes made, in order.
func (l *Ledger) Effects() []Effect {
	l.mu.Lock()
	defer l.mu.Unlock()
	copies := slices.Clone(l.effects)
	for i := range copies {
		copies[i].Details = maps.Clone(copies[i].Details)
	}
	return copies
}

// Record adds a change that the vendor's handler has made. ctx is the context of its request.
// Details must not contain secrets.
func (l *Ledger) Record(ctx context.Context, kind, key string, details map[string]string) {
	number, _ := ctx.Value(requestNumber{}).(int64)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.effects = append(l.effects, Effect{
		Request: number, Time: l.clock.Now(), Kind: kind, Key: key, Details: maps.Clone(details),
	})
	if len(l.effects) > maxEntries {
		l.effects = l.effects[1:]
	}
}

// Clear removes all requests and effects.
func (l *Ledger) Clear() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.requests, l.effects, l.bodyBytes = nil, nil, 0
}

// receive numbers r and adds it. It removes the oldest requests if there are too many.
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
