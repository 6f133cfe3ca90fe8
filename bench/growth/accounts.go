package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/grpc"

	"github.com/drmhub/drmhub/bench/internal/program"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// accounts measures more and more configured accounts, of one site each.
func (b *bench) accounts(ctx context.Context, sizes []int) error {
	c := b.curve("accounts", slices.Concat(stateFigures(), latencies("GetVendor"), latencies("ListVendors"),
		latencies("ListSites of one"), latencies("ListSites of all"))...)
	for _, n := range sizes {
		values, err := b.withAccounts(ctx, n)
		if err != nil {
			return err
		}
		c.add(n, values)
	}
	return c.end()
}

func (b *bench) withAccounts(ctx context.Context, n int) ([]float64, error) {
	run, err := program.Begin("growth")
	if err != nil {
		return nil, err
	}
	defer run.Close()
	url := run.Vendor(vendor(1))
	var text strings.Builder
	fmt.Fprintf(&text, listeners+"vendors:", "sqlite::memory:")
	for i := range n {
		fmt.Fprintf(&text, account, fmt.Sprintf("acme-%d", i), url)
	}
	s, err := b.serve(ctx, run, "drmhub", text.String())
	if err != nil {
		return nil, err
	}
	took, err := b.latencies(ctx, s,
		func(ctx context.Context, conn *grpc.ClientConn, _ int) error {
			_, err := pb.NewVendorServiceClient(conn).GetVendor(ctx, &pb.GetVendorRequest{Name: "vendors/acme-1"})
			return err
		},
		func(ctx context.Context, conn *grpc.ClientConn, _ int) error {
			_, err := pb.NewVendorServiceClient(conn).ListVendors(ctx, &pb.ListVendorsRequest{PageSize: 1000})
			return err
		},
		listSites("vendors/acme-1", 1), listSites("vendors/-", n))
	if err != nil {
		return nil, err
	}
	state, err := s.state()
	return append(state, took...), err
}

// listSites lists all sites, page by page, and checks their number.
func listSites(parent string, want int) call {
	return func(ctx context.Context, conn *grpc.ClientConn, _ int) error {
		req, sites := &pb.ListSitesRequest{Parent: parent, PageSize: 1000}, 0
		for {
			res, err := pb.NewSiteServiceClient(conn).ListSites(ctx, req)
			if err != nil {
				return err
			}
			sites += len(res.GetSites())
			if req.PageToken = res.GetNextPageToken(); req.GetPageToken() != "" {
				continue
			}
			if sites != want {
				return fmt.Errorf("%s has %d sites, and %d are listed; unreachable: %v", parent, want, sites,
					res.GetUnreachable())
			}
			return nil
		}
	}
}
