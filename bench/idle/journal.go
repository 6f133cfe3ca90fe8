package main

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/google/uuid"

	"github.com/drmhub/drmhub/adapters/pallycon/emulator"
	"github.com/drmhub/drmhub/bench/internal/kept"
	"github.com/drmhub/drmhub/bench/internal/load"
	"github.com/drmhub/drmhub/bench/internal/program"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

const configuration = `
grpc: {listen: "127.0.0.1:0"}
http: {listen: "127.0.0.1:0"}
auth: {mode: none}
store: {dsn: %q}
vendors:
  - id: acme
    pallycon: {base_url: %q, account_id: sandbox, account_seq: "1", service_api_key: {env: BENCH_KEY}}
`

const (
	journalFile = "drmhub.db"
	key         = "BENCH_KEY=" + emulator.DefaultServiceAPIKey
)

// journal makes a journal of this number of mutations, and returns the configuration of a server
// that has it.
func journal(ctx context.Context, running *program.Run, mutations int) (text string, err error) {
	twin := emulator.New(emulator.Options{})
	twin.PutMembers(emulator.Member{MemberEmail: "member@bench.example"})
	file := filepath.Join(running.Folder, journalFile)
	text = fmt.Sprintf(configuration, "sqlite:"+file, running.Vendor(twin))
	s, err := running.Serve(ctx, "first", text, key)
	if err != nil {
		return "", err
	}
	defer func() {
		s.Stop()
		if err == nil {
			err = kept.Copy(ctx, file, mutations-1)
		}
	}()
	conns, stop, err := load.Dial(s.GRPC)
	if err != nil {
		return "", err
	}
	defer stop()
	_, err = pb.NewMemberServiceClient(conns[0]).ResetMemberPassword(ctx, &pb.ResetMemberPasswordRequest{
		Name: "vendors/acme/members/1", RequestId: uuid.NewString(),
	})
	return text, err
}
