// Package apierror defines the errors of drmhub's public face. An error has a canonical status
// code, a message for people, and details for programs: google.rpc.ErrorInfo with a
// drmhub.v1.ErrorReason, BadRequest and RetryInfo.
package apierror

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/types/known/durationpb"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// Domain is the domain of every ErrorInfo.
const Domain = "drmhub.v1"

// Metadata keys of an ErrorInfo.
const (
	Vendor           = "vendor"             // the configured id of the vendor
	VendorCode       = "vendor_code"        // the vendor's own error code
	VendorHTTPStatus = "vendor_http_status" // the status of the vendor's response, in digits
	VendorRequestID  = "vendor_request_id"  // the vendor's id of the request, for its support
	VendorMessage    = "vendor_message"     // the vendor's own text, cleaned
	MutationName     = "mutation"           // the name of the mutation's record
	Standing         = "standing"           // what is valid after a replacement that failed
)

// An Error is an error of the public face. gRPC sends it as its GRPCStatus.
type Error struct {
	Code       codes.Code
	Reason     pb.ErrorReason
	Message    string
	Metadata   map[string]string
	Violations []*errdetails.BadRequest_FieldViolation
	RetryAfter time.Duration // 0 if unknown
	// Unproven reports that a proxy may have sent the refusal that this error is about, or that the
	// vendor's code is not known. Callers are not told of it.
	Unproven bool
	// Foreign reports that the response is not in the vendor's own form. Callers are not told of
	// it.
	Foreign bool

	omitted int // how many further violations the error leaves out
}

// New returns an error with a message from fmt.Sprintf.
func New(code codes.Code, reason pb.ErrorReason, format string, args ...any) *Error {
	return &Error{Code: code, Reason: reason, Message: fmt.Sprintf(format, args...)}
}

// Invalid returns INVALID_ARGUMENT for one field of the request, named by its path, such as
// "filter.start_time". The text says what to change.
func Invalid(field, format string, args ...any) *Error {
	description := fmt.Sprintf(format, args...)
	return InvalidRequest(&errdetails.BadRequest_FieldViolation{Field: field, Description: description})
}

// InvalidRequest returns INVALID_ARGUMENT for several fields at once.
func InvalidRequest(violations ...*errdetails.BadRequest_FieldViolation) *Error {
	shown := min(len(violations), MaxViolations)
	e := New(codes.InvalidArgument, pb.ErrorReason_REQUEST_INVALID, "")
	e.Violations, e.omitted = violations[:shown], len(violations)-shown
	e.Message = e.violationText()
	return e
}

// violationText returns the message of an error that consists of its violations.
func (e *Error) violationText() string {
	texts := make([]string, 0, len(e.Violations)+1)
	for _, v := range e.Violations {
		texts = append(texts, strings.TrimPrefix(v.GetField()+": ", ": ")+v.GetDescription())
	}
	if e.omitted > 0 {
		texts = append(texts, fmt.Sprintf("and %d more", e.omitted))
	}
	return strings.Join(texts, "; ")
}

// NotFound returns NOT_FOUND for a resource. The text names it.
func NotFound(format string, args ...any) *Error {
	return New(codes.NotFound, pb.ErrorReason_RESOURCE_NOT_FOUND, format, args...)
}

// OutcomeUnknown returns the error of a change that may have been made at the vendor.
func OutcomeUnknown(format string, args ...any) *Error {
	return New(codes.Unknown, pb.ErrorReason_OUTCOME_UNKNOWN, format, args...)
}

// IsOutcomeUnknown reports whether err says that a change may have been made.
func IsOutcomeUnknown(err error) bool {
	return err != nil && Convert(err).Reason == pb.ErrorReason_OUTCOME_UNKNOWN
}

// With returns a copy of the error with one more entry of metadata. It ignores an empty value.
func (e *Error) With(key, value string) *Error {
	if value == "" {
		return e
	}
	c := *e
	c.Metadata = maps.Clone(e.Metadata)
	if c.Metadata == nil {
		c.Metadata = map[string]string{}
	}
	c.Metadata[key] = value
	return &c
}

// Error returns the message.
func (e *Error) Error() string { return e.Message }

// GRPCStatus returns the error as gRPC sends it.
func (e *Error) GRPCStatus() *status.Status {
	if e.encodedSize() > maxEncoded {
		e = e.fitted()
	}
	return e.status()
}

// status returns the error as a status, whatever its size.
func (e *Error) status() *status.Status {
	info := &errdetails.ErrorInfo{Reason: e.Reason.String(), Domain: Domain, Metadata: e.Metadata}
	details := []protoadapt.MessageV1{info}
	if len(e.Violations) > 0 {
		details = append(details, &errdetails.BadRequest{FieldViolations: e.Violations})
	}
	if e.RetryAfter > 0 {
		details = append(details, &errdetails.RetryInfo{RetryDelay: durationpb.New(e.RetryAfter)})
	}
	s := status.New(e.Code, e.Message)
	if with, err := s.WithDetails(details...); err == nil {
		return with
	}
	return s
}

// Convert returns any error as one of the public face. A status keeps its code, message and
// details. The end of a context becomes CANCELLED or DEADLINE_EXCEEDED. Every other error is
// INTERNAL.
func Convert(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	s := statusIn(err)
	e := &Error{Code: s.Code(), Message: s.Message(), Reason: defaultReason(s.Code())}
	for _, d := range s.Details() {
		switch d := d.(type) {
		case *errdetails.ErrorInfo:
			if d.GetDomain() == Domain {
				e.Reason = pb.ErrorReason(pb.ErrorReason_value[d.GetReason()])
				e.Metadata = maps.Clone(d.GetMetadata())
			}
		case *errdetails.BadRequest:
			e.Violations = slices.Clone(d.GetFieldViolations())
		case *errdetails.RetryInfo:
			e.RetryAfter = d.GetRetryDelay().AsDuration()
		}
	}
	// The text of any other error is not written for callers, and may contain secrets.
	if e.Code == codes.Unknown && e.Reason != pb.ErrorReason_OUTCOME_UNKNOWN {
		return New(codes.Internal, pb.ErrorReason_INTERNAL_FAILURE, "Internal error in drmhub. See the server log.")
	}
	return e
}

// statusIn returns the status in an error, without the text that wraps it. That text is written for
// the log, and may contain secrets.
func statusIn(err error) *status.Status {
	type withStatus interface {
		error
		GRPCStatus() *status.Status
	}
	if e, ok := errors.AsType[withStatus](err); ok && e.GRPCStatus() != nil {
		return e.GRPCStatus()
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return status.New(codes.DeadlineExceeded, deadlinePassed)
	case errors.Is(err, context.Canceled):
		return status.New(codes.Canceled, callerGone)
	default:
		return status.New(codes.Unknown, "")
	}
}

// defaultReason returns the reason of a status without one. gRPC itself makes such statuses.
func defaultReason(c codes.Code) pb.ErrorReason {
	switch c {
	case codes.InvalidArgument, codes.OutOfRange:
		return pb.ErrorReason_REQUEST_INVALID
	case codes.NotFound:
		return pb.ErrorReason_RESOURCE_NOT_FOUND
	case codes.Unimplemented:
		return pb.ErrorReason_METHOD_UNKNOWN
	case codes.Unauthenticated:
		return pb.ErrorReason_TOKEN_INVALID
	case codes.PermissionDenied:
		return pb.ErrorReason_SCOPE_MISSING
	case codes.ResourceExhausted:
		return pb.ErrorReason_CALLER_RATE_LIMITED
	case codes.DeadlineExceeded:
		return pb.ErrorReason_DEADLINE_PASSED
	case codes.Canceled:
		return pb.ErrorReason_CALL_CANCELLED
	default:
		return pb.ErrorReason_INTERNAL_FAILURE
	}
}

// maxVendorText bounds how many runes of a vendor's own text an error has.
const maxVendorText = 500

// VendorText returns a vendor's own text as an error may show it: with spaces in place of control
// characters, and of bounded length. The caller removes secrets, since it knows them.
func VendorText(s string) string {
	s = strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == unicode.ReplacementChar {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "")))
	if r := []rune(s); len(r) > maxVendorText {
		s = string(r[:maxVendorText]) + "…"
	}
	return s
}

const (
	deadlinePassed = "the deadline passed before the response arrived"
	callerGone     = "the caller canceled the call"
)

// FromContext returns the error of a call whose context has ended.
func FromContext(ctx context.Context) *Error {
	if errors.Is(context.Cause(ctx), context.DeadlineExceeded) {
		return New(codes.DeadlineExceeded, pb.ErrorReason_DEADLINE_PASSED, deadlinePassed)
	}
	return New(codes.Canceled, pb.ErrorReason_CALL_CANCELLED, callerGone)
}
