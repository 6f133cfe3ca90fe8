package apierror_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

func TestAnErrorSurvivesTheWire(t *testing.T) {
	sent := apierror.Invalid("filter.start_time", "must be before %s", "end_time").With(apierror.Vendor, "acme")
	sent.RetryAfter = 3 * time.Second
	got := apierror.Convert(status.FromProto(sent.GRPCStatus().Proto()).Err())
	const message = "filter.start_time: must be before end_time"
	if got.Code != codes.InvalidArgument || got.Reason != pb.ErrorReason_REQUEST_INVALID || got.Message != message {
		t.Errorf("got %v %v %q", got.Code, got.Reason, got.Message)
	}
	isOne := len(got.Violations) == 1 && got.Violations[0].GetField() == "filter.start_time"
	if got.Metadata[apierror.Vendor] != "acme" || got.RetryAfter != 3*time.Second || !isOne {
		t.Errorf("details lost: %+v", got)
	}
}

func TestConvert(t *testing.T) {
	noRow := status.Error(codes.NotFound, "no row")
	for _, c := range []struct {
		err    error
		code   codes.Code
		reason pb.ErrorReason
	}{
		{errors.New("dsn=postgres://u:hunter2@h"), codes.Internal, pb.ErrorReason_INTERNAL_FAILURE},
		{fmt.Errorf("reading /?key=hunter2: %w", context.Canceled), codes.Canceled, pb.ErrorReason_CALL_CANCELLED},
		{context.DeadlineExceeded, codes.DeadlineExceeded, pb.ErrorReason_DEADLINE_PASSED},
		{fmt.Errorf("reading /?key=hunter2: %w", noRow), codes.NotFound, pb.ErrorReason_RESOURCE_NOT_FOUND},
		{status.Error(codes.Unimplemented, "unknown method"), codes.Unimplemented, pb.ErrorReason_METHOD_UNKNOWN},
		{apierror.OutcomeUnknown("cut").GRPCStatus().Err(), codes.Unknown, pb.ErrorReason_OUTCOME_UNKNOWN},
		{fmt.Errorf("step: %w", apierror.OutcomeUnknown("cut")), codes.Unknown, pb.ErrorReason_OUTCOME_UNKNOWN},
	} {
		got := apierror.Convert(c.err)
		if got.Code != c.code || got.Reason != c.reason {
			t.Errorf("Convert(%v) = %v %v, want %v %v", c.err, got.Code, got.Reason, c.code, c.reason)
		}
		if strings.Contains(got.Message, "hunter2") {
			t.Errorf("the text of an unexpected error reaches the caller: %q", got.Message)
		}
	}
}

func TestErrorsFitIntoHeaders(t *testing.T) {
	many := make([]*errdetails.BadRequest_FieldViolation, 1000)
	for i := range many {
		field := fmt.Sprintf("requests[%d].product_license.user", i)
		many[i] = &errdetails.BadRequest_FieldViolation{Field: field, Description: "must be set: 값이 필요합니다"}
	}
	hangul := strings.Repeat("한", 5000)
	unknown := apierror.OutcomeUnknown("%s", hangul).With(apierror.VendorMessage, hangul)
	for name, e := range map[string]*apierror.Error{
		"violations": apierror.InvalidRequest(many...), "a long violation": apierror.Invalid(hangul, "%s", hangul),
		"texts": unknown.With(apierror.MutationName, "mutations/1"), "a message": apierror.NotFound("%s", hangul),
	} {
		s := e.GRPCStatus()
		encoded := len(url.PathEscape(s.Message())) + base64.StdEncoding.EncodedLen(proto.Size(s.Proto()))
		got := apierror.Convert(s.Err())
		if encoded > 5000 || got.Reason != e.Reason || got.Message == "" {
			t.Errorf("%s: %d bytes, %v %q", name, encoded, got.Reason, got.Message)
		}
		shown := len(got.Violations)
		if more := fmt.Sprintf("; and %d more", 1000-shown); name == "violations" &&
			(shown < 3 || shown > 20 || !strings.HasSuffix(got.Message, more) || len(e.Violations) != 20) {
			t.Errorf("%d violations are shown: %q", shown, got.Message)
		}
		if name == "texts" && got.Metadata[apierror.MutationName] != "mutations/1" {
			t.Errorf("the mutation is lost: %v", got.Metadata)
		}
	}
}

func TestWithLeavesTheOriginalAlone(t *testing.T) {
	a := apierror.NotFound("x").With("vendor", "one")
	b := a.With("vendor", "two")
	if a.Metadata["vendor"] != "one" || b.Metadata["vendor"] != "two" {
		t.Errorf("%v, %v", a.Metadata, b.Metadata)
	}
}

func TestVendorTextIsFitToShow(t *testing.T) {
	got := apierror.VendorText(" bad\r\nthing\x00\x1b[31m \xff" + strings.Repeat("é", 600))
	if strings.ContainsAny(got, "\r\n\x00\x1b") || !strings.HasPrefix(got, "bad") || len([]rune(got)) > 501 {
		t.Errorf("%q", got)
	}
}
