package inproc

import (
	"errors"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
)

// call holds what a handler says in headers and trailers. It is the grpc.ServerTransportStream in
// the handler's context, so that grpc.SetHeader, grpc.SetTrailer and grpc.Method work there.
type call struct {
	method string
	sent   chan struct{} // closed when a stream's header is on its way; nil for unary calls

	mu              sync.Mutex
	header, trailer metadata.MD
	headerSent      bool
}

var errHeaderSent = errors.New("inproc: the header has been sent already")

// Method is the full name of the method, "/package.Service/Method".
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

// flush sends the header, if that is still to be done.
func (c *call) flush() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.headerSent && c.sent != nil {
		close(c.sent)
	}
	c.headerSent = true
}

// said is what was said so far; the maps are never changed again, since every addition makes new
// ones.
func (c *call) said() (header, trailer metadata.MD) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.header, c.trailer
}

// report fills the addresses that the caller gave with grpc.Header and grpc.Trailer.
func (c *call) report(opts []grpc.CallOption) {
	header, trailer := c.said()
	for _, o := range opts {
		switch o := o.(type) {
		case grpc.HeaderCallOption:
			*o.HeaderAddr = header
		case grpc.TrailerCallOption:
			*o.TrailerAddr = trailer
		}
	}
}
