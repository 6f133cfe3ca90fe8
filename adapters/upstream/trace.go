package upstream

import (
	"context"
	"net/http/httptrace"
	"sync/atomic"
)

// trackBytesSent keeps maySent true while a byte of the request may have been sent. It is false only
// while the transport looks for a connection. net/http uses a second connection only if it wrote
// nothing on the first (see sendOnce). If the connection held a response before the request left,
// trackBytesSent sets early, and closes the connection.
func (a *attempt) trackBytesSent(ctx context.Context) context.Context {
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
