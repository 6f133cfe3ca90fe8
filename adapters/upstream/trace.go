package upstream

import (
	"context"
	"net/http/httptrace"
	"sync/atomic"
)

// watch lets may report whether a byte of the request may have been sent. It is so until the
// transport says that it looks for a connection, and again from the moment it has one: between the
// two nothing can have been sent, not even where it looks for a second connection, since net/http
// sends a write on another one only if it wrote nothing on the first (see sendOnce).
func trackBytesSent(ctx context.Context, may *atomic.Bool) context.Context {
	may.Store(true)
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn: func(string) { may.Store(false) },
		GotConn: func(httptrace.GotConnInfo) { may.Store(true) },
	})
}
