package inproc

import (
	"errors"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
)

// A call holds the headers and trailers that a handler sets. It is the grpc.ServerTransportStream
// in the handler's context, so that grpc.SetHeader, grpc.SetTrailer and grpc.Method work there.
type call struct {
	method string
	sent   chan struct{} // closed once a stream's header is sent; nil for unary calls

	mu              sync.Mutex
	header, trailer metadata.MD
	headerSent      bool
}

var errHeaderSent = errors.New("inproc: the header was sent already")

// Method returns the full name of the method, "/package.Service/Method".
func (c *call) Method() string { return c.method }

// SetHeader adds to the header until it is sent.
func (c *call) SetHeader(md metadata.MD) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.headerSent {
		return errHeaderSent
	}
	c.header = metadata.Join(c.header, md)
	return nil
}

// SendHeader adds to the header and sends it.
func (c *call) SendHeader(md metadata.MD) error {
	if err := c.SetHeader(md); err != nil {
		return err
	}
	c.flush()
	return nil
}

// SetTrailer adds to the trailer.
func (c *call) SetTrailer(md metadata.MD) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.trailer = metadata.Join(c.trailer, md)
	return nil
}

// flush sends the header, unless it was sent.
func (c *call) flush() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.headerSent && c.sent != nil {
		close(c.sent)
	}
	c.headerSent = true
}

// current returns the header and the trailer so far. Nobody changes these maps: each addition makes
// a new one.
func (c *call) current() (header, trailer metadata.MD) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.header, c.trailer
}

// report fills the addresses in the caller's options grpc.Header and grpc.Trailer.
func (c *call) report(opts []grpc.CallOption) {
	header, trailer := c.current()
	for _, o := range opts {
		switch o := o.(type) {
		case grpc.HeaderCallOption:
			*o.HeaderAddr = header
		case grpc.TrailerCallOption:
			*o.TrailerAddr = trailer
		}
	}
}
