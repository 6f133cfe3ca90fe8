package audit

import (
	"context"
	"errors"
	"log/slog"
	"strings"

	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/internal/panics"
	"github.com/drmhub/drmhub/server/internal/auth"
	"github.com/drmhub/drmhub/server/internal/contract"
)

// Acts returns an interceptor that records every call that changes something without being a
// mutation, also one that fails or panics. record and digest are those of Reads.
//
// Such a call can be repeated without harm. So where it cannot be recorded, it fails, and its
// caller repeats it. A call that fails by itself keeps its own error, and the log says that the
// call has no record.
func Acts(
	record func(context.Context, Event) error,
	digest func(ctx context.Context, req proto.Message, method string) string,
	log *slog.Logger,
) grpc.UnaryServerInterceptor {
	return func(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
		asked, ok := req.(proto.Message)
		if !ok || !contract.ActsAlone(info.FullMethod) {
			return handler(ctx, req)
		}
		var res any
		var err error
		panicked := panics.Catch(func() { res, err = handler(ctx, req) })
		if panicked != nil {
			err = panicked
		}
		method, ended := strings.TrimPrefix(info.FullMethod, "/"), code.Code_OK
		event := Event{
			Subject: auth.FromContext(ctx).Subject, Method: method, Resource: contract.RecordedName(asked),
		}
		if err != nil {
			e := apierror.Convert(err)
			ended, event.VendorCode = code.Code(e.Code), e.Metadata[apierror.VendorCode]
		}
		event.Outcome = ended.String()
		ctx = context.WithoutCancel(ctx) // It is done, also if the caller has left.
		event.RequestDigest = digest(ctx, asked, method)
		switch failed := record(ctx, event); {
		case failed == nil:
		case err != nil:
			log.ErrorContext(ctx, "a call that failed, and may have taken effect, could not be recorded for the audit",
				"method", method, "subject", event.Subject, "resource", event.Resource, "outcome", event.Outcome,
				"error", failed)
		default:
			unrecorded := apierror.New(codes.Unavailable, pb.ErrorReason_INTERNAL_FAILURE,
				"The call took effect, but it must be audited, and the audit log is unavailable. Repeat it later.")
			return nil, errors.Join(unrecorded, failed)
		}
		if panicked != nil {
			panic(panicked)
		}
		return res, err
	}
}
