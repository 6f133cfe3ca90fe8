// Package netlimit bounds what a client can hold of the server: connections, the time that a
// request body takes, and the time that an answer waits to be read.
package netlimit

import (
	"context"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// maxConnections bounds the open connections of a listener, however many descriptors there are.
	// An idle one holds some 50 KB.
	maxConnections = 4096
	// refusalPause is how long refusals are not logged again.
	refusalPause = time.Minute
)

// Connections returns how many connections each listener may have open. All listeners together take
// half of the process's file descriptors. The others are for vendors, the store and files.
func Connections(listeners int) int { return share(descriptors(), listeners) }

func share(descriptors uint64, listeners int) int {
	return max(1, int(min(maxConnections, descriptors/2/uint64(listeners))))
}

// Listener returns a listener with at most so many open connections. It closes further ones at
// once: a client that is refused can try another replica, and one that waits cannot.
func Listener(l *net.TCPListener, name string, limit int, log *slog.Logger) net.Listener {
	return &listener{TCPListener: l, name: name, limit: int64(limit), log: log}
}

type listener struct {
	*net.TCPListener
	name   string
	limit  int64
	log    *slog.Logger
	open   atomic.Int64
	logged time.Time // only Accept uses it
}

// Accept waits for a connection that may stay open.
func (l *listener) Accept() (net.Conn, error) {
	for {
		c, err := l.AcceptTCP()
		if err != nil {
			return nil, err
		}
		if l.open.Add(1) <= l.limit {
			return &conn{TCPConn: c, closed: sync.OnceFunc(func() { l.open.Add(-1) })}, nil
		}
		l.open.Add(-1)
		_ = c.SetLinger(0) // The client learns of it, and no state stays behind.
		_ = c.Close()
		if time.Since(l.logged) >= refusalPause {
			l.logged = time.Now()
			l.log.WarnContext(context.Background(), "connections are refused: too many are open",
				"listener", l.name, "limit", l.limit)
		}
	}
}

// A conn is an open connection. It keeps the methods of TCP that net/http looks for.
type conn struct {
	*net.TCPConn
	closed func()
}

// Close closes the connection, and makes room for another one.
func (c *conn) Close() error {
	defer c.closed()
	return c.TCPConn.Close()
}
