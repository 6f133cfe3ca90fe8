package upstream

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/mutation"
	"github.com/drmhub/drmhub/adapters/secret"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// fail returns an error of this attempt, cleaned, with the details of the response.
func (a *attempt) fail(code codes.Code, reason pb.ErrorReason, format string, args ...any) *apierror.Error {
	return a.finish(apierror.New(code, reason, format, args...))
}

func (a *attempt) finish(e *apierror.Error) *apierror.Error {
	if a.answer != nil {
		return a.answer.complete(e)
	}
	return clean(e, a.secrets)
}

// errContextDone returns the error of a call whose context ended before anything was sent. For a
// write it is UNAVAILABLE: DEADLINE_EXCEEDED would not say whether the write had an effect.
func (a *attempt) errContextDone(ctx context.Context) *apierror.Error {
	e := apierror.FromContext(ctx)
	if !a.write {
		return e
	}
	if e.Code == codes.DeadlineExceeded {
		return a.fail(codes.Unavailable, pb.ErrorReason_VENDOR_UNAVAILABLE,
			"not sent: the deadline passed before there was a connection to %s (%s)", a.vendor(), a.where())
	}
	return a.fail(e.Code, e.Reason, "not sent: %s", e.Message)
}

// errTransport returns the error of an attempt that ended without a complete response.
func (a *attempt) errTransport(ctx, limited context.Context, cause error) (attemptResult, error) {
	result, e := down, apierror.New(codes.Unavailable, pb.ErrorReason_VENDOR_UNAVAILABLE,
		"%s cannot be reached (%s): %s", a.vendor(), a.where(), plain(cause))
	switch {
	case ctx.Err() != nil:
		result, e = inconclusive, apierror.FromContext(ctx)
	case limited.Err() != nil:
		e.Message = a.vendor() + " did not respond to " + a.where() + " within " + a.timeout.String()
	case a.maySent.Load():
		e.Message = "the connection to " + a.vendor() + " broke (" + a.where() + "): " + plain(cause)
	}
	switch {
	case !a.write:
		return result, a.finish(e)
	case a.maySent.Load():
		return result, a.unknown(e)
	case ctx.Err() != nil:
		return result, a.errContextDone(ctx)
	}
	e.Message = "not sent: " + e.Message
	return result, a.finish(e)
}

// unknown returns the error of a write that may have taken effect. e is the error of a read that
// ends in the same way.
func (a *attempt) unknown(e *apierror.Error) *apierror.Error {
	u := apierror.OutcomeUnknown("Outcome unknown: %s"+mutation.RetryAdvice, e.Message)
	u.Metadata = e.Metadata
	return a.finish(u)
}

// errBadResponse returns the error of a complete response that drmhub cannot read.
func (a *attempt) errBadResponse(what, excerpt string) *apierror.Error {
	e := apierror.New(codes.Internal, pb.ErrorReason_VENDOR_RESPONSE_INVALID,
		"%s sent a response that drmhub cannot use (%s, HTTP %d): %s", a.vendor(), a.where(), a.answer.Status, what)
	e = e.With(apierror.VendorMessage, excerpt)
	if a.write {
		return a.unknown(e)
	}
	return a.finish(e)
}

// errProxy returns the error of a response in which the configured proxy asks for its credentials.
// The vendor did not get the request.
func (a *attempt) errProxy() *apierror.Error {
	return a.fail(codes.Unavailable, pb.ErrorReason_VENDOR_UNAVAILABLE,
		"not sent: the proxy in front of %s wants a user and a password (HTTP 407, %s): check the proxy's URL",
		a.vendor(), a.where())
}

// redirect says where a redirect leads. It leaves out the query, which may hold a token.
func (c *Client) redirect(answer *http.Response) string {
	to := ""
	if u, err := c.base.Parse(answer.Header.Get("Location")); err == nil && answer.Header.Get("Location") != "" {
		to = " to " + (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path, RawPath: u.RawPath}).String()
	}
	return "it is a redirect" + to + ", which drmhub does not follow: check " + c.baseURLKey()
}

// refused returns the error of a response with a status of 400 or more.
func (a *attempt) refused(body []byte) (attemptResult, error) {
	status, header := a.answer.Status, a.answer.Header
	if pause := a.answer.pause(); pause > 0 {
		a.client.account.noteThrottle(status, pause)
	}
	var e *apierror.Error
	if a.client.opts.Failure != nil {
		e = a.client.opts.Failure(status, header, body)
	}
	own := e != nil || a.client.opts.Failure == nil
	switch {
	case !own && (saysGone(status) || !a.write && refusesRequest(status)):
		return answered, a.errForeign(string(body))
	case e == nil:
		e = &apierror.Error{Unproven: !own, Foreign: !own && !saysNothing(status, body)}
		e = e.With(apierror.VendorMessage, string(body))
	}
	e = a.complete(e)
	result := answered
	switch {
	case !passing(status), status == http.StatusNotImplemented, e.Code != codes.Unavailable:
	case status == http.StatusInternalServerError:
		result = failed
	default:
		result = down
	}
	switch {
	case a.write && (passing(status) || !own && status == http.StatusTooManyRequests):
		return result, a.unknown(e)
	case !a.write && a.Fixed && e.Code == codes.NotFound:
		return result, a.errNoSuchCall(e)
	}
	return result, a.finish(e)
}

// saysNothing reports whether a response is an empty 401 or 403. Not every vendor's document shows
// these bodies, so an empty one counts as the vendor's.
func saysNothing(status int, body []byte) bool {
	return (status == http.StatusUnauthorized || status == http.StatusForbidden) && len(bytes.TrimSpace(body)) == 0
}

// passing reports whether a status says that the request came at a bad time. The vendor may have
// begun a write before it sent such a status, or may have the write from a proxy that sent it.
func passing(status int) bool {
	return status == http.StatusRequestTimeout || status == http.StatusTooEarly ||
		status >= http.StatusInternalServerError
}

// saysGone reports whether a status says that a resource or a path does not exist. A proxy sends it
// too if it has no route to the vendor.
func saysGone(status int) bool { return status == http.StatusNotFound || status == http.StatusGone }

// refusesRequest reports whether a status says that the request is wrong. From a proxy, this says
// nothing of what was asked for.
func refusesRequest(status int) bool {
	switch meaningOf(status).reason {
	case pb.ErrorReason_VENDOR_INPUT_REFUSED, pb.ErrorReason_VENDOR_ALREADY_EXISTS, pb.ErrorReason_VENDOR_REJECTED:
		return true
	}
	return false
}

// errForeign returns the error of a response that is not in the vendor's own form.
func (a *attempt) errForeign(body string) *apierror.Error {
	return a.errBadResponse("it is not in the form of "+a.vendor()+", so a proxy or gateway may have sent it. "+
		"It proves nothing about the request. Retry, and check "+a.client.baseURLKey(), body)
}

// errNoSuchCall returns the error of a path that names no resource, and that the vendor does not
// have.
func (a *attempt) errNoSuchCall(said *apierror.Error) *apierror.Error {
	e := apierror.New(codes.Internal, pb.ErrorReason_VENDOR_RESPONSE_INVALID,
		"%s has no such call (%s, HTTP %d): check %s", a.vendor(), a.where(), a.answer.Status, a.client.baseURLKey())
	e.Metadata = said.Metadata
	return a.finish(e)
}

// complete returns e with the meaning of the HTTP status, unless e has a meaning of its own.
func (a *attempt) complete(e *apierror.Error) *apierror.Error {
	status := a.answer.Status
	m := meaningOf(status)
	c := *e
	if c.Code == codes.OK {
		c.Code, c.Reason = m.code, m.reason
	}
	if c.Message == "" {
		said := ""
		if code := e.Metadata[apierror.VendorCode]; code != "" {
			said = ", " + code
		}
		c.Message = fmt.Sprintf("%s %s (%s, HTTP %d%s)%s", a.vendor(), m.says, a.where(), status, said, m.advice)
	}
	return &c
}

// vendor returns the vendor's name, for messages.
func (a *attempt) vendor() string { return cmp.Or(a.client.opts.VendorName, "the vendor") }

// baseURLKey returns the setting that holds the base URL, for messages.
func (c *Client) baseURLKey() string { return cmp.Or(c.opts.BaseURLKey, "base_url") }

// A meaning is what an HTTP status says in general.
type meaning struct {
	code   codes.Code
	reason pb.ErrorReason
	says   string // about the vendor, whose name precedes it
	advice string // to the operator
}

func meaningOf(status int) meaning {
	switch {
	case status == http.StatusBadRequest, status == http.StatusUnprocessableEntity:
		return meaning{codes.InvalidArgument, pb.ErrorReason_VENDOR_INPUT_REFUSED,
			"refuses a value of the request", ""}
	case status == http.StatusUnauthorized:
		return meaning{codes.FailedPrecondition, pb.ErrorReason_VENDOR_CREDENTIALS_REJECTED,
			"refuses drmhub's credentials", ": check the key configured for this vendor and the machine's clock"}
	case status == http.StatusForbidden:
		return meaning{codes.FailedPrecondition, pb.ErrorReason_VENDOR_PERMISSION_DENIED,
			"does not let drmhub's account make this call", ": have the vendor grant it, or configure another account"}
	case status == http.StatusNotFound:
		return meaning{codes.NotFound, pb.ErrorReason_RESOURCE_NOT_FOUND, "has no such resource", ""}
	case status == http.StatusConflict:
		return meaning{codes.AlreadyExists, pb.ErrorReason_VENDOR_ALREADY_EXISTS, "already has it", ""}
	case status == http.StatusRequestTimeout, status == http.StatusTooEarly:
		return meaning{codes.Unavailable, pb.ErrorReason_VENDOR_UNAVAILABLE,
			"did not take the request at this time", ""}
	case status == http.StatusTooManyRequests:
		return meaning{codes.ResourceExhausted, pb.ErrorReason_VENDOR_RATE_LIMITED,
			"throttles drmhub, or a quota is used up", ""}
	case status >= http.StatusInternalServerError:
		return meaning{codes.Unavailable, pb.ErrorReason_VENDOR_UNAVAILABLE, "reports a failure of its own", ""}
	}
	return meaning{codes.FailedPrecondition, pb.ErrorReason_VENDOR_REJECTED, "refuses the request", ""}
}

// pause returns how long the vendor asks drmhub to send nothing. It is 0 if the vendor does not
// ask.
func (r *Response) pause() time.Duration {
	if r.Status != http.StatusTooManyRequests && r.Status != http.StatusServiceUnavailable {
		return 0
	}
	return retryAfter(r.Header)
}

// describe returns a copy of e with the details of the response, unless e has them.
func (r *Response) describe(e *apierror.Error) *apierror.Error {
	c := *e
	if c.RetryAfter == 0 && c.Reason != pb.ErrorReason_OUTCOME_UNKNOWN {
		c.RetryAfter = r.pause()
	}
	described := &c
	if c.Metadata[apierror.VendorHTTPStatus] == "" {
		described = described.With(apierror.VendorHTTPStatus, strconv.Itoa(r.Status))
	}
	if r.idHeader != "" && c.Metadata[apierror.VendorRequestID] == "" {
		described = described.With(apierror.VendorRequestID, r.Header.Get(r.idHeader))
	}
	return described
}

// clean returns a copy of e without secrets and control characters in any of its texts.
func clean(e *apierror.Error, secrets []secret.Text) *apierror.Error {
	fit := func(s string) string { return apierror.VendorText(secret.Clean(s, secrets...)) }
	c := *e
	c.Message = fit(e.Message)
	c.Metadata = make(map[string]string, len(e.Metadata))
	for k, v := range e.Metadata {
		if v = fit(v); v != "" {
			c.Metadata[k] = v
		}
	}
	c.Violations = nil
	for _, v := range e.Violations {
		c.Violations = append(c.Violations, &errdetails.BadRequest_FieldViolation{
			Field:       v.GetField(),
			Description: fit(v.GetDescription()),
		})
	}
	return &c
}

// plain returns the text of a transport's error for callers. It leaves out URLs, and the addresses
// of drmhub's own network: of its name server, its proxies and its host.
func plain(err error) string {
	if p, ok := errors.AsType[*proxyRefusal](err); ok {
		return p.Error()
	}
	if d, ok := errors.AsType[*net.DNSError](err); ok {
		return "the lookup of its host name failed: " + d.Err
	}
	if o, ok := errors.AsType[*net.OpError](err); ok && o.Err != nil {
		if o.Op == "proxyconnect" { // The error inside is another one, with the address of the proxy.
			return "the proxy: " + plain(o.Err)
		}
		return o.Op + ": " + o.Err.Error()
	}
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return err.Error() + ": if an authority of your own issued the certificate, set tls.ca_file"
	}
	return err.Error()
}
