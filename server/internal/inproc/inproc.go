// Package inproc is a gRPC connection inside the process. It calls the registered services through
// the same interceptors as the network, without HTTP/2 and without encoding.
//
// Messages are shared. So a caller may not change its request after the call, and a handler may not
// change a message that it has returned or sent. A receiver may not change nested messages. A
// handler that sends the same rows again sends a copy.
//
// A unary handler runs in the caller's goroutine, with the caller's deadline and cancellation. A
// streaming handler runs in its own goroutine. Its context ends when the handler returns or the
// caller cancels. Outgoing metadata of the caller is incoming metadata of the handler. The
// handler's peer is the one that HTTP middleware put into the caller's context with
// peer.NewContext. Interceptors catch panics, as in a grpc.Server. Streams of requests are
// unimplemented.
package inproc

import (
	"context"
	"fmt"
	"reflect"
	"slices"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// Conn is both sides of the connection: services register on it, and clients call through it.
// Register all services before the first call. After that, Conn is safe for concurrent use.
type Conn struct {
	unary   []grpc.UnaryServerInterceptor
	stream  grpc.StreamServerInterceptor
	methods map[string]method
}

// A method is a registered RPC. Either unary or stream is set.
type method struct {
	service any
	unary   grpc.UnaryHandler // with the interceptors
	stream  *grpc.StreamDesc
}

var (
	_ grpc.ClientConnInterface = (*Conn)(nil)
	_ grpc.ServiceRegistrar    = (*Conn)(nil)
)

// New returns a connection without services. The interceptors run in this order, as with
// grpc.ChainUnaryInterceptor and grpc.ChainStreamInterceptor. Give both servers the same lists.
func New(unary []grpc.UnaryServerInterceptor, stream []grpc.StreamServerInterceptor) *Conn {
	return &Conn{unary: unary, stream: chainStream(stream), methods: map[string]method{}}
}

// RegisterService adds a service. It panics if the service is registered twice, or does not
// implement its description.
func (c *Conn) RegisterService(desc *grpc.ServiceDesc, service any) {
	if want := reflect.TypeOf(desc.HandlerType).Elem(); !reflect.TypeOf(service).Implements(want) {
		panic(fmt.Sprintf("inproc: %T registered as %s does not implement %s", service, desc.ServiceName, want))
	}
	add := func(name string, m method) {
		path := "/" + desc.ServiceName + "/" + name
		if _, ok := c.methods[path]; ok {
			panic("inproc: registered twice: " + path)
		}
		m.service = service
		c.methods[path] = m
	}
	for _, m := range desc.Methods {
		add(m.MethodName, method{unary: Chain(c.unary, m.Handler, service)})
	}
	for i := range desc.Streams {
		add(desc.Streams[i].StreamName, method{stream: &desc.Streams[i]})
	}
}

// Invoke calls a unary method. Every error is a status error. The only call options that Invoke
// supports are grpc.Header and grpc.Trailer.
func (c *Conn) Invoke(ctx context.Context, name string, in, out any, opts ...grpc.CallOption) error {
	call := &call{method: name}
	response, err := c.handle(serverContext(ctx, call), call, in)
	call.report(opts)
	if err != nil {
		return asStatus(err)
	}
	return share(out, response)
}

// Call calls a unary method by its name, for callers that do not know its response type. It returns
// the handler's own error.
func (c *Conn) Call(ctx context.Context, name string, req proto.Message) (proto.Message, error) {
	call := &call{method: name}
	response, err := c.handle(serverContext(ctx, call), call, req)
	if err != nil {
		return nil, err
	}
	return asMessage(name, response)
}

func asMessage(name string, response any) (proto.Message, error) {
	message, ok := response.(proto.Message)
	if !ok {
		return nil, status.Errorf(codes.Internal, "inproc: the handler of %s returned a %T", name, response)
	}
	return message, nil
}

// Do calls a unary method, as Call does, with the metadata that its handler gets. The context has
// no outgoing metadata. Do returns the header and the trailer in one. Every error is a status
// error.
func (c *Conn) Do(ctx context.Context, name string, md metadata.MD, req proto.Message) (
	res proto.Message, header metadata.MD, err error,
) {
	call := &call{method: name}
	response, err := c.handle(incoming(ctx, md, call), call, req)
	header, trailer := call.current()
	if len(trailer) > 0 {
		header = metadata.Join(header, trailer)
	}
	if err != nil {
		return nil, header, asStatus(err)
	}
	res, err = asMessage(name, response)
	return res, header, err
}

// handle runs a unary method and its interceptors in this context.
func (c *Conn) handle(ctx context.Context, call *call, in any) (any, error) {
	m, ok := c.methods[call.method]
	if !ok || m.unary == nil {
		return nil, unknown(call.method)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return m.unary(ctx, in)
}

// share makes dst a shallow copy of src, which shares nested messages, lists and bytes.
func share(dst, src any) error {
	to, okTo := dst.(proto.Message)
	from, okFrom := src.(proto.Message)
	if !okTo || !okFrom || to.ProtoReflect().Descriptor() != from.ProtoReflect().Descriptor() {
		return status.Errorf(codes.Internal, "inproc: the handler returned a %T, but the caller takes a %T", src, dst)
	}
	proto.Reset(to)
	d, s := to.ProtoReflect(), from.ProtoReflect()
	s.Range(func(field protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		d.Set(field, value)
		return true
	})
	if rest := s.GetUnknown(); len(rest) > 0 {
		d.SetUnknown(rest)
	}
	return nil
}

// serverContext returns the handler's context for a caller's context.
func serverContext(ctx context.Context, c *call) context.Context {
	md, ok := metadata.FromOutgoingContext(ctx)
	if !ok {
		md = metadata.MD{}
	}
	// The caller's metadata must not travel on with the service's own calls.
	return incoming(metadata.NewOutgoingContext(ctx, metadata.MD{}), md, c)
}

// incoming returns the handler's context for a caller's context and the metadata that the handler
// gets.
func incoming(ctx context.Context, md metadata.MD, c *call) context.Context {
	return grpc.NewContextWithServerTransportStream(metadata.NewIncomingContext(ctx, md), c)
}

// asStatus converts an error to the one that a gRPC client would see.
func asStatus(err error) error {
	s, ok := status.FromError(err)
	if !ok {
		s = status.FromContextError(err)
	}
	if s.Code() == codes.OK {
		const text = "inproc: the handler failed with an error whose code is OK: %s"
		return status.Errorf(codes.Internal, text, s.Message())
	}
	return s.Err()
}

func unknown(name string) error {
	return status.Errorf(codes.Unimplemented, "this server has no method %s", name)
}

// Chain returns a method with its interceptors, in the order in which they run. The generated
// handler makes the function that calls the method, and passes it to an interceptor. So the chain
// is made here once, and not for each call.
func Chain(
	interceptors []grpc.UnaryServerInterceptor, generated grpc.MethodHandler, service any,
) (chain grpc.UnaryHandler) {
	build := func(_ context.Context, _ any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
		chain = handler
		for _, next := range slices.Backward(interceptors) {
			inner := chain
			chain = func(ctx context.Context, req any) (any, error) { return next(ctx, req, info, inner) }
		}
		return nil, nil
	}
	_, _ = generated(service, context.Background(), func(any) error { return nil }, build) // It only makes the chain.
	return chain
}

func chainStream(interceptors []grpc.StreamServerInterceptor) grpc.StreamServerInterceptor {
	return func(service any, stream grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
		for _, next := range slices.Backward(interceptors) {
			inner := handler
			handler = func(service any, stream grpc.ServerStream) error { return next(service, stream, info, inner) }
		}
		return handler(service, stream)
	}
}
