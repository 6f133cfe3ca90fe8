package amino_test

import (
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

func TestWhatARefusalMeans(t *testing.T) {
	for _, c := range []struct {
		status int
		code   codes.Code
		reason pb.ErrorReason
	}{
		{400, codes.InvalidArgument, pb.ErrorReason_VENDOR_INPUT_REFUSED},
		{401, codes.FailedPrecondition, pb.ErrorReason_VENDOR_CREDENTIALS_REJECTED},
		{402, codes.FailedPrecondition, pb.ErrorReason_VENDOR_REJECTED},
		{403, codes.FailedPrecondition, pb.ErrorReason_VENDOR_PERMISSION_DENIED},
		{404, codes.NotFound, pb.ErrorReason_RESOURCE_NOT_FOUND},
		{405, codes.FailedPrecondition, pb.ErrorReason_VENDOR_REJECTED},
		{409, codes.AlreadyExists, pb.ErrorReason_VENDOR_ALREADY_EXISTS},
		{415, codes.FailedPrecondition, pb.ErrorReason_VENDOR_REJECTED},
		{422, codes.InvalidArgument, pb.ErrorReason_VENDOR_INPUT_REFUSED},
		{429, codes.ResourceExhausted, pb.ErrorReason_VENDOR_RATE_LIMITED},
		{501, codes.Unavailable, pb.ErrorReason_VENDOR_UNAVAILABLE},
	} {
		for _, body := range []string{`{"errors":[{"status":"400","code":"E1","title":"No","detail":"not now"},{"code":"E2","detail":"nor ever"}]}`, "<html>no</html>", ""} {
			a, _ := serve(t, config(), map[string][]reply{getLicense: {respond(c.status, body)}})
			_, err := get(t, a)
			e := wantError(t, body, err, c.code, c.reason)
			code, text := "", body
			if body != "" && body[0] == '{' {
				code, text = "E1", "No: not now; nor ever"
			}
			if e.Metadata[apierror.VendorCode] != code || e.Metadata[apierror.VendorMessage] != text {
				t.Errorf("HTTP %d, %s: the metadata are %v", c.status, body, e.Metadata)
			}
		}
	}
}

func TestFormsOfAnErrorThatNobodyPromised(t *testing.T) {
	for body, want := range map[string][2]string{
		`{"errors":[{"code":4711,"title":"No"}]}`:     {"4711", "No"},
		`{"errors":[{"code":null,"detail":{"a":1}}]}`: {"", ""},
		`{"errors":[{"title":"No"},{"code":"E2"}]}`:   {"E2", "No"},
		`{"errors":[]}`:                                    {"", `{"errors":[]}`},
		`{"errors":"no"}`:                                  {"", `{"errors":"no"}`},
		`{"error":"no"}`:                                   {"", `{"error":"no"}`},
		`{"errors":[{"code":"E1","code":"E2"}]}`:           {"", `{"errors":[{"code":"E1","code":"E2"}]}`},
		`{"errors":[{"code":"E1","detail":"a\nb\u0000"}]}`: {"E1", "a b"},
	} {
		a, _ := serve(t, config(), map[string][]reply{getLicense: {respond(422, body)}})
		_, err := get(t, a)
		e := wantError(t, body, err, codes.InvalidArgument, pb.ErrorReason_VENDOR_INPUT_REFUSED)
		if e.Metadata[apierror.VendorCode] != want[0] || e.Metadata[apierror.VendorMessage] != want[1] {
			t.Errorf("%s: the metadata are %v, want %q", body, e.Metadata, want)
		}
	}
}
