package audit

import (
	"context"
	"errors"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/auth"
	"github.com/drmhub/drmhub/server/internal/contract"
	"github.com/drmhub/drmhub/server/internal/redact"
)

// Reads returns an interceptor that records every response with a secret before the response
// leaves. If it cannot record the response, the call fails. It skips mutations, since the journal
// records them.
//
// record must return once the event is durable. digest returns the HMAC of a request in
// hexadecimal, for a method written "drmhub.v1.SiteService/GetIntegration". The interceptor comes
// after authentication.
func Reads(
	record func(context.Context, Event) error,
	digest func(ctx context.Context, req proto.Message, method string) string,
) grpc.UnaryServerInterceptor {
	return func(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
		res, err := handler(ctx, req)
		if err != nil || contract.Mutates(info.FullMethod) {
			return res, err
		}
		answer, ok := res.(proto.Message)
		if !ok || !redact.Has(answer) {
			return res, nil
		}
		method := strings.TrimPrefix(info.FullMethod, "/")
		event := Event{Subject: auth.FromContext(ctx).Subject, Method: method, Outcome: "OK"}
		if asked, ok := req.(proto.Message); ok {
			event.Resource, event.RequestDigest = contract.RecordedName(asked), digest(ctx, asked, method)
		}
		if err := record(ctx, event); err != nil {
			withheld := apierror.New(codes.Unavailable, pb.ErrorReason_INTERNAL_FAILURE,
				"Response withheld: reading secrets must be audited, and the audit log is unavailable. Retry later.")
			return nil, errors.Join(withheld, err)
		}
		return res, nil
	}
}
