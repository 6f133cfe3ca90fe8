package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/drmhub/drmhub/bench/internal/program"
)

// server is drmhub in a process of its own.
type server struct {
	*program.Server
	folder string
}

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

// startServer starts the server against the vendor, with the default settings of the garbage
// collector.
func startServer(ctx context.Context, binary, vendorURL string) (s *server, err error) {
	s = &server{}
	if s.folder, err = os.MkdirTemp("", "stream"); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.stop())
		}
	}()
	if binary == "" {
		if binary, err = program.Build(ctx, s.folder); err != nil {
			return nil, err
		}
	}
	config := filepath.Join(s.folder, "drmhub.yaml")
	if err := os.WriteFile(config, fmt.Appendf(nil, configuration, vendorURL), 0o600); err != nil {
		return nil, err
	}
	s.Server, err = program.Start(binary, config, []string{"BENCH_KEY=bench"}, os.Stderr)
	return s, err
}

// peak returns the maximum memory that the server has had resident, in bytes.
func (s *server) peak() (int, error) { return s.Memory("VmHWM") }

// stop ends the server and removes its files.
func (s *server) stop() error {
	if s.Server != nil {
		s.Stop()
	}
	return os.RemoveAll(s.folder)
}
