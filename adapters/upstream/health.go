package upstream

import (
	"context"
	"sync"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// health is how the last calls of an account ended.
type health struct {
	mu        sync.Mutex
	lastError *LastError
	good      good
	clients   int // how many clients the account has had
	former    int // how many of them, the first ones, have earlier credentials
}

// good is the part of health that a success changes.
type good struct {
	lastSuccess   time.Time
	rejectedSince time.Time // zero: the credentials are accepted, as far as is known
}

// addClient returns the number of a new client, from 1.
func (h *health) addClient() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.clients++
	return h.clients
}

// noteSuccess records a success of a client. It returns what was known before.
func (h *health) noteSuccess(client int) (before, now good) {
	h.mu.Lock()
	defer h.mu.Unlock()
	before = h.good
	h.good.lastSuccess = time.Now()
	if client > h.former {
		h.good.rejectedSince = time.Time{}
	}
	return before, h.good
}

// noteError records an error of a client, unless it is about the request alone.
func (h *health) noteError(client int, e *apierror.Error) {
	if isAboutTheRequest(e.Reason) {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.note(client, e)
}

// note records an error. It ignores that the vendor rejects earlier credentials.
func (h *health) note(client int, e *apierror.Error) {
	if e.Reason == pb.ErrorReason_VENDOR_CREDENTIALS_REJECTED && client <= h.former {
		return
	}
	now := time.Now()
	h.lastError = &LastError{Code: e.Code, Reason: e.Reason, Message: e.Message, Time: now}
	if e.Reason == pb.ErrorReason_VENDOR_CREDENTIALS_REJECTED && h.good.rejectedSince.IsZero() {
		h.good.rejectedSince = now
	}
}

// noteSignError records that a login was refused. The login itself has recorded other errors.
func (h *health) noteSignError(client int, err error) {
	if e := apierror.Convert(err); e.Reason == pb.ErrorReason_VENDOR_CREDENTIALS_REJECTED {
		h.noteError(client, e)
	}
}

// noteErrorIn records an error that an adapter found in a response that passed for a success. It
// takes that success back, unless there was another one since.
func (h *health) noteErrorIn(r *Response, e *apierror.Error) {
	if isAboutTheRequest(e.Reason) {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.good == r.after {
		h.good = r.before
	}
	h.note(r.client.number, e)
}

// isAboutTheRequest reports whether a reason says that the vendor works and refuses the request.
func isAboutTheRequest(reason pb.ErrorReason) bool {
	switch reason {
	case pb.ErrorReason_REQUEST_INVALID, pb.ErrorReason_RESOURCE_NOT_FOUND, pb.ErrorReason_VENDOR_INPUT_REFUSED,
		pb.ErrorReason_VENDOR_ALREADY_EXISTS, pb.ErrorReason_VENDOR_STATE:
		return true
	}
	return false
}

// noteHealth records how an attempt ended.
func (a *attempt) noteHealth(ctx context.Context, result attemptResult, err error) {
	h := &a.client.account.health
	switch {
	case err == nil:
		a.answer.before, a.answer.after = h.noteSuccess(a.client.number)
	case result != inconclusive, ctx.Err() == nil:
		h.noteError(a.client.number, apierror.Convert(err))
	}
}

// A LastError is the last error of a vendor account that says more than that a request was wrong.
type LastError struct {
	Code    codes.Code
	Reason  pb.ErrorReason
	Message string // without secrets and control characters
	Time    time.Time
}

// A Status is the state of a vendor account at one time.
type Status struct {
	Breakers []BreakerStatus // of reads, and of mutations
	Lanes    []LaneStatus    // of reads, of writes, and of background work
	// PauseLeft is how long the vendor still wants to get no reads. PauseHTTPStatus is the status
	// of the response that asked for the pause. Both are 0 without a pause.
	PauseLeft       time.Duration
	PauseHTTPStatus int
	LastError       *LastError // nil: none since the start
	LastSuccess     time.Time  // zero: none since the start
	// CredentialsRejected is since when the vendor refuses the credentials. It is zero if the
	// vendor accepts them, or if no call was made.
	CredentialsRejected time.Time
}

// A BreakerStatus is the state of one circuit breaker.
type BreakerStatus struct {
	Name  string // "reads" or "mutations"
	State string // "closed", "open" or "half-open"
	Since time.Time
}

// A LaneStatus is the state of one lane.
type LaneStatus struct {
	Name          string // "reads", "writes" or "background"
	Places        int    // how many places the lane has
	Used, Waiting int    // requests that are under way, and that wait for a place
	// Refused is how many requests were not sent since the start, by reason. It has every reason.
	Refused map[RefusalReason]uint64
}

// Clients returns how many clients the account has had.
func (a *Account) Clients() int {
	a.health.mu.Lock()
	defer a.health.mu.Unlock()
	return a.health.clients
}

// ForgetRejection forgets that the vendor rejected the credentials, since the account has others
// now. The first clients, so many, have the earlier credentials. Their calls may still be under
// way, but no longer say whether the vendor accepts the account's credentials.
func (a *Account) ForgetRejection(first int) {
	a.health.mu.Lock()
	defer a.health.mu.Unlock()
	a.health.good.rejectedSince, a.health.former = time.Time{}, first
}

// Status returns the state of the account.
func (a *Account) Status() Status {
	var s Status
	reads, mutations := a.breakers.both()
	s.Breakers = []BreakerStatus{reads.status("reads"), mutations.status("mutations")}
	for kind, name := range laneNames {
		l := LaneStatus{Name: name, Refused: map[RefusalReason]uint64{}}
		l.Places, l.Used, l.Waiting = a.lanes[kind].count()
		for i, why := range refusalReasons {
			l.Refused[why] = a.refused[kind][i].Load()
		}
		s.Lanes = append(s.Lanes, l)
	}
	if t := a.throttled(); t != nil {
		s.PauseLeft, s.PauseHTTPStatus = time.Until(t.until), t.status
	}
	a.health.mu.Lock()
	defer a.health.mu.Unlock()
	s.LastError, s.LastSuccess = a.health.lastError, a.health.good.lastSuccess
	s.CredentialsRejected = a.health.good.rejectedSince
	return s
}
