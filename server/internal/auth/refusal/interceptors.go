package refusal

import (
	"context"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"github.com/drmhub/drmhub/server/internal/auth"
	"github.com/drmhub/drmhub/server/internal/contract"
)

// Unary is the interceptor of unary calls. It comes right after authentication, so that it knows
// the caller and sees the refusals of all others.
func (r *Recorder) Unary(
	ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler,
) (any, error) {
	res, err := handler(ctx, req)
	if err != nil && r != nil {
		r.Refused(ctx, info.FullMethod, resourceOf(req), err, "")
	}
	return res, err
}

// Stream is the interceptor of streams.
func (r *Recorder) Stream(
	srv any, to grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler,
) error {
	if r == nil {
		return handler(srv, to)
	}
	s := &stream{ServerStream: to}
	if to = s; contract.Lookup(info.FullMethod) == nil { // Health and reflection name no resource.
		to = s.ServerStream
	}
	err := handler(srv, to)
	if err != nil && !auth.Ended(to.Context()) {
		r.Refused(to.Context(), info.FullMethod, resourceOf(s.request), err, "")
	}
	return err
}

// A stream keeps its request. Its service receives it before it returns.
type stream struct {
	grpc.ServerStream
	request any
}

// RecvMsg receives a request. One that fails may still be written to after the method has returned.
func (s *stream) RecvMsg(m any) error {
	err := s.ServerStream.RecvMsg(m)
	if err == nil {
		s.request = m
	}
	return err
}

// resourceOf returns the name of the resource in a request, as records keep it, or "".
func resourceOf(req any) string {
	if m, ok := req.(proto.Message); ok {
		return contract.RecordedName(m)
	}
	return ""
}
