package redact

import (
	"context"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/drmhub/drmhub/adapters/secret"
	"github.com/drmhub/drmhub/server/internal/auth"
	"github.com/drmhub/drmhub/server/internal/auth/roles"
)

// Withhold is an interceptor that empties the secrets of responses to callers without the scope
// secrets:read. It also keeps the secrets of the request out of errors, since a vendor may repeat
// them.
func Withhold(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
	if m, ok := req.(proto.Message); ok && Has(m) {
		ctx = secret.NewContext(ctx, textsOf(m)...)
	}
	res, err := handler(ctx, req)
	return withheld(ctx, res), err
}

// WithholdStream is Withhold for streams.
func WithholdStream(srv any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
	return handler(srv, withholding{stream})
}

type withholding struct{ grpc.ServerStream }

// SendMsg sends a message.
func (s withholding) SendMsg(m any) error { return s.ServerStream.SendMsg(withheld(s.Context(), m)) }

// withheld returns a response as the caller may see it. It makes a copy, since the journal may hold
// the message.
func withheld(ctx context.Context, res any) any {
	m, ok := res.(proto.Message)
	if !ok || m == nil || !Has(m) || auth.FromContext(ctx).Has(roles.Secrets) {
		return res
	}
	return Without(m)
}

// textsOf returns the secrets of a request.
func textsOf(m proto.Message) (texts []secret.Text) {
	secrets(m.ProtoReflect(), func(holder protoreflect.Message, field protoreflect.FieldDescriptor) {
		switch v := holder.Get(field).Interface().(type) {
		case string:
			texts = append(texts, secret.New(v))
		case []byte:
			texts = append(texts, secret.New(string(v)))
		}
	})
	return texts
}
