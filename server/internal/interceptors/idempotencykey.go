package interceptors

import (
	"context"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/server/internal/contract"
)

// identified is a request with a request_id.
type identified interface {
	proto.Message
	GetRequestId() string
}

// IdempotencyKey copies the Idempotency-Key header of a REST call into the request_id of its request.
func IdempotencyKey(
	ctx context.Context, req any, _ *grpc.UnaryServerInfo, handler grpc.UnaryHandler,
) (any, error) {
	m, ok := req.(identified)
	keys := metadata.ValueFromIncomingContext(ctx, "idempotency-key")
	if !ok || len(keys) == 0 {
		return handler(ctx, req)
	}
	switch id := m.GetRequestId(); {
	case keys[0] == "":
		return nil, apierror.Invalid("request_id", "the Idempotency-Key header is empty: it must be a UUID")
	case len(keys) > 1 || (id != "" && !strings.EqualFold(id, keys[0])):
		return nil, apierror.Invalid("request_id",
			"differs from the Idempotency-Key header: send one of them, or the same UUID in both")
	case id == "":
		contract.Set(m, "request_id", keys[0])
	}
	return handler(ctx, req)
}
