package inproc

import (
	"context"
	"io"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

// NewStream prepares a call with one request and a stream of responses. SendMsg starts the handler.
// As with every gRPC stream, the caller reads to the end or cancels the context.
func (c *Conn) NewStream(
	ctx context.Context, desc *grpc.StreamDesc, name string, opts ...grpc.CallOption,
) (grpc.ClientStream, error) {
	m, ok := c.methods[name]
	if !ok || m.stream == nil {
		return nil, unknown(name)
	}
	if desc.ClientStreams || m.stream.ClientStreams {
		const text = "%s takes a stream of requests, which inproc does not support"
		return nil, status.Errorf(codes.Unimplemented, text, name)
	}
	if err := ctx.Err(); err != nil {
		return nil, asStatus(err)
	}
	s := &clientStream{
		ctx: ctx, opts: opts,
		call: &call{method: name, sent: make(chan struct{})},
		rows: make(chan proto.Message),
		done: make(chan struct{}),
	}
	s.start = func(request proto.Message) {
		ctx, cancel := context.WithCancel(serverContext(ctx, s.call))
		server := &serverStream{call: s.call, ctx: ctx, request: request, rows: s.rows}
		info := &grpc.StreamServerInfo{FullMethod: name, IsServerStream: true}
		go func() {
			s.err = io.EOF
			if err := c.stream(m.service, server, info, m.stream.Handler); err != nil {
				s.err = asStatus(err)
			}
			s.call.flush()
			cancel()
			close(s.done)
		}()
	}
	return s, nil
}

// clientStream is the caller's side. Only Header, Context and CloseSend are safe for concurrent
// use.
type clientStream struct {
	ctx   context.Context
	opts  []grpc.CallOption
	call  *call
	start func(request proto.Message) // nil once the handler runs
	// rows is unbuffered: the caller takes a row before the handler continues.
	rows chan proto.Message
	done chan struct{} // closed when the handler has returned
	err  error         // how the handler ended; valid once done is closed
	end  error         // how the stream ended for the caller, or nil
}

func (s *clientStream) Context() context.Context { return s.ctx }

// CloseSend does nothing, since there is only one request.
func (s *clientStream) CloseSend() error { return nil }

func (s *clientStream) SendMsg(m any) error {
	request, ok := m.(proto.Message)
	if !ok {
		return status.Errorf(codes.Internal, "inproc: %T is not a protobuf message", m)
	}
	if s.start == nil {
		return status.Errorf(codes.Internal, "inproc: %s takes one request", s.call.method)
	}
	s.start(request)
	s.start = nil
	return nil
}

func (s *clientStream) RecvMsg(m any) error {
	if s.end != nil {
		return s.end
	}
	select {
	case row := <-s.rows:
		return share(m, row)
	case <-s.done:
		return s.finish(s.err)
	case <-s.ctx.Done(): // The handler may ignore it.
	}
	select {
	case <-s.done:
		return s.finish(s.err)
	default:
		return s.finish(asStatus(s.ctx.Err()))
	}
}

// finish ends the stream. RecvMsg returns err from now on.
func (s *clientStream) finish(err error) error {
	s.end = err
	s.call.report(s.opts)
	return err
}

// Header blocks until the handler's header is sent, at the latest with the first row or at the end.
func (s *clientStream) Header() (metadata.MD, error) {
	select {
	case <-s.call.sent:
	case <-s.ctx.Done():
		select {
		case <-s.call.sent:
		default:
			return nil, asStatus(s.ctx.Err())
		}
	}
	header, _ := s.call.current()
	return header, nil
}

func (s *clientStream) Trailer() metadata.MD {
	_, trailer := s.call.current()
	return trailer
}

// serverStream is the handler's side.
type serverStream struct {
	call    *call
	ctx     context.Context
	request proto.Message // nil once received
	rows    chan<- proto.Message
}

func (s *serverStream) Context() context.Context        { return s.ctx }
func (s *serverStream) SetHeader(md metadata.MD) error  { return s.call.SetHeader(md) }
func (s *serverStream) SendHeader(md metadata.MD) error { return s.call.SendHeader(md) }
func (s *serverStream) SetTrailer(md metadata.MD)       { _ = s.call.SetTrailer(md) } // It never fails.

func (s *serverStream) RecvMsg(m any) error {
	if s.request == nil {
		return io.EOF
	}
	request := s.request
	s.request = nil
	return share(m, request)
}

// SendMsg blocks until the caller takes the row or leaves.
func (s *serverStream) SendMsg(m any) error {
	row, ok := m.(proto.Message)
	if !ok {
		return status.Errorf(codes.Internal, "inproc: %T is not a protobuf message", m)
	}
	if err := s.ctx.Err(); err != nil {
		return asStatus(err)
	}
	s.call.flush()
	select {
	case s.rows <- row:
		return nil
	case <-s.ctx.Done():
		return asStatus(s.ctx.Err())
	}
}
