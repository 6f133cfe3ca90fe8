// Package inproc is a gRPC connection inside the process. It calls the registered services through the
// same interceptors as the network, without HTTP/2 and without encoding.
//
// Messages are shared. So a caller may not change its request after the call, and a handler may not
// change a message that it has returned or sent. A receiver may not change nested messages. A handler
// that sends the same rows again sends a copy.
//
// A unary handler runs in the caller's goroutine, with the caller's deadline and cancellation. A
// streaming handler runs in its own goroutine. Its context ends when the handler returns or the caller
// cancels. Outgoing metadata of the caller is incoming metadata of the handler. The handler's peer is
// the one that HTTP middleware put into the caller's context with peer.NewContext. Interceptors catch
// panics, as in a grpc.Server. Streams of requests are unimplemented.
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

// Conn is both sides of the connection: services register on it, and clients call through it. Register
// all services before the first call. After that, Conn is safe for concurrent use.
type Conn struct {
	unary   grpc.UnaryServerInterceptor
	stream  grpc.StreamServerInterceptor
	methods map[string]method
}

// A method is a registered RPC. Either unary or stream is set.
type method struct {
	service any
	unary   grpc.MethodHandler
	stream  *grpc.StreamDesc
}

var (
	_ grpc.ClientConnInterface = (*Conn)(nil)
	_ grpc.ServiceRegistrar    = (*Conn)(nil)
)

// New returns a connection without services. The interceptors run in this order, as with
// grpc.ChainUnaryInterceptor and grpc.ChainStreamInterceptor. Give both servers the same lists.
func New(unary []grpc.UnaryServerInterceptor, stream []grpc.StreamServerInterceptor) *Conn {
	return &Conn{unary: chainUnary(unary), stream: chainStream(stream), methods: map[string]method{}}
}

// RegisterService adds a service. It panics if the service is registered twice, or does not implement
// its description.
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
		add(m.MethodName, method{unary: m.Handler})
	}
	for i := range desc.Streams {
		add(desc.Streams[i].StreamName, method{stream: &desc.Streams[i]})
	}
}

// Invoke calls a unary method. Every error is a status error. The only call options that Invoke supports
// are grpc.Header and grpc.Trailer.
func (c *Conn) Invoke(ctx context.Context, name string, in, out any, opts ...grpc.CallOption) error {
	call := &call{method: name}
	answer, err := c.call(ctx, call, in)
	call.report(opts)
	if err != nil {
		return asStatus(err)
	}
	return share(out, answer)
}

// Call calls a unary method by its name, for callers that do not know its response type. It returns the
// handler's own error.
func (c *Conn) Call(ctx context.Context, name string, req proto.Message) (proto.Message, error) {
	answer, err := c.call(ctx, &call{method: name}, req)
	if err != nil {
		return nil, err
	}
	message, ok := answer.(proto.Message)
	if !ok {
		return nil, status.Errorf(codes.Internal, "inproc: the handler of %s returned a %T", name, answer)
	}
	return message, nil
}

func (c *Conn) call(ctx context.Context, call *call, in any) (any, error) {
	m, ok := c.methods[call.method]
	if !ok || m.unary == nil {
		return nil, unknown(call.method)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	// The generated handler allocates an empty request. The caller's request replaces it.
	decode := func(any) error { return nil }
	intercept := func(ctx context.Context, _ any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
		return c.unary(ctx, in, info, handler)
	}
	return m.unary(m.service, serverContext(ctx, call), decode, intercept)
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
	ctx = metadata.NewOutgoingContext(metadata.NewIncomingContext(ctx, md), metadata.MD{})
	return grpc.NewContextWithServerTransportStream(ctx, c)
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

func chainUnary(interceptors []grpc.UnaryServerInterceptor) grpc.UnaryServerInterceptor {
	return func(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
		for _, next := range slices.Backward(interceptors) {
			inner := handler
			handler = func(ctx context.Context, req any) (any, error) { return next(ctx, req, info, inner) }
		}
		return handler(ctx, req)
	}
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
