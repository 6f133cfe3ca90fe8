package adaptertest_test

import (
	"context"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// telling changes every error of a read; nil makes it a success.
func telling(change func(*apierror.Error) *apierror.Error) func(*bugged) {
	return func(b *bugged) {
		b.around = func(ctx context.Context, call func(context.Context) error) error {
			err := call(ctx)
			if err == nil {
				return nil
			}
			if changed := change(apierror.Convert(err)); changed != nil {
				return changed
			}
			return nil
		}
	}
}

func recoded(code codes.Code, reason pb.ErrorReason) func(*bugged) {
	return telling(func(e *apierror.Error) *apierror.Error { e.Code, e.Reason = code, reason; return e })
}

func waiting(d time.Duration) func(*bugged) {
	return telling(func(e *apierror.Error) *apierror.Error { e.RetryAfter = d; return e })
}

var swallowingErrors = telling(func(*apierror.Error) *apierror.Error { return nil })

var failureBugs = []bug{
	{"a vendor that is down is UNAVAILABLE", "says INTERNAL", recoded(codes.Internal, pb.ErrorReason_INTERNAL_FAILURE)},
	{"a vendor that is down is UNAVAILABLE", "says another reason", recoded(codes.Unavailable, pb.ErrorReason_VENDOR_RATE_LIMITED)},
	{"a vendor that is down is UNAVAILABLE", "shows an empty list", swallowingErrors},
	{"a vendor that throttles is RESOURCE_EXHAUSTED at once, with the time to wait", "says UNAVAILABLE", recoded(codes.Unavailable, pb.ErrorReason_VENDOR_UNAVAILABLE)},
	{"a vendor that throttles is RESOURCE_EXHAUSTED at once, with the time to wait", "loses the time", waiting(0)},
	{"a vendor that throttles is RESOURCE_EXHAUSTED at once, with the time to wait", "blames the caller", recoded(codes.ResourceExhausted, pb.ErrorReason_CALLER_RATE_LIMITED)},
	{"a vendor that throttles without a time is RESOURCE_EXHAUSTED, and no time is made up", "makes up a time", waiting(time.Second)},
	{"a vendor that refuses the credentials is FAILED_PRECONDITION, never the caller's UNAUTHENTICATED", "blames the caller", recoded(codes.Unauthenticated, pb.ErrorReason_TOKEN_INVALID)},
	{"a vendor that denies permission is FAILED_PRECONDITION", "blames the caller", recoded(codes.PermissionDenied, pb.ErrorReason_SCOPE_MISSING)},
	{"a vendor that denies permission is FAILED_PRECONDITION", "blames the credentials", recoded(codes.FailedPrecondition, pb.ErrorReason_VENDOR_CREDENTIALS_REJECTED)},
	{"a vendor's refusal of an unknown kind is FAILED_PRECONDITION, with its code", "takes HTTP 200 for success", swallowingErrors},
	{"a vendor's refusal of an unknown kind is FAILED_PRECONDITION, with its code", "loses the code", telling(func(e *apierror.Error) *apierror.Error {
		delete(e.Metadata, apierror.VendorCode)
		return e
	})},
	{"an answer that cannot be read is INTERNAL", "shows an empty list", swallowingErrors},
	{"an answer that cannot be read is INTERNAL", "says UNAVAILABLE", recoded(codes.Unavailable, pb.ErrorReason_VENDOR_UNAVAILABLE)},
	{"a vendor's refusal of an unknown kind is FAILED_PRECONDITION, with its code", "shows the key", telling(func(e *apierror.Error) *apierror.Error {
		return e.With(apierror.VendorMessage, "not with "+vendorKey)
	})},
	{"a vendor that is down is UNAVAILABLE", "shows the key in an address", telling(func(e *apierror.Error) *apierror.Error {
		e.Message = "GET https://vendor.example/?key=hunter2%2Fhunter2: no"
		return e
	})},
	{"an answer that cannot be read is INTERNAL", "passes control characters on", telling(func(e *apierror.Error) *apierror.Error {
		return e.With(apierror.VendorMessage, "\x1b[31mno")
	})},
}
