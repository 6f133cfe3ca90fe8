package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
)

// server is drmhub in a process of its own.
type server struct {
	process    *exec.Cmd
	folder     string
	grpc, http string
}

const configuration = `
grpc: {listen: "127.0.0.1:0"}
http: {listen: "127.0.0.1:0"}
auth: {mode: none}
vendors:
  - id: acme
    pallycon: {base_url: %q, account_id: bench, account_seq: "1", service_api_key: {env: BENCH_KEY}}
`

var readyLine = regexp.MustCompile(`gRPC on (\S+), REST on http://([^,\s]+)`)

// startServer runs the server against the vendor, with the garbage collector's settings as they are by default.
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
		binary = filepath.Join(s.folder, "server")
		build := exec.CommandContext(ctx, "go", "build", "-o", binary, "github.com/drmhub/drmhub/server") //nolint:gosec // The program goes into a folder of its own.
		build.Stderr = os.Stderr
		if err := build.Run(); err != nil {
			return nil, fmt.Errorf("building the server: %w", err)
		}
	}
	config := filepath.Join(s.folder, "drmhub.yaml")
	if err := os.WriteFile(config, fmt.Appendf(nil, configuration, vendorURL), 0o600); err != nil {
		return nil, err
	}
	s.process = exec.CommandContext(ctx, binary, "--config", config) //nolint:gosec // The program is the one that the caller names.
	s.process.Env = []string{"BENCH_KEY=bench"}
	s.process.Stderr = os.Stderr
	out, err := s.process.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := s.process.Start(); err != nil {
		return nil, err
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if m := readyLine.FindStringSubmatch(lines.Text()); m != nil {
			s.grpc, s.http = m[1], m[2]
			return s, nil
		}
	}
	return nil, errors.New("the server ends before it is ready")
}

// peak is the most memory that the server has had resident so far, in bytes.
func (s *server) peak() (int, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.process.Process.Pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(status)) {
		if value, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kibibytes, err := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(value), " kB"))
			return kibibytes << 10, err
		}
	}
	return 0, errors.New("/proc tells no VmHWM")
}

// stop ends the server and removes what it was made of.
func (s *server) stop() error {
	if s.process != nil && s.process.Process != nil {
		_ = s.process.Process.Signal(syscall.SIGTERM) // it may have ended
		_ = s.process.Wait()                          // how it ends is none of what is measured
	}
	return os.RemoveAll(s.folder)
}
