package upstream

import (
	"context"
	"errors"
	"net"
	"sync/atomic"
)

// A wire is a connection that shows whether anything has arrived since its request began to leave.
// A response that was there before belongs to an earlier request: a server or a proxy sent two to
// that one. net/http closes a connection on which something arrives while nobody uses it. But if
// the next request gets the connection at that moment, net/http takes what arrived for the
// response.
type wire struct {
	net.Conn
	progress atomic.Int32 // of the request that uses the connection
}

// The values of progress.
const (
	taken int32 = iota // nothing of the request has left
	begun              // the first bytes of the request leave, or have left
	heard              // something has arrived since
)

// errEarly is the error of a request whose connection held a response before the request left.
var errEarly = errors.New("a response was there before the request was sent")

// A dial opens a connection.
type dial func(ctx context.Context, network, address string) (net.Conn, error)

// watched returns a dial whose connections are wires.
func watched(open dial) dial {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := open(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return &wire{Conn: conn}, nil
	}
}

// wireOf returns the wire below a connection of a transport, or nil.
func wireOf(conn net.Conn) *wire {
	for {
		switch c := conn.(type) {
		case *wire:
			return c
		case interface{ NetConn() net.Conn }: // TLS
			conn = c.NetConn()
		default:
			return nil
		}
	}
}

// take notes that another request uses the connection from now on.
func (w *wire) take() { w.progress.Store(taken) }

// hasHeard reports whether anything has arrived since the request began to leave.
func (w *wire) hasHeard() bool { return w.progress.Load() == heard }

// Write writes to the connection.
func (w *wire) Write(b []byte) (int, error) {
	w.progress.CompareAndSwap(taken, begun)
	return w.Conn.Write(b)
}

// Read reads from the connection.
func (w *wire) Read(b []byte) (int, error) {
	n, err := w.Conn.Read(b)
	if n > 0 {
		w.progress.CompareAndSwap(begun, heard)
	}
	return n, err
}
