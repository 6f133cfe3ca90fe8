package main

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

const (
	// maxSettling bounds the time in which the servers settle everything, once nothing fails.
	maxSettling = 3 * time.Minute
	pageSize    = 500
)

// mutations returns the records of this state that a caller sees, or all that it sees.
func (c *client) mutations(ctx context.Context, who *caller, state pb.Mutation_State) ([]*pb.Mutation, error) {
	return listMutations(ctx, c.face(0), who, &pb.MutationFilter{State: state})
}

// unsettled returns the records that may still change by themselves.
func (c *client) unsettled(ctx context.Context, admin *caller) (open []*pb.Mutation, err error) {
	for _, state := range []pb.Mutation_State{pb.Mutation_INTENDED, pb.Mutation_SENT, pb.Mutation_UNKNOWN} {
		some, err := c.mutations(ctx, admin, state)
		if err != nil {
			return nil, err
		}
		open = append(open, slices.DeleteFunc(some, isUnknownForever)...)
	}
	return open, nil
}

// isUnknownForever reports whether a mutation may stay UNKNOWN. The vendor shows nothing of it, or
// showed too little before it.
func isUnknownForever(m *pb.Mutation) bool {
	switch lastSegment(m.GetMethod()) {
	case "RegisterFairPlayCertificate", "ResetMemberPassword":
		return m.GetState() == pb.Mutation_UNKNOWN && m.GetNextSettleTime() == nil
	case "CreateProduct": // AminoTV showed a part of its list again before the creation.
		return m.GetState() == pb.Mutation_UNKNOWN && strings.Contains(m.GetMessage(), "may have had more rows before")
	}
	return false
}

// awaitSettled waits until the servers have settled the mutations that they can. After hurry it
// tells them to, since their pauses grow.
func (c *client) awaitSettled(
	ctx context.Context, admin *caller, hurry time.Duration,
) ([]*pb.Mutation, error) {
	begun := time.Now()
	for {
		open, err := c.unsettled(ctx, admin)
		if err != nil || len(open) == 0 || time.Since(begun) > maxSettling {
			return open, err
		}
		if time.Since(begun) > hurry {
			c.settle(ctx, admin, open)
		}
		select {
		case <-time.After(500 * time.Millisecond):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// settle asks for each of these, as an operator would. The next look shows the results.
func (c *client) settle(ctx context.Context, admin *caller, open []*pb.Mutation) {
	each(8, open, func(m *pb.Mutation) {
		ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
		req, res := &pb.SettleMutationRequest{Name: m.GetName()}, &pb.Mutation{}
		_, _ = c.face(0).call(ctx, admin.token(), pb.MutationService_SettleMutation_FullMethodName, req, res)
	})
}

// each calls do for all, with some calls at once.
func each[T any](atOnce int, all []T, do func(T)) {
	work := make(chan T)
	var workers sync.WaitGroup
	for range atOnce {
		workers.Go(func() {
			for one := range work {
				do(one)
			}
		})
	}
	for _, one := range all {
		work <- one
	}
	close(work)
	workers.Wait()
}
