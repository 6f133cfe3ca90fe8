package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc/metadata"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// connections is the number of connections that the callers share.
const connections = 4

// A caller makes one call as the caller with this number. token is "" for a caller without one.
type caller func(s *server, ctx context.Context, number int, token string) error

// overGRPC calls over gRPC. The context has the token.
func (s *server) overGRPC(ctx context.Context, number int, _ string) error {
	_, err := pb.NewVendorServiceClient(s.conns[number%connections]).ListVendors(ctx, &pb.ListVendorsRequest{})
	return err
}

// askVendor makes a call over gRPC that asks a vendor. The context has the token.
func (s *server) askVendor(ctx context.Context, number int, _ string) error {
	_, err := pb.NewSiteServiceClient(s.conns[number%connections]).ListSites(ctx,
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
	begun := time.Now()
	return s.measure(ctx, func(ctx context.Context, number int) (once func() (bool, error)) {
		token := ""
		if s.tokens != nil {
			token = s.tokens[number]
			ctx = withToken(ctx, token) // once, since only the server's work is to be compared
		}
		return func() (bool, error) { return time.Since(begun) < length, call(s, ctx, number, token) }
	})
}

// withToken returns a context whose calls over gRPC have a token.
func withToken(ctx context.Context, token string) context.Context {
	return metadata.NewOutgoingContext(ctx, metadata.Pairs("authorization", "Bearer "+token))
}

// spend makes a call with each token.
func (s *server) spend(ctx context.Context, tokens <-chan string) (done, error) {
	return s.measure(ctx, func(ctx context.Context, number int) (once func() (bool, error)) {
		return func() (bool, error) {
			token, more := <-tokens
			if !more {
				return false, nil
			}
			return true, s.overGRPC(withToken(ctx, token), number, token)
		}
	})
}

// measure calls as all callers, each until what begin returns for it has nothing more to do. The first error
// ends it.
func (s *server) measure(
	ctx context.Context, begin func(ctx context.Context, number int) (once func() (more bool, err error)),
) (done, error) {
	before, err := s.cpu()
	if err != nil {
		return done{}, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var calls atomic.Int64
	var all sync.WaitGroup
	begun := time.Now()
	for number := range callers {
		all.Go(func() {
			once := begin(ctx, number)
			for ctx.Err() == nil {
				more, err := once()
				if err != nil {
					cancel(fmt.Errorf("mode %s: %w", s.name, err))
				}
				if !more || err != nil {
					return
				}
				calls.Add(1)
			}
		})
	}
	all.Wait()
	took := time.Since(begun)
	after, err := s.cpu()
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	n := float64(calls.Load())
	return done{rate: n / took.Seconds(), cost: float64((after - before).Microseconds()) / n}, err
}
