package adaptertest

import (
	"context"
	"fmt"
	"strings"
	"unicode"

	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/secret"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// failures say what a read returns when the vendor fails. None of these errors shows a secret or a
// control character, whatever the vendor writes.
var failures = []Promise{
	{"a vendor that is down is UNAVAILABLE", nil,
		failing(Down, codes.Unavailable, pb.ErrorReason_VENDOR_UNAVAILABLE, nil)},
	{"a vendor that throttles is RESOURCE_EXHAUSTED at once, with the time to wait", nil,
		failing(Throttled, codes.ResourceExhausted, pb.ErrorReason_VENDOR_RATE_LIMITED, waits)},
	{"a vendor that throttles without a time is RESOURCE_EXHAUSTED, with no time either", nil,
		failing(ThrottledSilently, codes.ResourceExhausted, pb.ErrorReason_VENDOR_RATE_LIMITED, saysNoTime)},
	{"a vendor that refuses the credentials is FAILED_PRECONDITION, never the caller's UNAUTHENTICATED", nil,
		failing(CredentialsRejected, codes.FailedPrecondition, pb.ErrorReason_VENDOR_CREDENTIALS_REJECTED, nil)},
	{"a vendor that denies permission is FAILED_PRECONDITION", nil,
		failing(PermissionDenied, codes.FailedPrecondition, pb.ErrorReason_VENDOR_PERMISSION_DENIED, nil)},
	{"a vendor's refusal of an unknown kind is FAILED_PRECONDITION, with its code", nil,
		failing(Rejected, codes.FailedPrecondition, pb.ErrorReason_VENDOR_REJECTED, tellsTheCode)},
	{"a response that cannot be read is INTERNAL", nil,
		failing(Garbage, codes.Internal, pb.ErrorReason_VENDOR_RESPONSE_INVALID, nil)},
	{"a proxy's 404 is INTERNAL, and never says that a thing is gone or a list is empty", nil,
		failing(Misrouted, codes.Internal, pb.ErrorReason_VENDOR_RESPONSE_INVALID, nil)},
	{"a proxy's time-out is UNAVAILABLE", nil,
		failing(TimedOut, codes.Unavailable, pb.ErrorReason_VENDOR_UNAVAILABLE, nil)},
	{"another program's success is INTERNAL", nil,
		failing(ForeignSuccess, codes.Internal, pb.ErrorReason_VENDOR_RESPONSE_INVALID, nil)},
	{"an empty object in the place of a response is INTERNAL, and no empty list", nil,
		failing(EmptyObject, codes.Internal, pb.ErrorReason_VENDOR_RESPONSE_INVALID, nil)},
	{"an empty list in the place of a response is INTERNAL, and no empty list of the vendor's", nil,
		failing(EmptyList, codes.Internal, pb.ErrorReason_VENDOR_RESPONSE_INVALID, nil)},
	{"an empty body in the place of a response is INTERNAL, and no empty list", nil,
		failing(EmptyBody, codes.Internal, pb.ErrorReason_VENDOR_RESPONSE_INVALID, nil)},
}

// failing makes a check that all reads fail in this way. They do not wait as long as a vendor that
// throttles asks for.
func failing(
	fault Fault, code codes.Code, reason pb.ErrorReason, more func(T, string, *apierror.Error),
) func(T, Harness) {
	return func(t T, h Harness) {
		all := reads(t, h)
		h.FailReads(fault)
		for _, r := range all {
			ctx, cancel := context.WithTimeout(t.Context(), RetryAfter)
			_, err := r.call(ctx)
			cancel()
			e := WantError(t, r.name, err, code, reason)
			wantClean(t, r.name, h, err)
			if more != nil {
				more(t, r.name, e)
			}
		}
	}
}

func waits(t T, what string, e *apierror.Error) {
	// An adapter may count the time since the vendor's response, so it can be a little less.
	if e.RetryAfter <= RetryAfter/2 || e.RetryAfter > RetryAfter {
		t.Errorf("%s: the error says to try again after %s, and the vendor said %s", what, e.RetryAfter, RetryAfter)
	}
}

func saysNoTime(t T, what string, e *apierror.Error) {
	if e.RetryAfter != 0 {
		t.Errorf("%s: the error says to try again after %s, but the vendor did not say when", what, e.RetryAfter)
	}
}

func tellsTheCode(t T, what string, e *apierror.Error) {
	if e.Metadata[apierror.VendorCode] == "" {
		t.Errorf("%s: the metadata %v lack %s; set it to the vendor's code", what, e.Metadata, apierror.VendorCode)
	}
}

// wantClean demands an error without a secret or a control character.
func wantClean(t T, what string, h Harness, err error) {
	t.Helper()
	if err == nil {
		return
	}
	// The error itself goes to logs, and what it converts to goes to callers.
	for _, text := range append(said(apierror.Convert(err)), err.Error()) {
		if secret.Clean(text, h.Secrets...) != text {
			t.Errorf("%s: the error shows a secret in a text of %d bytes; remove it by secret.Clean", what, len(text))
		} else if strings.ContainsFunc(text, unicode.IsControl) {
			t.Errorf("%s: the error has a control character: %q", what, text)
		}
	}
}

// said returns all texts of an error.
func said(e *apierror.Error) []string {
	texts := []string{e.Message}
	for key, value := range e.Metadata {
		texts = append(texts, fmt.Sprintf("%s=%s", key, value))
	}
	for _, v := range e.Violations {
		texts = append(texts, v.GetField()+": "+v.GetDescription())
	}
	return texts
}
