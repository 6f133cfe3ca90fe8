package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"google.golang.org/grpc/metadata"

	"github.com/drmhub/drmhub/bench/internal/load"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// A caller makes one call as the caller with this number. token is "" for a caller without one.
type caller func(s *server, ctx context.Context, number int, token string) error

// overGRPC calls over gRPC. The context has the token.
func (s *server) overGRPC(ctx context.Context, number int, _ string) error {
	_, err := pb.NewVendorServiceClient(s.conns[number%len(s.conns)]).ListVendors(ctx, &pb.ListVendorsRequest{})
	return err
}

// askVendor makes a call over gRPC that asks a vendor. The context has the token.
func (s *server) askVendor(ctx context.Context, number int, _ string) error {
	_, err := pb.NewSiteServiceClient(s.conns[number%len(s.conns)]).ListSites(ctx,
		&pb.ListSitesRequest{Parent: "vendors/ncp"})
	return err
}

// overREST calls over REST.
func (s *server) overREST(ctx context.Context, _ int, token string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.proc.HTTP+"/v1/vendors", http.NoBody)
	if err != nil {
		return err
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := s.web.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	_, err = io.Copy(io.Discard, res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("ListVendors: HTTP %d", res.StatusCode)
	}
	return err
}

// done is what a load has measured.
type done struct {
	rate float64 // calls a second
	cost float64 // the server's CPU time for a call, in microseconds
}

// load makes calls as all callers for this time.
func (s *server) load(ctx context.Context, call caller, length time.Duration) (done, error) {
	return s.measure(ctx, length, func(ctx context.Context, number int) (once func() error) {
		token := ""
		if s.tokens != nil {
			token = s.tokens[number]
			ctx = withToken(ctx, token) // once, since only the server's work is to be compared
		}
		return func() error { return call(s, ctx, number, token) }
	})
}

// withToken returns a context whose calls over gRPC have a token.
func withToken(ctx context.Context, token string) context.Context {
	return metadata.NewOutgoingContext(ctx, metadata.Pairs("authorization", "Bearer "+token))
}

// spend makes a call with each token.
func (s *server) spend(ctx context.Context, tokens <-chan string) (done, error) {
	return s.measure(ctx, load.Forever, load.Each(func(ctx context.Context, number int) error {
		token, more := <-tokens
		if !more {
			return load.ErrDone
		}
		return s.overGRPC(withToken(ctx, token), number, token)
	}))
}

// measure calls as all callers for this time.
func (s *server) measure(ctx context.Context, length time.Duration, caller load.Caller) (done, error) {
	before, err := s.proc.CPU()
	if err != nil {
		return done{}, err
	}
	calls, err := load.Run(ctx, callers, length, caller)
	if err != nil {
		return done{}, fmt.Errorf("mode %s: %w", s.name, err)
	}
	after, err := s.proc.CPU()
	return done{rate: calls.Rate(), cost: float64((after - before).Microseconds()) / calls.Calls()}, err
}
