package adaptertest

import (
	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// wantError demands an error of this code and reason, and answers it.
func wantError(t T, what string, err error, code codes.Code, reason pb.ErrorReason) *apierror.Error {
	t.Helper()
	if err == nil {
		t.Errorf("%s: no error, want %s, %s", what, code, reason)
		return &apierror.Error{}
	}
	e := apierror.Convert(err)
	if e.Code != code || e.Reason != reason {
		t.Errorf("%s: %s, %s, want %s, %s; it says: %v", what, e.Code, e.Reason, code, reason, err)
	}
	return e
}

// wantTokenRefused demands INVALID_ARGUMENT for page_token.
func wantTokenRefused(t T, what string, err error) {
	t.Helper()
	e := wantError(t, what, err, codes.InvalidArgument, pb.ErrorReason_REQUEST_INVALID)
	if len(e.Violations) != 1 || e.Violations[0].GetField() != "page_token" {
		t.Errorf("%s: the field violations are %v, want one for page_token", what, e.Violations)
	}
}
