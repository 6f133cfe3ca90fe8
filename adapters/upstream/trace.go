package upstream

import (
	"context"
	"net/http/httptrace"
)

// trackBytesSent keeps maySent true while a byte of the request may have been sent. It is false only
// while the transport looks for a connection. net/http uses a second connection only if it wrote
// nothing on the first (see sendOnce).
func (a *attempt) trackBytesSent(ctx context.Context) context.Context {
	a.maySent.Store(true)
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn: func(string) { a.maySent.Store(false) },
		GotConn: func(httptrace.GotConnInfo) { a.maySent.Store(true) },
	})
}
