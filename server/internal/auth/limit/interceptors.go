package limit

import (
	"context"
	"net/url"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"github.com/drmhub/drmhub/adapters/names"
	"github.com/drmhub/drmhub/server/internal/auth"
	"github.com/drmhub/drmhub/server/internal/contract"
)

// The cost of calls, in tokens.
const (
	// plain is the cost of a call that is not one of the others.
	plain = 1
	// wide is the cost of a list with "-" in its parent, which asks several vendors or sites.
	wide = 5
	// stream is the cost of a stream, which reads many pages of a vendor.
	stream = 5
)

// Unary is the interceptor of unary calls. It comes after authentication, and before all that reads
// the request or does something. So a refused call, also a mutation, can be repeated as it is.
func (l *Limiter) Unary(
	ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler,
) (any, error) {
	if l != nil {
		if err := l.pay(ctx, costOf(parentOf(req))); err != nil {
			return nil, err
		}
	}
	return handler(ctx, req)
}

// Stream is the interceptor of streams.
func (l *Limiter) Stream(
	srv any, to grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler,
) error {
	subject := auth.FromContext(to.Context()).Subject
	if l == nil || subject == "" {
		return handler(srv, to) // Health needs no identity. The listener bounds the calls of a connection.
	}
	if err := l.pay(to.Context(), stream); err != nil {
		return err
	}
	leave, err := l.streams.enter(subject)
	if err != nil {
		return err
	}
	defer leave()
	return handler(srv, to)
}

type paidKey struct{}

// Early takes the cost of a call to a method before its request is read. REST calls it before it
// reads the body. parent is the parent in the path, or "". The interceptors take nothing more for a
// call with the returned context.
func (l *Limiter) Early(ctx context.Context, method, parent string) (context.Context, error) {
	subject := auth.FromContext(ctx).Subject
	if l == nil || subject == "" {
		return ctx, nil
	}
	cost := costOf(parent)
	if rpc := contract.Lookup(method); rpc != nil && rpc.Method.IsStreamingServer() {
		cost = stream
	}
	if err := l.take(subject, cost); err != nil {
		return nil, err
	}
	return context.WithValue(ctx, paidKey{}, true), nil
}

// pay takes the cost of a call, unless Early has taken it.
func (l *Limiter) pay(ctx context.Context, cost int) error {
	if ctx.Value(paidKey{}) != nil {
		return nil
	}
	return l.take(auth.FromContext(ctx).Subject, cost)
}

// parentOf returns the parent in a request, or "".
func parentOf(req any) string {
	if m, ok := req.(proto.Message); ok {
		return contract.Text(m.ProtoReflect(), "parent")
	}
	return ""
}

// costOf returns the cost of a unary call by the parent in its request, which may not be canonical
// yet.
func costOf(parent string) int {
	if len(parent) > 3*names.MaxLength { // Validation refuses it.
		return plain
	}
	for segment := range strings.SplitSeq(parent, "/") {
		if id, err := url.PathUnescape(segment); err == nil && id == names.Wildcard {
			return wide
		}
	}
	return plain
}
