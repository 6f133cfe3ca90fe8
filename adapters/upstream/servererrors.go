package upstream

import (
	"crypto/sha256"
	"slices"
	"sync"
	"time"
)

const (
	// minServerErrors is how many different requests must get an HTTP 500 before it counts as an
	// outage.
	minServerErrors = 3
	// maxServerErrorAge is how long an HTTP 500 counts.
	maxServerErrorAge = time.Minute
)

// serverErrors are the last requests that got an HTTP 500. A vendor may fail for one odd id and
// work for all others.
type serverErrors struct {
	mu   sync.Mutex
	last []serverError // of different requests, the oldest first
}

type serverError struct {
	request [sha256.Size]byte
	at      time.Time
}

// add adds a request that got an HTTP 500. It reports whether enough different requests got one to
// count as an outage.
func (e *serverErrors) add(r Request) (outage bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.remove(digest(r))
	e.last = append(e.last, serverError{digest(r), time.Now()})
	e.last = e.last[max(0, len(e.last)-minServerErrors):]
	return len(e.last) == minServerErrors
}

// forget removes a request that the vendor has answered.
func (e *serverErrors) forget(r Request) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.last) > 0 {
		e.remove(digest(r))
	}
}

// remove removes a request, and what is too old to count.
func (e *serverErrors) remove(request [sha256.Size]byte) {
	e.last = slices.DeleteFunc(e.last, func(old serverError) bool {
		return old.request == request || time.Since(old.at) > maxServerErrorAge
	})
}

// digest identifies a request. Some vendors have the id in the query or in the body.
func digest(r Request) [sha256.Size]byte {
	h := sha256.New()
	for _, part := range []string{r.Method, r.Path, r.RawQuery, r.Query.Encode(), string(r.Body.content)} {
		h.Write([]byte(part + "\x00"))
	}
	return [sha256.Size]byte(h.Sum(nil))
}
