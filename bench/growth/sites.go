package main

import (
	"context"
	"fmt"
	"slices"

	"google.golang.org/grpc"

	"github.com/drmhub/drmhub/bench/internal/program"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// sites measures more and more sites of one account. The vendor shows them all in one response,
// also for one site.
func (b *bench) sites(ctx context.Context, sizes []int) error {
	c := b.curve("sites", slices.Concat(stateFigures(), latencies("ListSites, 100"), latencies("ListSites, 1,000"),
		latencies("GetSite"))...)
	for _, n := range sizes {
		values, err := b.withSites(ctx, n)
		if err != nil {
			return err
		}
		c.add(n, values)
	}
	return c.end()
}

func (b *bench) withSites(ctx context.Context, n int) ([]float64, error) {
	run, err := program.Begin("growth")
	if err != nil {
		return nil, err
	}
	defer run.Close()
	url := run.Vendor(vendor(n))
	s, err := b.serve(ctx, run, "drmhub", fmt.Sprintf(listeners+"vendors:", "sqlite::memory:")+
		fmt.Sprintf(account, "acme", url))
	if err != nil {
		return nil, err
	}
	list := func(size int32) call {
		return func(ctx context.Context, conn *grpc.ClientConn, _ int) error {
			req := &pb.ListSitesRequest{Parent: "vendors/acme", PageSize: size}
			_, err := pb.NewSiteServiceClient(conn).ListSites(ctx, req)
			return err
		}
	}
	took, err := b.latencies(ctx, s, list(100), list(1000),
		func(ctx context.Context, conn *grpc.ClientConn, _ int) error {
			req := &pb.GetSiteRequest{Name: "vendors/acme/sites/" + siteID(n-1)}
			_, err := pb.NewSiteServiceClient(conn).GetSite(ctx, req)
			return err
		})
	if err != nil {
		return nil, err
	}
	state, err := s.state()
	return append(state, took...), err
}
