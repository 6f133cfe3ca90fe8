package main

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	ncp "github.com/drmhub/drmhub/adapters/ncp/emulator"
	"github.com/drmhub/drmhub/bench/internal/load"
	"github.com/drmhub/drmhub/bench/internal/program"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

const configuration = `
grpc: {listen: "127.0.0.1:0"}
http: {listen: "127.0.0.1:0"}
auth: {mode: none}
store: {dsn: "sqlite::memory:"}
vendors:
  - id: silent
    lane: {requests_per_second: 0}
    pallycon: {base_url: %q, account_id: bench, account_seq: "1", service_api_key: {env: BENCH_KEY}}
  - id: quick
    lane: {requests_per_second: 0}
    ncp: {base_url: %q, access_key: {env: ACCESS_KEY}, secret_key: {env: SECRET_KEY}}
`

// server is drmhub with its two vendors.
type server struct {
	*program.Run
	*program.Server
	sites pb.SiteServiceClient
}

// start starts the vendors and the server.
func start(ctx context.Context) (s *server, err error) {
	s = &server{}
	if s.Run, err = program.Begin("lanes"); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			s.Close()
		}
	}()
	silent := s.Vendor(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	quick := s.Vendor(ncp.New(ncp.Options{Seed: 1, WithSampleData: true}))
	s.Server, err = s.Serve(ctx, "drmhub", fmt.Sprintf(configuration, silent, quick),
		"BENCH_KEY=bench", "ACCESS_KEY="+ncp.DefaultAccessKey, "SECRET_KEY="+ncp.DefaultSecretKey)
	if err != nil {
		return nil, err
	}
	conns, stop, err := load.Dial(s.GRPC)
	if err != nil {
		return nil, err
	}
	s.OnClose(stop)
	s.sites = pb.NewSiteServiceClient(conns[0])
	return s, nil
}

// measure measures the callers of the quick vendor, alone and beside those of the silent one.
func (s *server) measure(ctx context.Context, length time.Duration, stuck int) (m measurement, err error) {
	if m.quiet, err = s.list(ctx, length); err != nil {
		return m, err
	}
	defer s.stick(ctx, stuck)()
	m.stalled, err = s.list(ctx, length)
	return m, err
}

// bounds returns the state of the server alone, and beside the callers of the silent vendor.
func (s *server) bounds(ctx context.Context, stuck int) (alone, busy program.Sample, err error) {
	if err := program.Pause(ctx, program.Stale); err != nil {
		return alone, busy, err
	}
	if alone, err = s.Sample(ctx); err != nil {
		return alone, busy, err
	}
	defer s.stick(ctx, stuck)()
	if err := program.Pause(ctx, program.Stale); err != nil {
		return alone, busy, err
	}
	busy, err = s.Sample(ctx)
	return alone, busy, err
}

// stick has callers call the silent vendor, until leave is called. One whose call is refused waits
// for a second, as the docs demand.
func (s *server) stick(ctx context.Context, callers int) (leave func()) {
	ctx, cancel := context.WithCancel(ctx)
	call := func() {
		for ctx.Err() == nil {
			if _, err := s.sites.ListSites(ctx, &pb.ListSitesRequest{Parent: "vendors/silent"}); err != nil {
				_ = program.Pause(ctx, time.Second) // The loop sees the end of ctx.
			}
		}
	}
	var running sync.WaitGroup
	for range callers {
		running.Go(call)
	}
	_ = program.Pause(ctx, time.Second) // All places are taken then.
	return func() { cancel(); running.Wait() }
}

// list lists the sites of the quick vendor from several callers at once, and returns how long each
// call took, sorted.
func (s *server) list(ctx context.Context, length time.Duration) ([]time.Duration, error) {
	done, err := load.Run(ctx, callers, length, load.Each(func(ctx context.Context, _ int) error {
		_, err := s.sites.ListSites(ctx, &pb.ListSitesRequest{Parent: "vendors/quick"})
		return err
	}))
	return done.Took, err
}
