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

// Reads makes the interceptor of unary calls that records every answer with a secret in it, before
// the answer leaves: where it cannot be recorded, the call fails instead. Mutations are left to the
// journal, which records every one.
//
// record must return when the event is durable. digest is the HMAC of a request to a method, in
// hexadecimal; the method is written "drmhub.v1.SiteService/GetIntegration". The interceptor stands
// between authentication and whatever takes out of an answer what its caller may not see.
func Reads(record func(context.Context, Event) error, digest func(req proto.Message, method string) string) grpc.UnaryServerInterceptor {
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
			event.Resource, event.RequestDigest = contract.ResourceName(asked), digest(asked, method)
		}
		if err := record(ctx, event); err != nil {
			return nil, errors.Join(apierror.New(codes.Unavailable, pb.ErrorReason_INTERNAL_FAILURE,
				"no record, no answer: the answer holds secrets, and that they were read cannot be recorded: try again, or see to the store"), err)
		}
		return res, nil
	}
}
