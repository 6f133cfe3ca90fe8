package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/google/uuid"
	"google.golang.org/grpc"

	"github.com/drmhub/drmhub/bench/internal/kept"
	"github.com/drmhub/drmhub/bench/internal/program"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// kept measures more and more kept mutations, each with an audit event, in one file of SQLite.
func (b *bench) kept(ctx context.Context, sizes []int) error {
	run, err := program.Begin("growth")
	if err != nil {
		return err
	}
	defer run.Close()
	file := filepath.Join(run.Folder, "drmhub.db")
	configuration := fmt.Sprintf(listeners+"vendors:", "sqlite:"+file) +
		fmt.Sprintf(account, "acme", run.Vendor(vendor(1)))
	if err := b.firstMutation(ctx, run, configuration); err != nil {
		return err
	}
	c := b.curve("mutations", slices.Concat(stateFigures(), []figure{mebibytes("store")}, latencies("a mutation"),
		latencies("ListMutations"), latencies("those of a resource"), latencies("ListAuditEvents"))...)
	had := 1
	for _, n := range sizes {
		if err := kept.Copy(ctx, file, n-had); err != nil {
			return err
		}
		values, made, err := b.withKept(ctx, run, configuration, file)
		if err != nil {
			return err
		}
		had = n + made
		c.add(n, values)
	}
	return c.end()
}

// firstMutation makes a mutation with a server that it starts and stops.
func (b *bench) firstMutation(ctx context.Context, run *program.Run, configuration string) error {
	s, err := b.serve(ctx, run, "first", configuration)
	if err != nil {
		return err
	}
	defer s.Stop()
	return reset(ctx, s.conns[0], 0)
}

// withKept measures a server on the file, and returns how many mutations it has made.
func (b *bench) withKept(
	ctx context.Context, run *program.Run, configuration, file string,
) (values []float64, made int, err error) {
	s, err := b.serve(ctx, run, "drmhub", configuration)
	if err != nil {
		return nil, 0, err
	}
	defer s.Stop()
	info, err := os.Stat(file)
	if err != nil {
		return nil, 0, err
	}
	list := func(filter *pb.MutationFilter) call {
		return func(ctx context.Context, conn *grpc.ClientConn, _ int) error {
			_, err := pb.NewMutationServiceClient(conn).ListMutations(ctx, &pb.ListMutationsRequest{Filter: filter})
			return err
		}
	}
	took, err := b.latencies(ctx, s, reset, list(nil), list(&pb.MutationFilter{Resource: member(0)}),
		func(ctx context.Context, conn *grpc.ClientConn, _ int) error {
			_, err := pb.NewAuditServiceClient(conn).ListAuditEvents(ctx, &pb.ListAuditEventsRequest{})
			return err
		})
	if err != nil {
		return nil, 0, err
	}
	state, err := s.state()
	values = slices.Concat(state, []float64{float64(info.Size()) / (1 << 20)}, took)
	return values, int(b.length.Seconds() * 1000 / took[0] * callers), err
}

// reset makes a mutation of one write.
func reset(ctx context.Context, conn *grpc.ClientConn, number int) error {
	req := &pb.ResetMemberPasswordRequest{Name: member(number), RequestId: uuid.NewString()}
	_, err := pb.NewMemberServiceClient(conn).ResetMemberPassword(ctx, req)
	return err
}

func member(number int) string { return fmt.Sprintf("vendors/acme/members/%d", number+1) }
