package main

import (
	"context"
	"fmt"

	"github.com/drmhub/drmhub/bench/internal/program"
)

const configuration = `
grpc: {listen: "127.0.0.1:0"}
http: {listen: "127.0.0.1:0"}
auth: {mode: none}
store: {dsn: "sqlite::memory:"}
vendors:
  - id: acme
    lane: {requests_per_second: 0}
    pallycon: {base_url: %q, account_id: bench, account_seq: "1", service_api_key: {env: BENCH_KEY}}
`

// start starts a vendor with this number of licenses, and the server.
func start(ctx context.Context, binary string, rows int) (*program.Run, *program.Server, error) {
	run, err := program.Begin("stream")
	if err != nil {
		return nil, nil, err
	}
	run.Binary = binary
	url := run.Vendor(vendor(rows))
	s, err := run.Serve(ctx, "drmhub", fmt.Sprintf(configuration, url), "BENCH_KEY=bench")
	if err != nil {
		run.Close()
		return nil, nil, err
	}
	return run, s, nil
}

// peak returns the maximum memory that the server has had resident, in bytes.
func peak(s *program.Server) (int, error) { return s.Memory("VmHWM") }
