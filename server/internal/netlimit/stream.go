package netlimit

import (
	"context"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// Stream returns the interceptor that ends a gRPC stream whose client does not read a message
// within this time. Otherwise the call keeps its memory and its connection to the vendor.
func Stream(limit time.Duration) grpc.StreamServerInterceptor {
	return func(srv any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
		return handler(srv, impatient{stream, limit})
	}
}

type impatient struct {
	grpc.ServerStream
	limit time.Duration
}

// SendMsg blocks until the client has room for the message or the call ends. gRPC has no deadline
// for that. Once the method returns, gRPC ends the SendMsg that still blocks.
func (s impatient) SendMsg(m any) error {
	sent := make(chan error, 1)
	go func() { sent <- s.ServerStream.SendMsg(m) }()
	timer := time.NewTimer(s.limit)
	defer timer.Stop()
	select {
	case err := <-sent:
		return err
	case <-s.Context().Done():
		return context.Cause(s.Context())
	case <-timer.C:
		return apierror.New(codes.DeadlineExceeded, pb.ErrorReason_DEADLINE_PASSED,
			"the stream ended, since its client made no room for a message within %v. "+
				"Call again with the page_token of the last message", s.limit)
	}
}
