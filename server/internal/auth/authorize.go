package auth

import (
	"context"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/drmhub/drmhub/server/internal/contract"
)

// Scope is the interceptor of unary calls that refuses a caller without the scope of the method. It needs
// no request, so it comes before all that reads the request.
func Scope(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
	if err := checkScope(ctx, info.FullMethod); err != nil {
		return nil, err
	}
	return handler(ctx, req)
}

// ScopeStream is Scope for streams.
func ScopeStream(srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
	if err := checkScope(stream.Context(), info.FullMethod); err != nil {
		return err
	}
	return handler(srv, stream)
}

// checkScope returns the error of a caller without the scope of a method. Only health and reflection are
// not in the contract, since a server with another such method does not start.
func checkScope(ctx context.Context, method string) error {
	if rpc := contract.Lookup(method); rpc != nil && !FromContext(ctx).Has(rpc.Scope) {
		return Denied()
	}
	return nil
}

// A Confinement refuses calls for what the caller may not see. It comes after validation, so that every
// name is canonical.
type Confinement struct {
	// Customer, unless nil, returns the customer whose DRM account a request is for. It is asked for
	// callers that are confined to customers only.
	Customer func(ctx context.Context, req proto.Message) (id string, applies bool, err error)
}

// Unary is the interceptor of unary calls.
func (a *Confinement) Unary(
	ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler,
) (any, error) {
	if err := a.check(ctx, info.FullMethod, req); err != nil {
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
	return s.a.check(s.Context(), s.method, m)
}

// check returns the error of a call that its caller may not make.
func (a *Confinement) check(ctx context.Context, method string, req any) error {
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
	if a.Customer == nil || !c.ConfinedToCustomers() {
		return nil
	}
	customer, applies, err := a.Customer(ctx, m)
	switch {
	case status.Code(err) == codes.NotFound, err == nil && applies && !c.SeesCustomer(customer):
		return Denied()
	}
	return err
}
