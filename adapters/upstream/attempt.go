package upstream

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/mutation"
	"github.com/drmhub/drmhub/adapters/secret"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// An attempt is one attempt to send a request.
type attempt struct {
	*exchange
	client  *Client
	request *http.Request
	secrets []secret.Text
	few     [4]secret.Text // the array of secrets, unless there are more
	timeout time.Duration
	maySent atomic.Bool // see trace
	early   atomic.Bool // see trace
	answer  *Response   // nil until its headers have arrived
	alone   share       // the share of a request without a mark of OneCall
}

// where returns the request as errors name it, "GET /iptv/drm". It leaves out the query, which may
// contain a token.
func (a *attempt) where() string { return a.request.Method + " " + a.request.URL.EscapedPath() }

// try sends a request once, or not at all.
func (c *Client) try(
	ctx context.Context, x *exchange, into any,
) (resp *Response, result attemptResult, err error) {
	r, err := c.build(ctx, x.Request, x.write)
	if err != nil {
		return nil, unsent, err
	}
	a := &attempt{exchange: x, client: c, request: r, timeout: c.timeout()}
	a.secrets = append(append(a.few[:0], x.Secrets...), secret.FromContext(ctx)...)
	leave, err := a.admit(ctx)
	if err != nil {
		return nil, unsent, err
	}
	defer leave()
	if err := a.sign(ctx, r); err != nil {
		return nil, unsent, err
	}
	// The timeout starts before the record is written, since the record says when the attempt ends.
	limited, cancel := context.WithTimeout(ctx, a.timeout)
	defer cancel()
	if err := a.recordBeforeSend(ctx, limited); err != nil {
		return nil, unsent, err
	}
	// The permit comes after Sign, which may need the only permit of a half-open breaker.
	if !x.acquire() {
		return nil, unsent, a.errBreakerOpen(ctx)
	}
	x.attempts++
	end := a.observe(ctx)
	defer func() {
		x.result = result
		c.account.budget.record(result)
		a.noteHealth(ctx, result, err)
		end(a.ending(result, err))
	}()

	transport := c.reads
	if x.write {
		sendOnce(r.Header)
		transport = c.writes
	}
	if c.opts.Transport == nil {
		setDefault(r.Header, "Accept-Encoding", onlyGzip) // see uncompress
	}
	answer, err := transport.RoundTrip(r.WithContext(a.trace(limited)))
	if err == nil && a.early.Load() {
		_ = answer.Body.Close()
		err = errEarly
	}
	if err != nil {
		result, err := a.errTransport(ctx, limited, err)
		return nil, result, err
	}
	defer answer.Body.Close() // unless the body was read to its end, this drops the connection
	return a.receive(ctx, limited, answer, into)
}

// sign adds the credentials to the request, and learns the secrets that an error may repeat.
func (a *attempt) sign(ctx context.Context, r *http.Request) error {
	c := a.client
	if c.opts.Sign != nil && !a.Unsigned {
		var few [8]field
		before := fieldsOf(few[:0], r.Header)
		if err := c.opts.Sign(withPlace(ctx), r); err != nil {
			c.account.health.noteSignError(c.number, err)
			return err
		}
		a.secrets = appendSigned(a.secrets, before, r.Header)
	}
	if c.opts.Secrets != nil {
		a.secrets = append(a.secrets, c.opts.Secrets()...)
	}
	return nil
}

// A field is a header with one value.
type field struct{ name, value string }

// fieldsOf appends the fields of a header.
func fieldsOf(to []field, h http.Header) []field {
	for name, values := range h {
		for _, v := range values {
			to = append(to, field{name, v})
		}
	}
	return to
}

// appendSigned appends the header values that Sign added, since a vendor's error may repeat them. A
// signature stays valid for some minutes. It leaves out numbers, such as a time.
func appendSigned(to []secret.Text, before []field, after http.Header) []secret.Text {
	for name, values := range after {
		for _, v := range values {
			if !slices.Contains(before, field{name, v}) && strings.Trim(v, "0123456789") != "" {
				to = append(to, secret.New(v))
			}
		}
	}
	return to
}

// recordBeforeSend records a write. It is the last step before the first byte.
func (a *attempt) recordBeforeSend(ctx, limited context.Context) error {
	if ctx.Err() != nil {
		return a.errContextDone(ctx)
	}
	if !a.write {
		return nil
	}
	if err := mutation.RecordSend(ctx, a.timeout); err != nil {
		return err
	}
	if limited.Err() != nil {
		return a.fail(codes.Unavailable, pb.ErrorReason_VENDOR_UNAVAILABLE,
			"not sent: recording the write took longer than the timeout of %v", a.timeout)
	}
	return nil
}

// receive reads a response whose headers have arrived.
func (a *attempt) receive(
	ctx, limited context.Context, answer *http.Response, into any,
) (*Response, attemptResult, error) {
	if a.write {
		mutation.RecordStatus(ctx, answer.StatusCode)
	}
	a.answer = &Response{
		Status:   answer.StatusCode,
		Header:   answer.Header,
		idHeader: a.client.opts.RequestIDHeader,
		secrets:  a.secrets,
		client:   a.client,
		call:     a.Shape.Call(),
	}
	encoding := uncompress(answer)
	switch {
	case answer.StatusCode == http.StatusProxyAuthRequired && a.client.proxied:
		return nil, inconclusive, a.errProxy()
	case answer.StatusCode == http.StatusProxyAuthRequired:
		return nil, answered, a.errForeign("")
	case answer.StatusCode >= 400:
		// If the body breaks off, the status still says what happened.
		body, _ := io.ReadAll(io.LimitReader(answer.Body, drainSize))
		result, err := a.refused(body)
		return nil, result, err
	case answer.StatusCode >= 300:
		return nil, answered, a.errBadResponse(a.client.redirect(answer), "")
	case answer.StatusCode < 200:
		return nil, answered, a.errBadResponse("its status is below 200", "")
	case into == nil:
		_, _ = io.CopyN(io.Discard, answer.Body, drainSize)
		return a.answer, answered, nil
	}
	if encoding != "" {
		what := "its body is compressed as " + strconv.Quote(encoding) + ", which drmhub cannot read"
		return nil, answered, a.errBadResponse(what, "")
	}
	kept := a.keepForShape(ctx, answer)
	err := decode(answer, into, a.client.opts.MaxBody)
	if err == nil {
		a.compareShape(kept)
		return a.answer, answered, nil
	}
	if u, ok := errors.AsType[*unreadable](err); ok {
		return nil, answered, a.errBadResponse(u.what, u.excerpt)
	}
	result, err := a.errTransport(ctx, limited, err)
	return nil, result, err
}

// A Response is a vendor's response without its body.
type Response struct {
	Status   int
	Header   http.Header
	idHeader string
	secrets  []secret.Text
	client   *Client
	call     string // by its shape, such as "GET /sites"
	coded    bool   // the code of a refusal has been compared
	// What was known of the account before and after this response, if it passes for a success.
	before, after good
}

// Complete returns a copy of e, an error that an adapter found in this response. It adds the HTTP
// status, the vendor's request id and the pause that the vendor asks for, unless e has them. It
// removes secrets and control characters from every text.
func (r *Response) Complete(e *apierror.Error) *apierror.Error {
	e = r.complete(e)
	if r.client != nil {
		r.client.account.health.noteErrorIn(r, e)
	}
	return e
}

func (r *Response) complete(e *apierror.Error) *apierror.Error {
	r.noteCode(e)
	return clean(r.describe(e), r.secrets)
}
