package apierror

import "google.golang.org/grpc/codes"

// Retryable reports whether a call that ended with code, and had no effect, may succeed later
// without a change of the request.
func Retryable(code codes.Code) bool {
	switch code {
	case codes.Unavailable, codes.ResourceExhausted, codes.Aborted,
		codes.Canceled, codes.DeadlineExceeded, codes.Internal:
		return true
	}
	return false
}
