package app

import (
	"context"
	"slices"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	reflectionpb "google.golang.org/grpc/reflection/grpc_reflection_v1"

	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// watched are the streams that have no end of their own.
var watched = []string{
	healthpb.Health_Watch_FullMethodName,
	reflectionpb.ServerReflection_ServerReflectionInfo_FullMethodName,
	"/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
}

// watch ends the streams without an end of their own when the server stops.
func (a *App) watch(srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
	if !slices.Contains(watched, info.FullMethod) {
		return handler(srv, stream)
	}
	ctx, cancel := context.WithCancel(stream.Context())
	defer cancel()
	defer context.AfterFunc(a.watches, cancel)()
	return handler(srv, endable{stream, ctx})
}

// An endable stream ends with a context of its own.
type endable struct {
	grpc.ServerStream
	ctx context.Context
}

// Context returns the context that ends the stream.
func (s endable) Context() context.Context { return s.ctx }

// RecvMsg blocks until a request comes or the context ends. Once the method returns, gRPC ends the RecvMsg
// that still blocks.
func (s endable) RecvMsg(m any) error {
	received := make(chan error, 1)
	go func() { received <- s.ServerStream.RecvMsg(m) }()
	select {
	case err := <-received:
		return err
	case <-s.ctx.Done():
		return apierror.New(codes.Unavailable, pb.ErrorReason_INTERNAL_FAILURE,
			"the stream ended, since the server stops: connect again")
	}
}
