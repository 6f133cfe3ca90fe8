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
	// a longer pause is passed on to callers, but a read may find out whether it still stands
	maxThrottle   = 5 * time.Minute
	maxRetryAfter = 24 * time.Hour // what a Retry-After is cut at
)

// throttle is a pause that the vendor asked for.
type throttle struct {
	until  time.Time
	status int // the HTTP status that came with it
}

// noteThrottle records a pause. If two overlap, the later end wins.
func (c *Client) noteThrottle(status int, pause time.Duration) {
	next := &throttle{until: time.Now().Add(min(pause, maxThrottle)), status: status}
	for {
		old := c.hold.Load()
		if old != nil && !next.until.After(old.until) || c.hold.CompareAndSwap(old, next) {
			return
		}
	}
}

// throttled returns the pause that is in force, or nil.
func (c *Client) throttled() *throttle {
	if h := c.hold.Load(); h != nil && time.Now().Before(h.until) {
		return h
	}
	return nil
}

// codeAndReason returns what a caller gets while the pause lasts.
func (h *throttle) codeAndReason() (codes.Code, pb.ErrorReason) {
	if h.status == http.StatusTooManyRequests {
		return codes.ResourceExhausted, pb.ErrorReason_VENDOR_RATE_LIMITED
	}
	return codes.Unavailable, pb.ErrorReason_VENDOR_UNAVAILABLE
}

// retryAfter reads the Retry-After of an answer (RFC 9110, 10.2.3): seconds, or a date, which is
// set against the answer's own Date lest the two clocks differ. 0: it does not say.
func retryAfter(h http.Header) time.Duration {
	text := strings.TrimSpace(h.Get("Retry-After"))
	if text == "" {
		return 0
	}
	if strings.Trim(text, "0123456789") == "" {
		seconds, err := strconv.ParseUint(text, 10, 32)
		if err != nil {
			return maxRetryAfter // digits alone fail only by being too many
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
