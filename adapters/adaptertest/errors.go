package adaptertest

import (
	"slices"

	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// WantError demands an error of this code and reason, and returns it.
func WantError(t T, what string, err error, code codes.Code, reason pb.ErrorReason) *apierror.Error {
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
	wantViolations(t, what, err, "page_token")
}

// wantViolations demands INVALID_ARGUMENT for these fields, and no others.
func wantViolations(t T, what string, err error, fields ...string) {
	t.Helper()
	e := WantError(t, what, err, codes.InvalidArgument, pb.ErrorReason_REQUEST_INVALID)
	var got []string
	for _, v := range e.Violations {
		got = append(got, v.GetField())
	}
	slices.Sort(got)
	if got, want := slices.Compact(got), slices.Sorted(slices.Values(fields)); !slices.Equal(got, want) {
		t.Errorf("%s: the field violations are of %q, want %q", what, got, want)
	}
}
