// Package interceptors chains what every call passes through, over gRPC and over REST. The server
// and the tests use the same chain.
package interceptors

import (
	"context"
	"encoding/hex"
	"log/slog"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"github.com/drmhub/drmhub/server/internal/audit"
	"github.com/drmhub/drmhub/server/internal/auth"
	"github.com/drmhub/drmhub/server/internal/journal"
	"github.com/drmhub/drmhub/server/internal/rpcerror"
	"github.com/drmhub/drmhub/server/internal/validation"
)

// Parts are the parts of the server that a chain needs.
type Parts struct {
	Log     *slog.Logger
	Rules   *validation.Validator
	Journal *journal.Journal
}

// Chain returns the interceptors of unary calls and of streams, outermost first.
func Chain(p Parts) ([]grpc.UnaryServerInterceptor, []grpc.StreamServerInterceptor) {
	errors := rpcerror.Errors{Log: p.Log}
	return []grpc.UnaryServerInterceptor{
			errors.Unary,   // outermost: it shapes the errors of all others
			auth.None,      // the records below name the caller
			IdempotencyKey, // validation must see the final request_id
			p.Rules.Unary,  // the journal's digest and locks need canonical names and masks
			audit.Reads(p.Journal.Audit().Record, p.hexDigest()), // it records a response with secrets before it leaves
			p.Journal.Unary, // innermost: it runs the service as a mutation
		}, []grpc.StreamServerInterceptor{
			errors.Stream,   // outermost: it shapes the errors of all others
			auth.NoneStream, // the service may ask for the caller
			p.Rules.Stream,  // adapters need canonical names
		}
}

// hexDigest returns the digest that audit events show, in hexadecimal. A request without a digest
// has "".
func (p Parts) hexDigest() func(ctx context.Context, req proto.Message, method string) string {
	return func(ctx context.Context, req proto.Message, method string) string {
		digest, err := p.Journal.Digest(ctx, method, req)
		if err != nil {
			return ""
		}
		return hex.EncodeToString(digest)
	}
}
