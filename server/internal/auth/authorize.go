package auth

import (
	"context"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"github.com/drmhub/drmhub/server/internal/contract"
)

// Scope is the interceptor of unary calls that refuses a caller without the scope of the method. It
// needs no request, so it comes before all that reads the request.
func Scope(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
	if err := CheckScope(ctx, info.FullMethod); err != nil {
		return nil, err
	}
	return handler(ctx, req)
}

// ScopeStream is Scope for streams.
func ScopeStream(srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
	if err := CheckScope(stream.Context(), info.FullMethod); err != nil {
		return err
	}
	return handler(srv, stream)
}

// CheckScope returns the error of a caller without the scope of a method, or nil. Only health and
// reflection are not in the contract, since a server with another such method does not start.
func CheckScope(ctx context.Context, method string) error {
	if rpc := contract.Lookup(method); rpc != nil && !FromContext(ctx).Has(rpc.Scope) {
		return Denied()
	}
	return nil
}

// A Confinement refuses calls for what the caller may not see. It comes after validation, so that
// every name is canonical.
type Confinement struct {
	// SeesAccounts, unless nil, reports whether the caller may see the DRM accounts that a request
	// is for. It is asked for callers that are confined to customers only.
	SeesAccounts func(ctx context.Context, c Caller, req proto.Message) (bool, error)
}

// Unary is the interceptor of unary calls.
func (a *Confinement) Unary(
	ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler,
) (any, error) {
	if err := a.Check(ctx, info.FullMethod, req); err != nil {
		return nil, err
	}
	return handler(ctx, req)
}

// Stream is the interceptor of streams.
func (a *Confinement) Stream(
	srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler,
) error {
	return handler(srv, confined{stream, a, info.FullMethod})
}

// confined is a stream that refuses a request which its caller may not make.
type confined struct {
	grpc.ServerStream
	a      *Confinement
	method string
}

// RecvMsg receives a request.
func (s confined) RecvMsg(m any) error {
	if err := s.ServerStream.RecvMsg(m); err != nil {
		return err
	}
	return s.a.Check(s.Context(), s.method, m)
}

// Check returns the error of a call that its caller may not make, or nil.
func (a *Confinement) Check(ctx context.Context, method string, req any) error {
	rpc := contract.Lookup(method)
	m, ok := req.(proto.Message)
	if rpc == nil || !ok {
		return nil // Health and reflection name no resource.
	}
	c := FromContext(ctx)
	if c.unlimited {
		return nil
	}
	for _, name := range contract.Names(m) {
		if !c.Sees(rpc, name) {
			return Denied()
		}
	}
	if a.SeesAccounts == nil || !c.ConfinedToCustomers() || rpc.Level == contract.LevelServer {
		return nil
	}
	seen, err := a.SeesAccounts(ctx, c, m)
	if err == nil && !seen {
		return Denied()
	}
	return err
}
