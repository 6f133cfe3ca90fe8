package app

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	reflectionpb "google.golang.org/grpc/reflection/grpc_reflection_v1"

	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/contract"
)

// A callKind says how a stop waits for a call.
type callKind int

const (
	watching callKind = iota // a stream without an end of its own
	reading                  // a call that changes nothing
	changing                 // a call that may change something at a vendor
	kinds
)

// watches are the streams that have no end of their own.
var watches = []string{
	healthpb.Health_Watch_FullMethodName,
	reflectionpb.ServerReflection_ServerReflectionInfo_FullMethodName,
	"/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
}

// kindOf returns the kind of a call. A dry run only reads.
func kindOf(method string, req any) callKind {
	dry, ok := req.(interface{ GetValidateOnly() bool })
	rpc := contract.Lookup(method)
	switch {
	case rpc == nil && slices.Contains(watches, method):
		return watching
	case rpc != nil && strings.HasSuffix(rpc.Scope, ":write") && (!ok || !dry.GetValidateOnly()):
		return changing
	}
	return reading
}

// errStops is the error of a call that a stop ends.
var errStops = func() error {
	e := apierror.New(codes.Unavailable, pb.ErrorReason_INTERNAL_FAILURE, "the call ended, since the server stops: "+
		"connect again, and repeat the call. Continue a stream with the page_token of its last message")
	e.RetryAfter = time.Second
	return e
}()

// A drain holds the calls in flight over both faces, and ends them when the server stops.
type drain struct {
	requests atomic.Int64    // over HTTP
	bodies   context.Context // ends when requests over HTTP must have come
	endReads context.CancelCauseFunc

	mu    sync.Mutex
	calls [kinds]map[*flight]struct{}
	ended [kinds]bool
}

// A flight is a call in flight. It ends early by its cancel.
type flight struct {
	drain  *drain
	kind   callKind
	cancel context.CancelCauseFunc
}

func newDrain() *drain {
	d := &drain{}
	d.bodies, d.endReads = context.WithCancelCause(context.Background())
	for k := range d.calls {
		d.calls[k] = map[*flight]struct{}{}
	}
	return d
}

// begin adds a call, whose context ends when calls of its kind are to end.
func (d *drain) begin(ctx context.Context, k callKind) (context.Context, *flight) {
	ctx, cancel := context.WithCancelCause(ctx)
	c := &flight{d, k, cancel}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.calls[k][c] = struct{}{}
	if d.ended[k] {
		cancel(errStops)
	}
	return ctx, c
}

// end removes a call that has ended.
func (c *flight) end() {
	c.drain.mu.Lock()
	delete(c.drain.calls[c.kind], c)
	c.drain.mu.Unlock()
	c.cancel(nil)
}

// end ends the calls of a kind, and those that begin later. It returns how many it ends.
func (d *drain) end(k callKind) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.ended[k] = true
	for c := range d.calls[k] {
		c.cancel(errStops)
	}
	return len(d.calls[k])
}

// count returns how many calls of a kind are in flight.
func (d *drain) count(k callKind) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.calls[k])
}

// told returns the error that the caller gets. What ends because of a stop says so.
func told(ctx context.Context, err error) error {
	if err != nil && context.Cause(ctx) == errStops { //nolint:errorlint // It is that very error.
		return errStops
	}
	return err
}

// unary is the interceptor of unary calls.
func (d *drain) unary(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	ctx, one := d.begin(ctx, kindOf(info.FullMethod, req))
	defer one.end()
	res, err := next(ctx, req)
	return res, told(ctx, err)
}

// stream is the interceptor of streams. What sends messages comes after it.
func (d *drain) stream(srv any, s grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler) error {
	ctx, one := d.begin(s.Context(), kindOf(info.FullMethod, nil))
	defer one.end()
	return told(ctx, next(srv, endable{s, ctx}))
}

// An endable stream ends with a context of its own.
type endable struct {
	grpc.ServerStream
	ctx context.Context
}

// Context returns the context that ends the stream.
func (s endable) Context() context.Context { return s.ctx }

// RecvMsg blocks until a request comes or the context ends. Once the method returns, gRPC ends the
// RecvMsg that still blocks.
func (s endable) RecvMsg(m any) error {
	received := make(chan error, 1)
	go func() { received <- s.ServerStream.RecvMsg(m) }()
	select {
	case err := <-received:
		return err
	case <-s.ctx.Done():
	}
	if s.ServerStream.Context().Err() != nil { // gRPC ends RecvMsg too, and says if it refused the request.
		return <-received
	}
	return context.Cause(s.ctx)
}

// http counts the requests in flight.
func (d *drain) http(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d.requests.Add(1)
		defer d.requests.Add(-1)
		next.ServeHTTP(w, r)
	})
}
