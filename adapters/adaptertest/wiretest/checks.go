package wiretest

import (
	"encoding/json"
	"os"
	"reflect"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"

	"github.com/drmhub/drmhub/adapters/adaptertest"
	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// Fixture returns the text of a file in testdata.
func Fixture(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Same demands two equal messages.
func Same(t *testing.T, what string, got, want proto.Message) {
	t.Helper()
	if !proto.Equal(got, want) {
		t.Errorf("%s is\n%swant\n%s", what, prototext.Format(got), prototext.Format(want))
	}
}

// SameJSON demands two JSON texts of the same meaning.
func SameJSON(t *testing.T, what, got, want string) {
	t.Helper()
	var g, w any
	if err := json.Unmarshal([]byte(want), &w); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(got), &g); err != nil || !reflect.DeepEqual(g, w) {
		t.Errorf("%s is\n%s\nwant\n%s", what, got, want)
	}
}

// WantField demands INVALID_ARGUMENT for this one field.
func WantField(t *testing.T, what string, err error, field string) {
	t.Helper()
	e := adaptertest.WantError(t, what, err, codes.InvalidArgument, pb.ErrorReason_REQUEST_INVALID)
	WantViolation(t, what, e, field)
}

// WantViolation demands that an error names this one field.
func WantViolation(t *testing.T, what string, e *apierror.Error, field string) {
	t.Helper()
	if len(e.Violations) != 1 || e.Violations[0].GetField() != field {
		t.Errorf("%s: the field violations are %v, want one for %s", what, e.Violations, field)
	}
}

// Outcome is the code and reason of the error with which a call ends.
type Outcome struct {
	Code   codes.Code
	Reason pb.ErrorReason
}

// The outcomes of a call that the vendor fails.
var (
	InputRefused = Outcome{codes.InvalidArgument, pb.ErrorReason_VENDOR_INPUT_REFUSED}
	NotFound     = Outcome{codes.NotFound, pb.ErrorReason_RESOURCE_NOT_FOUND}
	WrongState   = Outcome{codes.FailedPrecondition, pb.ErrorReason_VENDOR_STATE}
	Unavailable  = Outcome{codes.Unavailable, pb.ErrorReason_VENDOR_UNAVAILABLE}
	Unreadable   = Outcome{codes.Internal, pb.ErrorReason_VENDOR_RESPONSE_INVALID}
	Throttled    = Outcome{codes.ResourceExhausted, pb.ErrorReason_VENDOR_RATE_LIMITED}
	Unauthorized = Outcome{codes.FailedPrecondition, pb.ErrorReason_VENDOR_CREDENTIALS_REJECTED}
	Forbidden    = Outcome{codes.FailedPrecondition, pb.ErrorReason_VENDOR_PERMISSION_DENIED}
	Rejected     = Outcome{codes.FailedPrecondition, pb.ErrorReason_VENDOR_REJECTED}
	Unknown      = Outcome{codes.Unknown, pb.ErrorReason_OUTCOME_UNKNOWN}
)
