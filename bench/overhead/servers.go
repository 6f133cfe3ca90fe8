package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"github.com/drmhub/drmhub/adapters/pallycon/emulator"
	"github.com/drmhub/drmhub/bench/internal/issuer"
	"github.com/drmhub/drmhub/bench/internal/load"
	"github.com/drmhub/drmhub/bench/internal/program"
)

const configuration = `
grpc: {listen: "127.0.0.1:0"}
http: {listen: "127.0.0.1:0"}
ops: {listen: %q}
store: {dsn: "sqlite::memory:"}
vendors:
  - id: acme
    lane: {requests_per_second: 0}
    pallycon: {base_url: %q, account_id: sandbox, account_seq: "1", service_api_key: {env: BENCH_KEY}}
`

// allocations is the metric that counts the objects that a process has allocated.
const allocations = "go_memory_allocations_total"

// A server is drmhub, or the bare parts, with connections to it.
type server struct {
	*program.Server
	token string
	conns []*grpc.ClientConn
	web   http.Client
}

// bench has both servers.
type bench struct {
	*program.Run
	drmhub, bare *server
	asked        time.Time // when the allocations were counted
}

// start starts the vendor and both servers.
func start(ctx context.Context, binary string) (b *bench, err error) {
	run, err := program.Begin("overhead")
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			run.Close()
		}
	}()
	run.Binary = binary
	idp, err := issuer.New()
	if err != nil {
		return nil, err
	}
	auth, err := idp.Config(run.Folder)
	if err != nil {
		return nil, err
	}
	ops, err := program.FreeAddress(ctx)
	if err != nil {
		return nil, err
	}
	url := run.Vendor(vendor())
	collector := run.Vendor(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	hub, err := run.Serve(ctx, "drmhub", fmt.Sprintf(configuration, ops, url)+auth,
		"BENCH_KEY="+emulator.DefaultServiceAPIKey,
		"OTEL_EXPORTER_OTLP_ENDPOINT="+collector, "OTEL_TRACES_SAMPLER=always_off",
		// Each export renews the count of allocations, which then stays the same for some seconds.
		// So only allocated may ask for the metrics: it knows when it asked before.
		"OTEL_METRIC_EXPORT_INTERVAL=3600000")
	if err != nil {
		return nil, err
	}
	hub.Ops = ops
	bare, err := run.Itself("-bare", url)
	if err != nil {
		return nil, err
	}
	token := idp.Token("EdDSA", "caller", 12*time.Hour, issuer.Claims{"roles": []string{"viewer"}})
	b = &bench{Run: run}
	if b.drmhub, err = b.connect(hub, token); err != nil {
		return nil, err
	}
	b.bare, err = b.connect(bare, "")
	return b, err
}

func (b *bench) connect(s *program.Server, token string) (*server, error) {
	conns, stop, err := load.Dial(s.GRPC)
	if err != nil {
		return nil, err
	}
	b.OnClose(stop)
	// A compressed response would not compare with one that is not.
	transport := &http.Transport{MaxIdleConnsPerHost: 100, DisableCompression: true}
	b.OnClose(transport.CloseIdleConnections)
	return &server{Server: s, token: token, conns: conns, web: http.Client{Transport: transport}}, nil
}

// compareAnswers returns an error if the servers respond differently.
func (b *bench) compareAnswers(ctx context.Context) error {
	for _, c := range cases {
		var messages [2]proto.Message
		var texts [2]any
		for i, s := range []*server{b.drmhub, b.bare} {
			messages[i] = proto.Clone(c.response)
			raw, err := s.callGRPC(s.withToken(ctx), c, 0)
			if err == nil {
				err = proto.Unmarshal(raw, messages[i])
			}
			if err != nil {
				return fmt.Errorf("%s over gRPC: %w", c.name, err)
			}
			err = s.callREST(ctx, c, func(body io.Reader) error { return json.NewDecoder(body).Decode(&texts[i]) })
			if err != nil {
				return fmt.Errorf("%s over REST: %w", c.name, err)
			}
		}
		if !proto.Equal(messages[0], messages[1]) {
			return fmt.Errorf("%s over gRPC: drmhub responds %v, and bare parts %v", c.name, messages[0], messages[1])
		}
		if !reflect.DeepEqual(texts[0], texts[1]) {
			return fmt.Errorf("%s over REST: drmhub responds %v, and bare parts %v", c.name, texts[0], texts[1])
		}
	}
	return nil
}
