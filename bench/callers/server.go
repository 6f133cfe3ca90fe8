package main

import (
	"context"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"

	ncp "github.com/drmhub/drmhub/adapters/ncp/emulator"
	"github.com/drmhub/drmhub/bench/internal/issuer"
	"github.com/drmhub/drmhub/bench/internal/load"
	"github.com/drmhub/drmhub/bench/internal/program"
)

const configuration = `
grpc: {listen: "127.0.0.1:0"}
http: {listen: "127.0.0.1:0"}
store: {dsn: "sqlite::memory:"}
vendors:
  - id: ncp
    lane: {requests_per_second: 0}
    ncp: {base_url: %q, access_key: {env: ACCESS}, secret_key: {env: SECRET}}
`

// claims are the claims of every token.
var claims = issuer.Claims{"roles": []string{"viewer"}, "vendors": []string{"ncp"}}

// A server is a running server, and the connections to it.
type server struct {
	name   string
	proc   *program.Server
	conns  []*grpc.ClientConn
	web    *http.Client
	tokens []string // one for each caller, or none
}

// A bench has a server in each mode, and an issuer with a key set over HTTP.
type bench struct {
	*program.Run
	idp       *issuer.Issuer
	none, jwt *server
	off, on   *server // without telemetry, and with it
	vendor    string  // the URL of a twin of NAVER Cloud
	fetches   atomic.Int64
}

// start builds and starts both servers.
func start(ctx context.Context) (b *bench, err error) {
	b = &bench{}
	if b.Run, err = program.Begin("callers"); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			b.Close()
		}
	}()
	if b.idp, err = issuer.New(); err != nil {
		return nil, err
	}
	keys := b.Vendor(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		b.fetches.Add(1)
		_, _ = w.Write([]byte(b.idp.KeySet()))
	}))
	b.vendor = b.Vendor(ncp.New(ncp.Options{Seed: 1, WithSampleData: true}))
	auth, err := b.idp.Config(b.Folder, fmt.Sprintf("    - {jwks_url: %q}", keys))
	if err != nil {
		return nil, err
	}
	const modeNone = "auth: {mode: none}\n"
	sink := b.Vendor(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	for _, s := range []struct {
		to         **server
		name, auth string
		env        []string
	}{
		{&b.none, "none", modeNone, nil},
		{&b.jwt, "jwt", auth, nil},
		{&b.off, "off", modeNone, []string{"OTEL_SDK_DISABLED=true"}},
		{&b.on, "on", modeNone, []string{"OTEL_EXPORTER_OTLP_ENDPOINT=" + sink, "OTEL_TRACES_SAMPLER=always_off"}},
	} {
		if *s.to, err = b.serve(ctx, s.name, s.auth, s.env...); err != nil {
			return nil, err
		}
	}
	for i := range callers {
		token := b.idp.Token("EdDSA", fmt.Sprintf("caller-%d", i), 12*time.Hour, claims)
		b.jwt.tokens = append(b.jwt.tokens, token)
	}
	return b, nil
}

func (b *bench) serve(ctx context.Context, name, auth string, env ...string) (*server, error) {
	env = append(env, "ACCESS="+ncp.DefaultAccessKey, "SECRET="+ncp.DefaultSecretKey)
	proc, err := b.Serve(ctx, name, fmt.Sprintf(configuration, b.vendor)+auth, env...)
	if err != nil {
		return nil, err
	}
	conns, stop, err := load.Dial(proc.GRPC)
	if err != nil {
		return nil, err
	}
	b.OnClose(stop)
	web := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: callers}}
	return &server{name: name, proc: proc, conns: conns, web: web}, nil
}
