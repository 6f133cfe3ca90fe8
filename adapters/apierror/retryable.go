package apierror

import "google.golang.org/grpc/codes"

// Retryable reports whether a call that ended with code, and had no effect, may succeed later: the
// reason lies in the moment and not in the request.
func Retryable(code codes.Code) bool {
	switch code {
	case codes.Unavailable, codes.ResourceExhausted, codes.Aborted,
		codes.Canceled, codes.DeadlineExceeded, codes.Internal:
		return true
	}
	return false
}
