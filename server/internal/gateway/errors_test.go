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

// TestErrorsOfCalls has the errors that the tests of package app cannot provoke over both faces,
// and what headers come with them.
func TestErrorsOfCalls(t *testing.T) {
	made := func(code codes.Code, reason pb.ErrorReason) *apierror.Error {
		return apierror.New(code, reason, "slow down, <b> & \"c\"").With(apierror.Vendor, "ncp-kr")
	}
	vendor := made(codes.ResourceExhausted, pb.ErrorReason_VENDOR_RATE_LIMITED)
	vendor.RetryAfter = 1500 * time.Millisecond
	for _, c := range []struct {
		err          error
		http         int
		code, reason string
	}{
		{made(codes.Unauthenticated, pb.ErrorReason_TOKEN_INVALID), 401, "UNAUTHENTICATED", "TOKEN_INVALID"},
		{made(codes.PermissionDenied, pb.ErrorReason_SCOPE_MISSING), 403, "PERMISSION_DENIED", "SCOPE_MISSING"},
		{vendor, 429, "RESOURCE_EXHAUSTED", "VENDOR_RATE_LIMITED"},
		{made(codes.Aborted, pb.ErrorReason_REPLACE_ROLLED_BACK), 409, "ABORTED", "REPLACE_ROLLED_BACK"},
		{context.DeadlineExceeded, 504, "DEADLINE_EXCEEDED", "DEADLINE_PASSED"},
		{context.Canceled, 499, "CANCELLED", "CALL_CANCELLED"},
		{errors.New("password=hunter2"), 500, "INTERNAL", "INTERNAL_FAILURE"},
		{status.Error(codes.NotFound, "made by gRPC itself"), 404, "NOT_FOUND", "RESOURCE_NOT_FOUND"},
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
			challenge := map[int]string{401: "Bearer"}[c.http]
			if got := r.Header.Get("WWW-Authenticate"); got != challenge {
				t.Errorf("WWW-Authenticate %q", got)
			}
			if strings.Contains(r.text, "hunter2") {
				t.Errorf("the text of an internal error was passed on: %s", r.text)
			}
			delay := map[int]string{429: "2"}[c.http]
			if got := r.Header.Get("Retry-After"); got != delay {
				t.Errorf("Retry-After %q", got)
			}
			if c.err == vendor && (e.Message != vendor.Message || e.Details[0].Metadata["vendor"] != "ncp-kr" ||
				e.Details[1].RetryDelay != "1.500s") {
				t.Errorf("body %s", r.text)
			}
		})
	}
}

func TestBadDeadlinesAreRefused(t *testing.T) {
	s := backend{}.serve(t)
	for _, path := range []string{"/v1/vendors", "/v1/vendors/v/sites/s/licenses:stream"} {
		r := send(t, s, "GET", path, "", "Grpc-Timeout: soon")
		r.failed(t, http.StatusBadRequest, "INVALID_ARGUMENT", "REQUEST_INVALID")
	}
	r := send(t, s, "GET", "/v1/vendors", "", "Grpc-Timeout: 1n")
	r.failed(t, http.StatusGatewayTimeout, "DEADLINE_EXCEEDED", "DEADLINE_PASSED")
}
