// Package auth says who a caller is and what the caller may do.
package auth

import (
	"context"

	"google.golang.org/grpc"
)

// Caller is who makes a call.
type Caller struct {
	// Subject names the caller, in records and logs.
	Subject string
	// scopes are what the caller may do; nil is everything.
	scopes map[string]bool
}

// Has reports whether the caller holds a scope, such as "secrets:read".
func (c Caller) Has(scope string) bool { return c.scopes == nil || c.scopes[scope] }

// anyone is every caller where nobody is asked who they are (auth mode none).
var anyone = Caller{Subject: "anonymous"}

type key struct{}

// FromContext is the caller of a call that has passed an interceptor of this package.
func FromContext(ctx context.Context) Caller {
	c, ok := ctx.Value(key{}).(Caller)
	if !ok {
		return Caller{scopes: map[string]bool{}} // nobody, who may do nothing
	}
	return c
}

// None is the interceptor of unary calls for auth mode none.
func None(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
	return handler(context.WithValue(ctx, key{}, anyone), req)
}

// NoneStream is the interceptor of streams for auth mode none.
func NoneStream(srv any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
	return handler(srv, identified{stream, context.WithValue(stream.Context(), key{}, anyone)})
}

type identified struct {
	grpc.ServerStream
	ctx context.Context
}

func (i identified) Context() context.Context { return i.ctx }
