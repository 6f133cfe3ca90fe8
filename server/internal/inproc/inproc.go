// Package inproc is a gRPC connection inside the process: it calls the registered services through
// the same interceptors as the network, without a second HTTP/2 stack and without encoding
// anything.
//
// Messages are shared, not copied. The rule that follows: who calls gives the request away, who
// answers or sends gives the message away, and who receives one does not change what it refers to.
// A handler that wants to send the same rows again sends a copy.
//
// A unary handler runs in the caller's goroutine, with the caller's deadline and cancellation; a
// streaming one in a goroutine of its own, whose context ends when the handler returns or the
// caller cancels. Outgoing metadata of the caller is incoming metadata of the handler, and the
// handler's peer is what HTTP middleware put into the caller's context with peer.NewContext. Panics
// are left to the interceptors, as in a grpc.Server. Streams of requests are not served.
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

// Conn is both sides at once: services register on it, clients call through it. Register everything
// before the first call; after that it is safe for concurrent use.
type Conn struct {
	unary   grpc.UnaryServerInterceptor
	stream  grpc.StreamServerInterceptor
	methods map[string]method
}

// method is one registered RPC; either unary or stream is set.
type method struct {
	service any
	unary   grpc.MethodHandler
	stream  *grpc.StreamDesc
}

var (
	_ grpc.ClientConnInterface = (*Conn)(nil)
	_ grpc.ServiceRegistrar    = (*Conn)(nil)
)

// New makes a connection without services. The interceptors run in the order given, as with
// grpc.ChainUnaryInterceptor and grpc.ChainStreamInterceptor: give both servers the same lists.
func New(unary []grpc.UnaryServerInterceptor, stream []grpc.StreamServerInterceptor) *Conn {
	return &Conn{unary: chainUnary(unary), stream: chainStream(stream), methods: map[string]method{}}
}

// RegisterService adds a service. It panics where the program is wrong: a service that is
// registered twice or does not implement its own description.
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

// Invoke calls a unary method, here and now. Every error is a status error. Of the call options it
// heeds grpc.Header and grpc.Trailer.
func (c *Conn) Invoke(ctx context.Context, name string, in, out any, opts ...grpc.CallOption) error {
	call := &call{method: name}
	answer, err := c.call(ctx, call, in)
	call.report(opts)
	if err != nil {
		return asStatus(err)
	}
	return share(out, answer)
}

// Call calls a unary method whose messages are known by its name alone. Errors come as the handler
// made them.
func (c *Conn) Call(ctx context.Context, name string, req proto.Message) (proto.Message, error) {
	answer, err := c.call(ctx, &call{method: name}, req)
	if err != nil {
		return nil, err
	}
	message, ok := answer.(proto.Message)
	if !ok {
		return nil, status.Errorf(codes.Internal, "inproc: the handler of %s gave a %T", name, answer)
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
	// The generated handler allocates an empty request and has it decoded; the caller's own goes in
	// its place.
	decode := func(any) error { return nil }
	intercept := func(ctx context.Context, _ any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
		return c.unary(ctx, in, info, handler)
	}
	return m.unary(m.service, serverContext(ctx, call), decode, intercept)
}

// share makes dst a shallow copy of src: nested messages, lists and bytes are the same ones.
func share(dst, src any) error {
	to, okTo := dst.(proto.Message)
	from, okFrom := src.(proto.Message)
	if !okTo || !okFrom || to.ProtoReflect().Descriptor() != from.ProtoReflect().Descriptor() {
		return status.Errorf(codes.Internal, "inproc: the handler gave a %T where the caller takes a %T", src, dst)
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

// serverContext is the handler's view of the caller's context.
func serverContext(ctx context.Context, c *call) context.Context {
	md, ok := metadata.FromOutgoingContext(ctx)
	if !ok {
		md = metadata.MD{}
	}
	// What the caller sends to this service must not travel on with the calls that the service
	// itself makes.
	ctx = metadata.NewOutgoingContext(metadata.NewIncomingContext(ctx, md), metadata.MD{})
	return grpc.NewContextWithServerTransportStream(ctx, c)
}

// asStatus makes any error what a gRPC client would see.
func asStatus(err error) error {
	s, ok := status.FromError(err)
	if !ok {
		s = status.FromContextError(err)
	}
	if s.Code() == codes.OK {
		return status.Errorf(codes.Internal, "inproc: the handler failed with an error whose code is OK: %s", s.Message())
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
