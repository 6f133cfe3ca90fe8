package apierror_test

import (
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/apierror"
)

func TestRetryable(t *testing.T) {
	for code := codes.OK; code <= codes.Unauthenticated; code++ {
		want := map[codes.Code]bool{
			codes.Unavailable: true, codes.ResourceExhausted: true, codes.Aborted: true,
			codes.Canceled: true, codes.DeadlineExceeded: true, codes.Internal: true,
		}[code]
		if got := apierror.Retryable(code); got != want {
			t.Errorf("%v: %v, want %v", code, got, want)
		}
	}
}
