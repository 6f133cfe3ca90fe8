package upstream

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"google.golang.org/grpc/codes"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

const (
	// Callers are told of a longer pause, but a read is tried after this time.
	maxThrottle   = 5 * time.Minute
	maxRetryAfter = 24 * time.Hour // a longer Retry-After counts as this
)

// A throttle is a pause that the vendor asked for.
type throttle struct {
	until  time.Time
	status int // the HTTP status of that response
}

// noteThrottle records a pause. If two overlap, the later end wins.
func (a *Account) noteThrottle(status int, pause time.Duration) {
	next := &throttle{until: time.Now().Add(min(pause, maxThrottle)), status: status}
	for {
		old := a.throttle.Load()
		if old != nil && !next.until.After(old.until) || a.throttle.CompareAndSwap(old, next) {
			return
		}
	}
}

// throttled returns the pause that is in force, or nil.
func (a *Account) throttled() *throttle {
	if t := a.throttle.Load(); t != nil && time.Now().Before(t.until) {
		return t
	}
	return nil
}

// codeAndReason returns what a caller gets while the pause lasts.
func (t *throttle) codeAndReason() (codes.Code, pb.ErrorReason) {
	if t.status == http.StatusTooManyRequests {
		return codes.ResourceExhausted, pb.ErrorReason_VENDOR_RATE_LIMITED
	}
	return codes.Unavailable, pb.ErrorReason_VENDOR_UNAVAILABLE
}

// retryAfter returns the pause in a response's Retry-After header, or 0. The header holds seconds
// or a date (RFC 9110, 10.2.3). A date is compared to the response's own Date, since clocks differ.
func retryAfter(h http.Header) time.Duration {
	text := strings.TrimSpace(h.Get("Retry-After"))
	if text == "" {
		return 0
	}
	if strings.Trim(text, "0123456789") == "" {
		seconds, err := strconv.ParseUint(text, 10, 32)
		if err != nil {
			return maxRetryAfter // the number is too large
		}
		return min(time.Duration(seconds)*time.Second, maxRetryAfter)
	}
	at, err := http.ParseTime(text)
	if err != nil {
		return 0
	}
	now, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		now = time.Now()
	}
	return min(max(at.Sub(now), 0), maxRetryAfter)
}
