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
	"github.com/drmhub/drmhub/server/internal/auth/limit"
	"github.com/drmhub/drmhub/server/internal/auth/refusal"
	"github.com/drmhub/drmhub/server/internal/journal"
	"github.com/drmhub/drmhub/server/internal/redact"
	"github.com/drmhub/drmhub/server/internal/rpcerror"
	"github.com/drmhub/drmhub/server/internal/telemetry"
	"github.com/drmhub/drmhub/server/internal/validation"
)

// Parts are the parts of the server that a chain needs.
type Parts struct {
	Log   *slog.Logger
	Rules *validation.Validator
	// Calls observes the calls. Nil: nobody does.
	Calls   *telemetry.Calls
	Journal *journal.Journal
	// Authenticator identifies the callers.
	Authenticator *auth.Authenticator
	// Refusals records the calls that are refused because of their caller. Nil: no records.
	Refusals *refusal.Recorder
	// Limits bounds the calls of each caller. Nil: no bounds.
	Limits *limit.Limiter
	// Confinement refuses calls for what their callers may not see.
	Confinement *auth.Confinement
}

// Chain returns the interceptors of unary calls and of streams, outermost first.
func Chain(p Parts) ([]grpc.UnaryServerInterceptor, []grpc.StreamServerInterceptor) {
	errors := rpcerror.Errors{Log: p.Log}
	return []grpc.UnaryServerInterceptor{
			p.Calls.Unary,         // outermost: it sees the error that the caller gets, and all of the time
			errors.Unary,          // it shapes the errors of all that follow
			p.Authenticator.Unary, // the records below name the caller
			p.Refusals.Unary,      // it records the refusals of all that follow, with the caller
			p.Limits.Unary,        // a refused call is not read, so that it costs little and has no effect
			auth.Scope,            // it needs no request, so a caller without the scope learns nothing of its request
			rpcerror.Readable,     // the others read the request
			IdempotencyKey,        // validation must see the final request_id
			p.Rules.Unary,         // the journal's digest and locks need canonical names and masks
			p.Confinement.Unary,   // it needs canonical names, and comes before anything is looked up
			audit.Reads(p.Journal.Audit().Record, p.hexDigest()),       // it records secrets before they leave
			audit.Acts(p.Journal.Audit().Record, p.hexDigest(), p.Log), // it records what changes the archive
			redact.Withhold, // a response without its secrets needs no record
			p.Journal.Unary, // innermost: it runs the service as a mutation
		}, []grpc.StreamServerInterceptor{
			p.Calls.Stream,         // outermost: as above
			errors.Stream,          // as above
			p.Authenticator.Stream, // the service may ask for the caller
			p.Refusals.Stream,      // as above
			p.Limits.Stream,        // as above
			auth.ScopeStream,       // as above
			redact.WithholdStream,  // as above
			p.Rules.Stream,         // adapters need canonical names
			p.Confinement.Stream,   // it reads the request after the rules have made names canonical
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
