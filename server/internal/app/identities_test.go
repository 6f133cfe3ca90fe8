package app_test

import (
	"context"
	"encoding/json"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"

	"github.com/drmhub/drmhub/server/internal/auth/tokentest"
)

// guarded asks callers for tokens.
func guarded(t *testing.T, h *testServer) { withTokens(tokentest.NewKeyServer(t).URL)(t, h) }

// everything may do all, and see all.
const everything = `{"sub":"root","roles":["admin","secrets"]}`

// as returns the server with a caller whose token has these claims, in JSON.
func (h *testServer) as(t *testing.T, claims string) *testServer {
	t.Helper()
	all := map[string]any{}
	if err := json.Unmarshal([]byte(claims), &all); err != nil {
		t.Fatalf("%v: %s", err, claims)
	}
	return h.with(t, "Bearer "+tokentest.Sign("ES256", "es256", all))
}

// with returns the server with a caller who sends these values of the header Authorization.
func (h *testServer) with(t *testing.T, authorization ...string) *testServer {
	t.Helper()
	another := *h
	another.authorization = authorization
	var err error
	another.conn, err = grpc.NewClient(h.GRPCAddr(), grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithUnaryInterceptor(func(
			ctx context.Context, method string, req, res any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker,
			options ...grpc.CallOption,
		) error {
			return invoke(authorized(ctx, authorization), method, req, res, conn, options...)
		}),
		grpc.WithStreamInterceptor(func(
			ctx context.Context, desc *grpc.StreamDesc, conn *grpc.ClientConn, method string, open grpc.Streamer,
			options ...grpc.CallOption,
		) (grpc.ClientStream, error) {
			return open(authorized(ctx, authorization), desc, conn, method, options...)
		}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = another.conn.Close() })
	return &another
}

func authorized(ctx context.Context, values []string) context.Context {
	var pairs []string
	for _, v := range values {
		pairs = append(pairs, "authorization", v)
	}
	return metadata.AppendToOutgoingContext(ctx, pairs...)
}
