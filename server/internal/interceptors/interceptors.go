// Package interceptors holds what every call passes through, whatever its service: a panic is
// caught, and every error has the public shape.
package interceptors

import (
	"context"
	"log/slog"
	"runtime/debug"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// Errors gives every failure the shape of the public face, panics included, and logs those that are
// drmhub's own. It stands outermost.
type Errors struct{ Log *slog.Logger }

// Unary is the interceptor of unary calls.
func (e Errors) Unary(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (res any, err error) {
	defer e.shape(ctx, info.FullMethod, &err)
	return handler(ctx, req)
}

// Stream is the interceptor of streams.
func (e Errors) Stream(srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) (err error) {
	defer e.shape(stream.Context(), info.FullMethod, &err)
	return handler(srv, stream)
}

func (e Errors) shape(ctx context.Context, method string, err *error) {
	if p := recover(); p != nil {
		e.Log.ErrorContext(ctx, "a call panicked", "method", method, "panic", p, "stack", string(debug.Stack()))
		*err = apierror.New(codes.Internal, pb.ErrorReason_INTERNAL_FAILURE, "drmhub failed in a way it should not; its log says more")
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

// UnknownMethod answers a gRPC call to a service or method that this server does not have.
func UnknownMethod(_ any, stream grpc.ServerStream) error {
	method, _ := grpc.MethodFromServerStream(stream)
	return apierror.New(codes.Unimplemented, pb.ErrorReason_METHOD_UNKNOWN, "this server has no method %s; reflection lists those it has", strings.TrimPrefix(method, "/")).GRPCStatus().Err()
}
