package auth_test

import (
	"context"
	"testing"

	"google.golang.org/grpc"

	"github.com/drmhub/drmhub/server/internal/auth"
)

func TestWithoutAuthenticationACallerMayDoAll(t *testing.T) {
	_, _ = auth.None(t.Context(), nil, nil, func(ctx context.Context, _ any) (any, error) {
		if c := auth.FromContext(ctx); c.Subject != "anonymous" || !c.Has("sites:write") || !c.Has("secrets:read") {
			t.Errorf("%+v", c)
		}
		return nil, nil
	})
	_ = auth.NoneStream(nil, stream{ctx: t.Context()}, nil, func(_ any, s grpc.ServerStream) error {
		if c := auth.FromContext(s.Context()); !c.Has("licenses:read") {
			t.Errorf("%+v", c)
		}
		return nil
	})
}

func TestACallThatPassedNoInterceptorMayDoNothing(t *testing.T) {
	if auth.FromContext(t.Context()).Has("sites:read") {
		t.Error("nobody may read")
	}
}

type stream struct {
	grpc.ServerStream
	ctx context.Context
}

func (s stream) Context() context.Context { return s.ctx }
