package upstream

import (
	"context"
	"net/http/httptrace"
	"sync/atomic"
)

// trace returns a context with which the transport reports what becomes of the request.
//
// maySent is true while a byte of the request may have been sent. It is false only while the
// transport looks for a connection. net/http uses a second connection only if it wrote nothing on
// the first (see sendOnce). early is true if the connection held a response before the request
// left. The connection is then closed.
func (a *attempt) trace(ctx context.Context) context.Context {
	a.maySent.Store(true)
	var used atomic.Pointer[wire]
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn: func(string) { a.maySent.Store(false) },
		GotConn: func(got httptrace.GotConnInfo) {
			a.maySent.Store(true)
			a.early.Store(false)
			w := wireOf(got.Conn)
			if used.Store(w); w != nil {
				w.take()
			}
		},
		GotFirstResponseByte: func() {
			if w := used.Load(); w != nil && !w.hasHeard() {
				a.early.Store(true)
				_ = w.Close() // Its next response would be that to this request.
			}
		},
	})
}
