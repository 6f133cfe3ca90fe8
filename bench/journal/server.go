package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strconv"

	"google.golang.org/grpc"

	"github.com/drmhub/drmhub/adapters/mutation"
	"github.com/drmhub/drmhub/adapters/pallycon"
	"github.com/drmhub/drmhub/adapters/pallycon/emulator"
	"github.com/drmhub/drmhub/adapters/secret"
	"github.com/drmhub/drmhub/adapters/upstream"
	"github.com/drmhub/drmhub/bench/internal/load"
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
    lane: {requests_per_second: 0, writes: %d}
    pallycon: {base_url: %q, account_id: sandbox, account_seq: "1", service_api_key: {env: BENCH_KEY}}
`

// server is one of the servers compared.
type server struct {
	*program.Server
	name  string
	conns []*grpc.ClientConn
}

// start starts the vendor, PostgreSQL and all servers. The server without a journal is the first.
func start(
	ctx context.Context, binary string, places, members int,
) (started *program.Run, servers []*server, err error) {
	run, err := program.Begin("journal")
	if err != nil {
		return nil, nil, err
	}
	defer func() {
		if err != nil {
			run.Close()
		}
	}()
	run.Binary = binary
	url := run.Vendor(vendor(members))
	dsn, stop, err := postgres.Database(ctx)
	if err != nil {
		return nil, nil, err
	}
	run.OnClose(stop)
	bare, err := run.Itself("-without", url, "-places", strconv.Itoa(places))
	if err != nil {
		return nil, nil, err
	}
	all := []*program.Server{bare}
	names := []string{"without", "in memory", "SQLite", "PostgreSQL"}
	for i, dsn := range []string{"sqlite::memory:", "sqlite:" + filepath.Join(run.Folder, "drmhub.db"), dsn} {
		s, err := run.Serve(ctx, fmt.Sprintf("drmhub-%d", i), fmt.Sprintf(configuration, dsn, places, url),
			"BENCH_KEY="+emulator.DefaultServiceAPIKey)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", names[i+1], err)
		}
		all = append(all, s)
	}
	for i, s := range all {
		conns, stop, err := load.Dial(s.GRPC)
		if err != nil {
			return nil, nil, err
		}
		run.OnClose(stop)
		servers = append(servers, &server{Server: s, name: names[i], conns: conns})
	}
	return run, servers, nil
}

// vendor returns PallyCon's twin with this number of members, one for every caller.
func vendor(members int) http.Handler {
	twin := emulator.New(emulator.Options{})
	for i := range members {
		twin.PutMembers(emulator.Member{MemberEmail: fmt.Sprintf("member%d@bench.example", i)})
	}
	return twin
}

// serveBare is the server without a journal. It prints its address, and serves until ctx ends.
func serveBare(ctx context.Context, vendorURL string, places int, out io.Writer) error {
	config := pallycon.NewConfig()
	config.BaseURL = vendorURL
	config.AccountID, config.AccountSeq = emulator.DefaultAccountID, emulator.DefaultAccountSeq
	config.ServiceAPIKey = secret.New(emulator.DefaultServiceAPIKey)
	account, lane := upstream.NewAccount("pallycon"), upstream.DefaultLane()
	lane.RequestsPerSecond, lane.Writes = 0, places
	account.Configure(lane, upstream.Breaker{})
	adapter, err := pallycon.New("pallycon", *config, upstream.Connection{Account: account})
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
	fmt.Fprintln(out, program.Ready(listener.Addr().String(), ""))
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
