// Package rpcerror gives every failure of a call the shape of the public face. It also turns a
// panic into an error.
package rpcerror

import (
	"context"
	"errors"
	"log/slog"
	"runtime/debug"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// Errors gives every failure the public shape, and logs those that are drmhub's own.
type Errors struct{ Log *slog.Logger }

// Unary is the interceptor of unary calls.
func (e Errors) Unary(
	ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler,
) (res any, err error) {
	defer e.shape(ctx, info.FullMethod, &err)
	return handler(ctx, req)
}

// Readable is the interceptor of unary calls that refuses a request which could not be decoded. It
// comes after the caller's rights are checked, since gRPC decodes a request before any interceptor
// runs.
func Readable(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
	if err := checkReadable(req); err != nil {
		return nil, err
	}
	return handler(ctx, req)
}

// Stream is the interceptor of streams.
func (e Errors) Stream(
	srv any, to grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler,
) (err error) {
	defer e.shape(to.Context(), info.FullMethod, &err)
	return handler(srv, stream{to})
}

// errPanicked is the error of a call that panicked. Callers see an internal error without details.
var errPanicked = errors.New("the call panicked")

func (e Errors) shape(ctx context.Context, method string, err *error) {
	if p := recover(); p != nil {
		e.Log.ErrorContext(ctx, "a call panicked", "method", method, "panic", p, "stack", string(debug.Stack()))
		*err = apierror.Convert(errPanicked)
	}
	if *err == nil {
		return
	}
	shaped := apierror.Convert(*err)
	if shaped.Reason == pb.ErrorReason_INTERNAL_FAILURE && shaped.Message != (*err).Error() {
		e.Log.ErrorContext(ctx, "a call failed within drmhub", "method", method, "error", *err)
	}
	*err = shaped.GRPCStatus().Err()
}

// UnknownMethod handles a gRPC call to a service or method that this server does not have.
func UnknownMethod(_ any, stream grpc.ServerStream) error {
	method, _ := grpc.MethodFromServerStream(stream)
	return apierror.New(codes.Unimplemented, pb.ErrorReason_METHOD_UNKNOWN,
		"this server has no method %s; list its methods with reflection", strings.TrimPrefix(method, "/")).
		GRPCStatus().Err()
}
