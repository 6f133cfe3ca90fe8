package main

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"google.golang.org/grpc"

	"github.com/drmhub/drmhub/adapters/pallycon/emulator"
	"github.com/drmhub/drmhub/bench/internal/load"
	"github.com/drmhub/drmhub/bench/internal/program"
)

const (
	// callers is how many calls are made at the same time.
	callers = 4
	// members is how many members the vendor has.
	members = 64
)

const listeners = `
grpc: {listen: "127.0.0.1:0"}
http: {listen: "127.0.0.1:0"}
auth: {mode: none}
store: {dsn: %q}
`

const account = `
  - id: %[1]s
    lane: {requests_per_second: 0}
    pallycon: {base_url: %[2]q, account_id: %[1]s, account_seq: "1", service_api_key: {env: BENCH_KEY}}
`

// vendor returns PallyCon's twin with members, and with a list of this number of sites, which is
// made once.
func vendor(sites int) http.Handler {
	twin := emulator.New(emulator.Options{})
	for i := range members {
		twin.PutMembers(emulator.Member{MemberEmail: fmt.Sprintf("member%d@bench.example", i)})
	}
	list := []byte(`{"error_code":"0000","error_message":"Success","data":[`)
	for i := range sites {
		if i > 0 {
			list = append(list, ',')
		}
		list = fmt.Appendf(list, `{"site_id":"%s","service_name":"Movies %[2]d","product_list":`+
			`[{"service_code":"PD001","status_code":"SE000"}]}`, siteID(i), i)
	}
	list = fmt.Appendf(list, `],"count":%d}`, sites)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/v2/account/siteId", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json;charset=UTF-8")
		_, _ = w.Write(list) // An error means that the server has gone.
	})
	mux.HandleFunc("/api/v2/account/member/", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json;charset=UTF-8")
		_, _ = w.Write([]byte(`{"error_code":"0000","error_message":"Success"}`)) // as above
	})
	mux.Handle("/", twin)
	return mux
}

func siteID(number int) string { return fmt.Sprintf("S%05d", number) }

// A server is a running server, and the connections to it.
type server struct {
	*program.Server
	conns []*grpc.ClientConn
}

// serve starts a server with this configuration.
func (b *bench) serve(ctx context.Context, run *program.Run, name, configuration string) (*server, error) {
	run.Binary = b.binary
	s, err := run.Serve(ctx, name, configuration, "BENCH_KEY="+emulator.DefaultServiceAPIKey)
	if err != nil {
		return nil, err
	}
	conns, stop, err := load.Dial(s.GRPC)
	if err != nil {
		return nil, err
	}
	run.OnClose(stop)
	return &server{Server: s, conns: conns}, nil
}

// A call makes one call over a connection, as the caller with this number.
type call func(ctx context.Context, conn *grpc.ClientConn, number int) error

// latencies makes each call for a while, and returns its median and its 99th percentile in
// milliseconds.
func (b *bench) latencies(ctx context.Context, s *server, calls ...call) (values []float64, err error) {
	for _, call := range calls {
		done, err := load.Run(ctx, callers, b.length, load.Each(func(ctx context.Context, number int) error {
			return call(ctx, s.conns[number%len(s.conns)], number)
		}))
		if err != nil {
			return nil, err
		}
		for _, percent := range []int{50, 99} {
			values = append(values, float64(load.Percentile(done.Took, percent))/float64(time.Millisecond))
		}
	}
	return values, nil
}

// state returns how long the server took to start, in milliseconds, and its resident memory in MiB.
func (s *server) state() (values []float64, err error) {
	resident, err := s.Memory("VmRSS")
	return []float64{float64(s.Took) / float64(time.Millisecond), float64(resident) / (1 << 20)}, err
}

// stateFigures are the figures of state.
func stateFigures() []figure { return []figure{milliseconds("start"), mebibytes("memory")} }
