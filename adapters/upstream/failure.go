package upstream

import (
	"context"
	"errors"
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

// fail makes an error of this exchange, cleaned, with what is known of the answer.
func (x *exchange) fail(code codes.Code, reason pb.ErrorReason, format string, args ...any) *apierror.Error {
	return x.finish(apierror.New(code, reason, format, args...))
}

func (x *exchange) finish(e *apierror.Error) *apierror.Error {
	if x.answer != nil {
		return x.answer.Complete(e)
	}
	return clean(e, x.secrets)
}

// errContextDone is the error of a call whose context ended before anything was sent. A write says
// UNAVAILABLE where a read says DEADLINE_EXCEEDED, since the latter leaves open whether something
// happened.
func (x *exchange) errContextDone(ctx context.Context) *apierror.Error {
	e := apierror.FromContext(ctx)
	if !x.write {
		return e
	}
	if e.Code == codes.DeadlineExceeded {
		return x.fail(codes.Unavailable, pb.ErrorReason_VENDOR_UNAVAILABLE, "not sent: the deadline passed before there was a connection to the vendor (%s)", x.where)
	}
	return x.fail(e.Code, e.Reason, "not sent: %s", e.Message)
}

// errBreakerOpen is the error of a call that the open breaker holds back.
func (x *exchange) errBreakerOpen() *apierror.Error {
	return x.fail(codes.Unavailable, pb.ErrorReason_VENDOR_UNAVAILABLE,
		"not sent: the vendor failed in most of the last calls; drmhub tries it again every few seconds")
}

// errTransport is the error of an exchange that ended without a complete answer.
func (x *exchange) errTransport(ctx, limited context.Context, cause error) (attemptResult, error) {
	v, e := down, apierror.New(codes.Unavailable, pb.ErrorReason_VENDOR_UNAVAILABLE, "the vendor cannot be reached (%s): %s", x.where, plain(cause))
	switch {
	case ctx.Err() != nil:
		v, e = inconclusive, apierror.FromContext(ctx)
	case limited.Err() != nil:
		e.Message = "the vendor did not answer " + x.where + " within " + x.client.opts.Timeout.String()
	case x.maySent.Load():
		e.Message = "the connection to the vendor broke (" + x.where + "): " + plain(cause)
	}
	switch {
	case !x.write:
		return v, x.finish(e)
	case x.maySent.Load():
		return v, x.unknown(e)
	case ctx.Err() != nil:
		return v, x.errContextDone(ctx)
	}
	e.Message = "not sent: " + e.Message
	return v, x.finish(e)
}

// unknown turns the error that a read would have into that of a write which may have taken effect.
func (x *exchange) unknown(e *apierror.Error) *apierror.Error {
	u := apierror.OutcomeUnknown("whether the vendor did it is not known: %s"+mutation.RetryAdvice, e.Message)
	u.Metadata = e.Metadata
	return x.finish(u)
}

// errBadResponse is the error of a complete answer that drmhub cannot read.
func (x *exchange) errBadResponse(what, excerpt string) *apierror.Error {
	e := apierror.New(codes.Internal, pb.ErrorReason_VENDOR_RESPONSE_INVALID, "the vendor's answer cannot be used (%s, HTTP %d): %s", x.where, x.answer.Status, what)
	e = e.With(apierror.VendorMessage, excerpt)
	if x.write {
		return x.unknown(e)
	}
	return x.finish(e)
}

// refused is the error of an answer with a status of 400 or more.
func (x *exchange) refused(body []byte) (attemptResult, error) {
	status, header := x.answer.Status, x.answer.Header
	if pause := x.answer.pause(); pause > 0 {
		x.client.noteThrottle(status, pause)
	}
	var e *apierror.Error
	if x.client.opts.Failure != nil {
		e = x.client.opts.Failure(status, header, body)
	}
	if e == nil {
		e = x.byStatus().With(apierror.VendorMessage, string(body))
	}
	v := answered
	if status >= 500 && status != http.StatusNotImplemented && e.Code == codes.Unavailable {
		v = down
	}
	if x.write && status >= 500 {
		return v, x.unknown(e)
	}
	return v, x.finish(e)
}

// byStatus is the general meaning of a status.
func (x *exchange) byStatus() *apierror.Error {
	code, reason, said := codes.FailedPrecondition, pb.ErrorReason_VENDOR_REJECTED, "the vendor refuses the request"
	var todo string
	switch status := x.answer.Status; {
	case status == http.StatusBadRequest, status == http.StatusUnprocessableEntity:
		code, reason, said = codes.InvalidArgument, pb.ErrorReason_VENDOR_INPUT_REFUSED, "the vendor refuses a value of the request"
	case status == http.StatusUnauthorized:
		reason, said = pb.ErrorReason_VENDOR_CREDENTIALS_REJECTED, "the vendor refuses drmhub's credentials"
		todo = ": check the key configured for this vendor and the machine's clock"
	case status == http.StatusForbidden:
		reason, said = pb.ErrorReason_VENDOR_PERMISSION_DENIED, "the vendor does not let drmhub's account make this call"
		todo = ": have the vendor grant it, or configure another account"
	case status == http.StatusNotFound:
		code, reason, said = codes.NotFound, pb.ErrorReason_RESOURCE_NOT_FOUND, "the vendor holds no such resource"
	case status == http.StatusConflict:
		code, reason, said = codes.AlreadyExists, pb.ErrorReason_VENDOR_ALREADY_EXISTS, "the vendor already holds it"
	case status == http.StatusTooManyRequests:
		code, reason, said = codes.ResourceExhausted, pb.ErrorReason_VENDOR_RATE_LIMITED, "the vendor throttles drmhub, or a quota is used up"
	case status >= 500:
		code, reason, said = codes.Unavailable, pb.ErrorReason_VENDOR_UNAVAILABLE, "the vendor reports a failure of its own"
	}
	return apierror.New(code, reason, "%s (%s, HTTP %d)%s", said, x.where, x.answer.Status, todo)
}

// pause is how long the vendor asks to be left alone; 0: it does not.
func (r *Response) pause() time.Duration {
	if r.Status != http.StatusTooManyRequests && r.Status != http.StatusServiceUnavailable {
		return 0
	}
	return retryAfter(r.Header)
}

// describe is a copy of e with what the answer tells, apart from what e says itself.
func (r *Response) describe(e *apierror.Error) *apierror.Error {
	c := *e
	if c.RetryAfter == 0 && c.Reason != pb.ErrorReason_OUTCOME_UNKNOWN {
		c.RetryAfter = r.pause()
	}
	told := &c
	if c.Metadata[apierror.VendorHTTPStatus] == "" {
		told = told.With(apierror.VendorHTTPStatus, strconv.Itoa(r.Status))
	}
	if r.idHeader != "" && c.Metadata[apierror.VendorRequestID] == "" {
		told = told.With(apierror.VendorRequestID, r.Header.Get(r.idHeader))
	}
	return told
}

// clean is a copy of e without secrets and control characters in any of its texts.
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
		c.Violations = append(c.Violations, &errdetails.BadRequest_FieldViolation{Field: v.GetField(), Description: fit(v.GetDescription())})
	}
	return &c
}

// plain is the text of a transport's error without the URL that a *url.Error puts in front.
func plain(err error) string {
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	return err.Error()
}
