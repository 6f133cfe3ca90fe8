package upstream

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/mutation"
	"github.com/drmhub/drmhub/adapters/secret"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// attempt is one attempt to send a request: what its errors need.
type attempt struct {
	client  *Client
	write   bool
	where   string // "GET /iptv/drm": never the query, which may hold a token
	secrets []secret.Text
	maySent atomic.Bool // see trackBytesSent
	answer  *Response   // nil until its headers are there
}

// try sends a request once, or not at all.
func (c *Client) try(
	ctx context.Context, req Request, into any, write bool,
) (resp *Response, v attemptResult, err error) {
	r, err := c.build(ctx, req, write)
	if err != nil {
		return nil, unsent, err
	}
	x := &attempt{client: c, write: write, where: r.Method + " " + r.URL.EscapedPath(), secrets: req.Secrets}
	if err := x.waitForPermit(ctx); err != nil {
		return nil, unsent, err
	}
	if c.opts.Sign != nil && !req.Unsigned {
		if err := c.opts.Sign(ctx, r); err != nil {
			return nil, unsent, err
		}
	}
	if c.opts.Secrets != nil {
		x.secrets = append(slices.Clip(x.secrets), c.opts.Secrets()...)
	}
	// The time counts from before the record is written: the record says when the attempt is over.
	limited, cancel := context.WithTimeout(ctx, c.opts.Timeout)
	defer cancel()
	if err := x.recordBeforeSend(ctx, limited); err != nil {
		return nil, unsent, err
	}
	// The permit comes after Sign, which may have needed the one permit of a half-open breaker.
	if !c.breaker.TryAcquirePermit() {
		return nil, unsent, x.errBreakerOpen()
	}
	defer func() { c.record(v) }()

	transport := c.reads
	if write {
		sendOnce(r.Header)
		transport = c.writes
	}
	answer, err := transport.RoundTrip(r.WithContext(trackBytesSent(limited, &x.maySent)))
	if err != nil {
		v, err := x.errTransport(ctx, limited, err)
		return nil, v, err
	}
	defer answer.Body.Close() // unless the body was read to its end, this drops the connection
	return x.receive(ctx, limited, answer, into)
}

// waitForPermit blocks until the limit of requests a second permits the attempt. It returns an
// error if the vendor has asked for a pause, or the breaker is open.
func (x *attempt) waitForPermit(ctx context.Context) error {
	c := x.client
	if ctx.Err() != nil {
		return x.errContextDone(ctx)
	}
	if h := c.throttled(); h != nil && !x.write {
		left := time.Until(h.until)
		code, reason := h.codeAndReason()
		e := x.fail(code, reason,
			"not sent: %s asked for a pause (HTTP %d) that lasts another %v", x.vendor(), h.status, left.Round(time.Second))
		e.RetryAfter = left
		return e
	}
	if c.broken() {
		return x.errBreakerOpen()
	}
	if c.pace == nil {
		return nil
	}
	longest := c.opts.Timeout
	if deadline, ok := ctx.Deadline(); ok {
		longest = time.Until(deadline)
	}
	wait := c.pace.TryReservePermit(max(longest, 0))
	if wait < 0 {
		return x.fail(codes.ResourceExhausted, pb.ErrorReason_VENDOR_RATE_LIMITED,
			"not sent: the deadline is %v from now, and the limit of %v requests a second to %s leaves no room until then; "+
				"send less, or raise the limit", longest.Round(time.Millisecond), c.opts.MaxPerSecond, x.vendor())
	}
	select {
	case <-time.After(wait):
		return nil
	case <-ctx.Done():
		return x.errContextDone(ctx)
	}
}

// recordBeforeSend records a write. It is the last step before the first byte.
func (x *attempt) recordBeforeSend(ctx, limited context.Context) error {
	if ctx.Err() != nil {
		return x.errContextDone(ctx)
	}
	if !x.write {
		return nil
	}
	if err := mutation.RecordSend(ctx, x.client.opts.Timeout); err != nil {
		return err
	}
	if limited.Err() != nil {
		return x.fail(codes.Unavailable, pb.ErrorReason_VENDOR_UNAVAILABLE,
			"not sent: to record the write took longer than the %v that the call may take", x.client.opts.Timeout)
	}
	return nil
}

// receive reads an answer whose headers have arrived.
func (x *attempt) receive(
	ctx, limited context.Context, answer *http.Response, into any,
) (*Response, attemptResult, error) {
	if x.write {
		mutation.RecordStatus(ctx, answer.StatusCode)
	}
	x.answer = &Response{
		Status:   answer.StatusCode,
		Header:   answer.Header,
		idHeader: x.client.opts.RequestIDHeader,
		secrets:  x.secrets,
	}
	switch {
	case answer.StatusCode >= 400:
		// If the body breaks off, the status still says what happened.
		body, _ := io.ReadAll(io.LimitReader(answer.Body, drainSize))
		v, err := x.refused(body)
		return nil, v, err
	case answer.StatusCode >= 300:
		return nil, answered, x.errBadResponse("it redirects, which drmhub does not follow: check base_url", "")
	case answer.StatusCode < 200:
		return nil, answered, x.errBadResponse("the status does not end a call", "")
	case into == nil:
		_, _ = io.CopyN(io.Discard, answer.Body, drainSize)
		return x.answer, answered, nil
	}
	err := decode(answer, into, x.client.opts.MaxBody)
	if err == nil {
		return x.answer, answered, nil
	}
	if u, ok := errors.AsType[*unreadable](err); ok {
		return nil, answered, x.errBadResponse(u.what, u.excerpt)
	}
	v, err := x.errTransport(ctx, limited, err)
	return nil, v, err
}

// Response is an answer without its body.
type Response struct {
	Status   int
	Header   http.Header
	idHeader string
	secrets  []secret.Text
}

// Complete returns a copy of an error that an adapter made of this answer. It adds the HTTP status,
// the vendor's id of the request and the pause that the vendor asks for, as far as e lacks them. It
// removes secrets and control characters from every text.
func (r *Response) Complete(e *apierror.Error) *apierror.Error {
	return clean(r.describe(e), r.secrets)
}
