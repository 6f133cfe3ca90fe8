package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	ncp "github.com/drmhub/drmhub/adapters/ncp/emulator"
	"github.com/drmhub/drmhub/bench/internal/issuer"
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
	idp       *issuer.Issuer
	none, jwt *server
	off, on   *server // without telemetry, and with it
	vendor    string  // the URL of a twin of NAVER Cloud
	fetches   atomic.Int64
	stops     []func()
}

func (b *bench) stop() {
	for _, stop := range b.stops {
		stop()
	}
}

// start builds and starts both servers.
func start(ctx context.Context) (b *bench, err error) {
	b = &bench{}
	defer func() {
		if err != nil {
			b.stop()
		}
	}()
	folder, err := os.MkdirTemp("", "callers")
	if err != nil {
		return b, err
	}
	b.stops = append(b.stops, func() { _ = os.RemoveAll(folder) })
	if b.idp, err = issuer.New(); err != nil {
		return b, err
	}
	keys := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		b.fetches.Add(1)
		_, _ = w.Write([]byte(b.idp.KeySet()))
	}))
	b.stops = append(b.stops, keys.Close)
	twin := httptest.NewServer(ncp.New(ncp.Options{Seed: 1, WithSampleData: true}))
	b.stops, b.vendor = append(b.stops, twin.Close), twin.URL
	auth, err := b.idp.Config(folder, fmt.Sprintf("    - {jwks_url: %q}", keys.URL))
	if err != nil {
		return b, err
	}
	binary, err := program.Build(ctx, folder)
	if err != nil {
		return b, err
	}
	const modeNone = "auth: {mode: none}\n"
	sink := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	b.stops = append(b.stops, sink.Close)
	for _, s := range []struct {
		to         **server
		name, auth string
		env        []string
	}{
		{&b.none, "none", modeNone, nil},
		{&b.jwt, "jwt", auth, nil},
		{&b.off, "off", modeNone, []string{"OTEL_SDK_DISABLED=true"}},
		{&b.on, "on", modeNone, []string{"OTEL_EXPORTER_OTLP_ENDPOINT=" + sink.URL, "OTEL_TRACES_SAMPLER=always_off"}},
	} {
		if *s.to, err = b.serve(binary, folder, s.name, s.auth, s.env...); err != nil {
			return b, err
		}
	}
	for i := range callers {
		token := b.idp.Token("EdDSA", fmt.Sprintf("caller-%d", i), 12*time.Hour, claims)
		b.jwt.tokens = append(b.jwt.tokens, token)
	}
	return b, nil
}

func (b *bench) serve(binary, folder, name, auth string, env ...string) (*server, error) {
	file := filepath.Join(folder, name+".yaml")
	if err := os.WriteFile(file, fmt.Appendf(nil, configuration+"%s", b.vendor, auth), 0o600); err != nil {
		return nil, err
	}
	log, err := os.Create(filepath.Join(folder, name+".log"))
	if err != nil {
		return nil, err
	}
	env = append(env, "ACCESS="+ncp.DefaultAccessKey, "SECRET="+ncp.DefaultSecretKey)
	proc, err := program.Start(binary, file, env, log)
	if err != nil {
		return nil, err
	}
	s := &server{
		name: name, proc: proc,
		web: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: callers}},
	}
	b.stops = append(b.stops, s.close)
	for range connections {
		conn, err := grpc.NewClient(proc.GRPC, grpc.WithTransportCredentials(insecure.NewCredentials()))
		if err != nil {
			return nil, err
		}
		s.conns = append(s.conns, conn)
	}
	return s, nil
}

func (s *server) close() {
	for _, conn := range s.conns {
		_ = conn.Close()
	}
	s.proc.Stop()
}

// cpu returns the CPU time that the server's process has used.
func (s *server) cpu() (time.Duration, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.proc.Pid()))
	if err != nil {
		return 0, err
	}
	const tick = 10 * time.Millisecond // Linux shows hundredths of a second.
	_, rest, _ := strings.Cut(string(stat), ") ")
	fields := strings.Fields(rest)
	user, err := strconv.Atoi(fields[11])
	if err != nil {
		return 0, err
	}
	system, err := strconv.Atoi(fields[12])
	return time.Duration(user+system) * tick, err
}
