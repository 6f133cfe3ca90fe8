package secret

import "context"

type contextKey struct{}

// NewContext returns the context of a call whose request holds these secrets. A vendor may repeat
// them in any response to the call.
func NewContext(ctx context.Context, secrets ...Text) context.Context {
	if len(secrets) == 0 {
		return ctx
	}
	return context.WithValue(ctx, contextKey{}, secrets)
}

// FromContext returns the secrets of NewContext.
func FromContext(ctx context.Context) []Text {
	secrets, _ := ctx.Value(contextKey{}).([]Text)
	return secrets
}
