package telemetry

import (
	"context"
	"errors"
	"io"
	"slices"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/server/internal/contract"
	"github.com/drmhub/drmhub/server/internal/rpcerror"
	"github.com/drmhub/drmhub/server/internal/serverstream"
)

// Unary is the interceptor of unary calls. It is the outermost, so that it sees the error that the
// caller gets. A nil Calls observes nothing.
func (c *Calls) Unary(
	ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler,
) (any, error) {
	if c == nil {
		return handler(ctx, req)
	}
	one := callOf(ctx)
	if one == nil {
		ctx, one = c.beginGRPC(ctx, info.FullMethod)
	}
	one.noteRequest(req)
	ctx = one.startSpan(ctx)
	res, err := handler(ctx, req)
	one.end(ctx, err)
	return res, err
}

// Stream is the interceptor of streams.
func (c *Calls) Stream(
	srv any, to grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler,
) error {
	if c == nil {
		return handler(srv, to)
	}
	ctx := to.Context()
	one := callOf(ctx)
	if one == nil {
		ctx, one = c.beginGRPC(ctx, info.FullMethod)
	}
	if c.options.Identify != nil && one.method.rpc != nil {
		ctx = c.options.Identify(ctx)
	}
	ctx = one.startSpan(ctx)
	s := &stream{ServerStream: serverstream.WithContext(ctx, to)}
	err := handler(srv, s)
	request, failure := s.received()
	if one.method.rpc != nil && request != nil { // Health and reflection name no resource.
		one.noteRequest(request)
	}
	if one.method.rpc != nil && one.face == GRPC && failure != nil {
		err = failure
	}
	one.end(ctx, err)
	return err
}

// A stream notes the request of its call. RecvMsg may still run when the method has returned.
type stream struct {
	grpc.ServerStream

	mu      sync.Mutex
	request any
	failure error
}

// RecvMsg receives a request. gRPC has already sent the status of one that it refuses.
func (s *stream) RecvMsg(m any) error {
	err := rpcerror.Received(s.ServerStream.RecvMsg(m))
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil {
		s.request = m
	} else if !errors.Is(err, io.EOF) {
		s.failure = err
	}
	return err
}

// received returns the request, or the error that came instead.
func (s *stream) received() (request any, failure error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.request, s.failure
}

// beginGRPC begins a call over gRPC, and gives its response the request id.
func (c *Calls) beginGRPC(ctx context.Context, method string) (context.Context, *call) {
	at, counted := c.takeArrival(ctx)
	ctx, one := c.begin(ctx, method, GRPC, requestIDOf(ctx), at)
	one.ended = counted                                          // It ends once.
	_ = grpc.SetHeader(ctx, metadata.MD{requestIDKey: {one.id}}) // It fails after the header is sent.
	return ctx, one
}

// Early returns r with an addition: a unary call begins before its caller is identified, so that
// this time counts too. The interceptors must have Unary.
func (c *Calls) Early(r grpc.ServiceRegistrar) grpc.ServiceRegistrar { return early{r, c} }

type early struct {
	grpc.ServiceRegistrar
	calls *Calls
}

// RegisterService registers a service.
func (e early) RegisterService(desc *grpc.ServiceDesc, service any) {
	d := *desc
	d.Methods = slices.Clone(desc.Methods)
	for i, m := range d.Methods {
		full := "/" + desc.ServiceName + "/" + m.MethodName
		d.Methods[i].Handler = func(
			service any, ctx context.Context, decode func(any) error, chain grpc.UnaryServerInterceptor,
		) (any, error) {
			ctx, one := e.calls.beginGRPC(ctx, full)
			receive := func(req any) error { return rpcerror.Received(decode(req)) }
			res, err := m.Handler(service, ctx, receive, chain)
			one.end(ctx, err) // for what no interceptor has seen
			return res, err
		}
	}
	e.ServiceRegistrar.RegisterService(&d, service)
}

// BeginREST begins a call over REST before its request is read. method is its full name, or "" for
// a method that drmhub does not have. resource is the name in the path, or "". The returned context
// has the call, which ends in the interceptors, or by Fail before.
func BeginREST(ctx context.Context, method, resource string) context.Context {
	r := requestOf(ctx)
	if r.calls == nil {
		return ctx
	}
	ctx, one := r.calls.begin(ctx, method, REST, r.id, time.Now())
	one.remote = r.remote
	one.vendor = r.calls.vendorIn(resource)
	one.resource = contract.Recorded(resource)
	return ctx
}

// Fail ends the call of a context that is refused before its interceptors run. It does nothing to a
// call that has ended, and without a call.
func Fail(ctx context.Context, err error) {
	one := callOf(ctx)
	if one == nil || one.ended {
		return
	}
	streams := one.method.rpc != nil && one.method.rpc.Method.IsStreamingServer()
	if code := apierror.Convert(err).Code; code == codes.Unauthenticated || streams && isCallers(code) {
		one.vendor, one.resource = "", "" // Over gRPC, the request is not read.
	}
	one.end(one.startSpan(ctx), err)
}

// isCallers reports whether a code says that a caller may not call, or calls too fast.
func isCallers(code codes.Code) bool {
	return code == codes.PermissionDenied || code == codes.ResourceExhausted
}
