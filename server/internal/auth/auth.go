// Package auth identifies the caller of each call, and knows what the caller may do.
package auth

import (
	"context"

	"google.golang.org/grpc"

	"github.com/drmhub/drmhub/server/internal/serverstream"
)

// A Caller makes a call.
type Caller struct {
	// Subject names the caller, in records and logs.
	Subject string
	// scopes holds the scopes of the caller; nil means all of them.
	scopes map[string]bool
}

// Has reports whether the caller holds a scope, such as "secrets:read".
func (c Caller) Has(scope string) bool { return c.scopes == nil || c.scopes[scope] }

// anyone is the caller of every call in auth mode none.
var anyone = Caller{Subject: "anonymous"}

type key struct{}

// FromContext returns the caller of a call that passed an interceptor of this package.
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
	ctx := context.WithValue(stream.Context(), key{}, anyone)
	return handler(srv, serverstream.WithContext(ctx, stream))
}
