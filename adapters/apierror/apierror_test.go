package apierror_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

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
