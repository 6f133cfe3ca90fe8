package gateway_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

func TestErrorsOfCalls(t *testing.T) {
	vendor := apierror.New(codes.ResourceExhausted, pb.ErrorReason_VENDOR_RATE_LIMITED, "slow down, <b> & \"c\"").With(apierror.Vendor, "ncp-kr")
	vendor.RetryAfter = 1500 * time.Millisecond
	for _, c := range []struct {
		err          error
		http         int
		code, reason string
	}{
		{apierror.Invalid("filter.start_time", "x"), 400, "INVALID_ARGUMENT", "REQUEST_INVALID"},
		{apierror.NotFound("x"), 404, "NOT_FOUND", "RESOURCE_NOT_FOUND"},
		{apierror.New(codes.Unimplemented, pb.ErrorReason_CAPABILITY_NOT_SUPPORTED, "x"), 501, "UNIMPLEMENTED", "CAPABILITY_NOT_SUPPORTED"},
		{apierror.New(codes.Unauthenticated, pb.ErrorReason_TOKEN_INVALID, "secret words"), 401, "UNAUTHENTICATED", "TOKEN_INVALID"},
		{apierror.New(codes.PermissionDenied, pb.ErrorReason_SCOPE_MISSING, "x"), 403, "PERMISSION_DENIED", "SCOPE_MISSING"},
		{vendor, 429, "RESOURCE_EXHAUSTED", "VENDOR_RATE_LIMITED"},
		{apierror.New(codes.FailedPrecondition, pb.ErrorReason_VENDOR_STATE, "x"), 400, "FAILED_PRECONDITION", "VENDOR_STATE"},
		{apierror.New(codes.Unavailable, pb.ErrorReason_VENDOR_UNAVAILABLE, "x"), 503, "UNAVAILABLE", "VENDOR_UNAVAILABLE"},
		{apierror.New(codes.Internal, pb.ErrorReason_VENDOR_RESPONSE_INVALID, "x"), 500, "INTERNAL", "VENDOR_RESPONSE_INVALID"},
		{apierror.New(codes.AlreadyExists, pb.ErrorReason_REQUEST_ID_REUSED, "x"), 409, "ALREADY_EXISTS", "REQUEST_ID_REUSED"},
		{apierror.New(codes.Aborted, pb.ErrorReason_REPLACE_ROLLED_BACK, "x"), 409, "ABORTED", "REPLACE_ROLLED_BACK"},
		{apierror.OutcomeUnknown("x"), 500, "UNKNOWN", "OUTCOME_UNKNOWN"},
		{context.DeadlineExceeded, 504, "DEADLINE_EXCEEDED", "DEADLINE_PASSED"},
		{context.Canceled, 499, "CANCELLED", "CALL_CANCELLED"},
		{errors.New("password=hunter2"), 500, "INTERNAL", "INTERNAL_FAILURE"},
		{status.Error(codes.NotFound, "as gRPC itself makes them"), 404, "NOT_FOUND", "RESOURCE_NOT_FOUND"},
		{fmt.Errorf("wrapped: %w", apierror.NotFound("x")), 404, "NOT_FOUND", "RESOURCE_NOT_FOUND"},
	} {
		t.Run(c.code+" "+c.reason, func(t *testing.T) {
			s := backend{call: func(ctx context.Context, _ string, _ proto.Message) (proto.Message, error) {
				if err := grpc.SetHeader(ctx, metadata.Pairs("drmhub-mutation", "mutations/7")); err != nil {
					t.Error(err)
				}
				return nil, c.err
			}}.serve(t)
			r := send(t, s, "GET", "/v1/vendors/v", "")
			e := r.failed(t, c.http, c.code, c.reason)
			if got := r.Header.Get("Drmhub-Mutation"); got != "mutations/7" {
				t.Errorf("Drmhub-Mutation %q, want it on errors too", got)
			}
			if challenge := r.Header.Get("WWW-Authenticate"); (challenge != "") != (c.http == 401) || c.http == 401 && challenge != "Bearer" {
				t.Errorf("WWW-Authenticate %q", challenge)
			}
			if strings.Contains(r.text, "hunter2") {
				t.Errorf("an unmade error's text was passed on: %s", r.text)
			}
			if c.err == vendor {
				if r.Header.Get("Retry-After") != "2" || e.Message != vendor.Message || e.Details[0].Metadata["vendor"] != "ncp-kr" || e.Details[1].RetryDelay != "1.500s" {
					t.Errorf("Retry-After %q, body %s", r.Header.Get("Retry-After"), r.text)
				}
			} else if r.Header.Get("Retry-After") != "" {
				t.Errorf("Retry-After %q", r.Header.Get("Retry-After"))
			}
		})
	}
}

func TestBadDeadlinesAreRefused(t *testing.T) {
	s := backend{}.serve(t)
	send(t, s, "GET", "/v1/vendors", "", "Grpc-Timeout: soon").failed(t, http.StatusBadRequest, "INVALID_ARGUMENT", "REQUEST_INVALID")
	send(t, s, "GET", "/v1/vendors/v/sites/s/licenses:stream", "", "Grpc-Timeout: soon").failed(t, http.StatusBadRequest, "INVALID_ARGUMENT", "REQUEST_INVALID")
	send(t, s, "GET", "/v1/vendors", "", "Grpc-Timeout: 1n").failed(t, http.StatusGatewayTimeout, "DEADLINE_EXCEEDED", "DEADLINE_PASSED")
}
