package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"google.golang.org/grpc"

	"github.com/drmhub/drmhub/adapters/mutation"
	"github.com/drmhub/drmhub/adapters/pallycon"
	"github.com/drmhub/drmhub/adapters/pallycon/emulator"
	"github.com/drmhub/drmhub/adapters/secret"
	"github.com/drmhub/drmhub/adapters/upstream"
	"github.com/drmhub/drmhub/bench/internal/program"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/internal/postgres"
)

const configuration = `
grpc: {listen: "127.0.0.1:0"}
http: {listen: "127.0.0.1:0"}
auth: {mode: none}
store: {dsn: %q}
vendors:
  - id: pallycon
    lane: {requests_per_second: 0}
    pallycon: {base_url: %q, account_id: sandbox, account_seq: "1", service_api_key: {env: BENCH_KEY}}
`

// server is one of the servers compared.
type server struct {
	name  string
	conns []*grpc.ClientConn
}

// start starts the vendor, PostgreSQL and all servers. The server without a journal is the first.
func start(ctx context.Context) (servers []*server, stop func(), err error) {
	var stops []func()
	stop = func() {
		for _, s := range slices.Backward(stops) {
			s()
		}
	}
	defer func() {
		if err != nil {
			stop()
		}
	}()
	folder, err := os.MkdirTemp("", "journal")
	if err != nil {
		return nil, nil, err
	}
	stops = append(stops, func() { _ = os.RemoveAll(folder) })
	vendorURL, stopVendor, err := startVendor(ctx)
	if err != nil {
		return nil, nil, err
	}
	stops = append(stops, stopVendor)
	dsn, stopPostgres, err := postgres.Database(ctx)
	if err != nil {
		return nil, nil, err
	}
	stops = append(stops, stopPostgres)
	bare, stopBare, err := startBare(vendorURL)
	if err != nil {
		return nil, nil, err
	}
	stops = append(stops, stopBare)
	binary, err := program.Build(ctx, folder)
	if err != nil {
		return nil, nil, err
	}
	addresses := []struct{ name, address string }{{"without", bare}}
	for i, s := range []struct{ name, dsn string }{
		{"in memory", "sqlite::memory:"},
		{"SQLite", "sqlite:" + filepath.Join(folder, "drmhub.db")},
		{"PostgreSQL", dsn},
	} {
		config := filepath.Join(folder, fmt.Sprintf("drmhub-%d.yaml", i))
		if err := os.WriteFile(config, fmt.Appendf(nil, configuration, s.dsn, vendorURL), 0o600); err != nil {
			return nil, nil, err
		}
		var log bytes.Buffer
		started, err := program.Start(binary, config, []string{"BENCH_KEY=" + emulator.DefaultServiceAPIKey}, &log)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w\n%s", s.name, err, log.String())
		}
		stops = append(stops, started.Stop)
		addresses = append(addresses, struct{ name, address string }{s.name, started.GRPC})
	}
	for _, a := range addresses {
		s, err := dial(a.name, a.address)
		if err != nil {
			return nil, nil, err
		}
		servers = append(servers, s)
	}
	return servers, stop, nil
}

// startVendor serves PallyCon's twin with a member for every caller.
func startVendor(ctx context.Context) (url string, stop func(), err error) {
	var listen net.ListenConfig
	listener, err := listen.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	twin := emulator.New(emulator.Options{})
	for i := range 64 {
		twin.PutMembers(emulator.Member{MemberEmail: fmt.Sprintf("member%d@bench.example", i)})
	}
	vendor := &http.Server{Handler: twin, ReadHeaderTimeout: time.Minute}
	go func() { _ = vendor.Serve(listener) }() // stop ends it
	return "http://" + listener.Addr().String(), func() { _ = vendor.Close() }, nil
}

// startBare starts this program as the server without a journal.
func startBare(vendorURL string) (address string, stop func(), err error) {
	self, err := os.Executable()
	if err != nil {
		return "", nil, err
	}
	process := exec.Command(self, "-without", vendorURL) //nolint:gosec,noctx // This program itself, which stop ends.
	process.Stderr = os.Stderr
	out, err := process.StdoutPipe()
	if err != nil {
		return "", nil, err
	}
	if err := process.Start(); err != nil {
		return "", nil, err
	}
	stop = func() {
		_ = process.Process.Signal(syscall.SIGTERM) // it may have ended
		_ = process.Wait()
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		stop()
		return "", nil, errors.New("the server without a journal ended before it was ready")
	}
	return strings.TrimSpace(line), stop, nil
}

// serveBare is the server without a journal. It prints its address, and serves until ctx ends.
func serveBare(ctx context.Context, vendorURL string, out io.Writer) error {
	config := pallycon.NewConfig()
	config.BaseURL = vendorURL
	config.AccountID, config.AccountSeq = emulator.DefaultAccountID, emulator.DefaultAccountSeq
	config.ServiceAPIKey = secret.New(emulator.DefaultServiceAPIKey)
	adapter, err := pallycon.New("pallycon", *config, upstream.Connection{})
	if err != nil {
		return err
	}
	var listen net.ListenConfig
	listener, err := listen.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	s := grpc.NewServer()
	pb.RegisterMemberServiceServer(s, bare{adapter: adapter})
	context.AfterFunc(ctx, s.Stop)
	fmt.Fprintln(out, listener.Addr())
	return s.Serve(listener)
}

// bare passes calls to the adapter.
type bare struct {
	pb.UnimplementedMemberServiceServer
	adapter *pallycon.Adapter
}

// ResetMemberPassword makes the call with a log of its own.
func (b bare) ResetMemberPassword(
	ctx context.Context, req *pb.ResetMemberPasswordRequest,
) (*pb.ResetMemberPasswordResponse, error) {
	return b.adapter.ResetMemberPassword(mutation.NewContext(ctx, mutation.NewMemory()), req)
}
