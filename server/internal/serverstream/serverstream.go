// Package serverstream gives a gRPC stream another context.
package serverstream

import (
	"context"

	"google.golang.org/grpc"
)

// WithContext returns a stream that has another context.
func WithContext(ctx context.Context, stream grpc.ServerStream) grpc.ServerStream {
	return withContext{stream, ctx}
}

type withContext struct {
	grpc.ServerStream
	ctx context.Context
}

// Context returns the context of the stream.
func (s withContext) Context() context.Context { return s.ctx }
