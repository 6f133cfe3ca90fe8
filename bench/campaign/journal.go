package main

import (
	"context"
	"fmt"
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

// mutations returns the records with this state, or all records.
func (c *client) mutations(ctx context.Context, state pb.Mutation_State) (all []*pb.Mutation, err error) {
	req := &pb.ListMutationsRequest{PageSize: pageSize, Filter: &pb.MutationFilter{State: state}}
	for {
		res, err := pb.NewMutationServiceClient(c.conns[0]).ListMutations(ctx, req)
		if err != nil {
			return nil, fmt.Errorf("ListMutations: %w", err)
		}
		all = append(all, res.GetMutations()...)
		if req.PageToken = res.GetNextPageToken(); req.GetPageToken() == "" {
			return all, nil
		}
	}
}

// unsettled returns the records that may still change by themselves.
func (c *client) unsettled(ctx context.Context) (open []*pb.Mutation, err error) {
	for _, state := range []pb.Mutation_State{pb.Mutation_INTENDED, pb.Mutation_SENT, pb.Mutation_UNKNOWN} {
		some, err := c.mutations(ctx, state)
		if err != nil {
			return nil, err
		}
		open = append(open, slices.DeleteFunc(some, isUnknownForever)...)
	}
	return open, nil
}

// isUnknownForever reports whether a mutation may stay UNKNOWN. The vendor shows nothing of it, or showed
// too little before it.
func isUnknownForever(m *pb.Mutation) bool {
	switch lastSegment(m.GetMethod()) {
	case "RegisterFairPlayCertificate", "ResetMemberPassword":
		return m.GetState() == pb.Mutation_UNKNOWN && m.GetNextSettleTime() == nil
	case "CreateProduct": // AminoTV showed a part of its list again before the creation.
		return m.GetState() == pb.Mutation_UNKNOWN && strings.Contains(m.GetMessage(), "may have had more rows before")
	}
	return false
}

// awaitSettled waits until the servers have settled the mutations that they can. After hurry it tells
// them to, since their pauses grow.
func (c *client) awaitSettled(ctx context.Context, hurry time.Duration) ([]*pb.Mutation, error) {
	begun := time.Now()
	for {
		open, err := c.unsettled(ctx)
		if err != nil || len(open) == 0 || time.Since(begun) > maxSettling {
			return open, err
		}
		if time.Since(begun) > hurry {
			c.settle(ctx, open)
		}
		select {
		case <-time.After(500 * time.Millisecond):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// settle asks for each of these, as an operator would. The next look shows the results.
func (c *client) settle(ctx context.Context, open []*pb.Mutation) {
	each(8, open, func(m *pb.Mutation) {
		ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
		_, _ = pb.NewMutationServiceClient(c.conns[0]).SettleMutation(ctx, &pb.SettleMutationRequest{Name: m.GetName()})
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
