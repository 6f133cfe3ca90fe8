package interceptors

import (
	"context"
	"strings"

	"github.com/google/uuid"
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

// keyHeader is the header as HTTP writes it. Errors name it, and not request_id, where it is wrong.
const keyHeader = "Idempotency-Key"

// IdempotencyKey copies the Idempotency-Key header of a REST call into the request_id of its
// request.
func IdempotencyKey(
	ctx context.Context, req any, _ *grpc.UnaryServerInfo, handler grpc.UnaryHandler,
) (any, error) {
	m, ok := req.(identified)
	if !ok { // A read. Metadata without the key is searched as a whole, so this comes first.
		return handler(ctx, req)
	}
	keys := metadata.ValueFromIncomingContext(ctx, "idempotency-key")
	if len(keys) == 0 {
		return handler(ctx, req)
	}
	if len(keys) > 1 {
		return nil, apierror.Invalid(keyHeader, "send this header once")
	}
	key := unquoted(keys[0])
	if len(key) != uuidSize || uuid.Validate(key) != nil {
		return nil, apierror.Invalid(keyHeader,
			"must be a UUID such as 5f0c2a4e-8c1d-4a36-9a57-0b6d3f7e21c4, with or without double quotes")
	}
	switch id := m.GetRequestId(); {
	case id == "":
		contract.Set(m, "request_id", key)
	case !strings.EqualFold(id, key):
		return nil, apierror.Invalid("request_id",
			"differs from the Idempotency-Key header: send one of them, or the same UUID in both")
	}
	return handler(ctx, req)
}

// uuidSize is the length of a UUID in the only form that request_id has.
const uuidSize = 36

// unquoted returns the text of a header in the form of the IETF draft, which is a string of RFC
// 9651 in double quotes. It returns any other header as it is.
func unquoted(header string) string {
	header = strings.Trim(header, " \t")
	if inner, ok := strings.CutPrefix(header, `"`); ok {
		if inner, ok := strings.CutSuffix(inner, `"`); ok {
			return inner
		}
	}
	return header
}
