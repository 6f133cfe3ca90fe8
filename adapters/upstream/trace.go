package upstream

import (
	"context"
	"net/http/httptrace"
	"sync/atomic"
)

// trackBytesSent keeps may true while a byte of the request may have been sent. It is false only
// while the transport looks for a connection. net/http uses a second connection only if it wrote
// nothing on the first (see sendOnce).
func trackBytesSent(ctx context.Context, may *atomic.Bool) context.Context {
	may.Store(true)
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn: func(string) { may.Store(false) },
		GotConn: func(httptrace.GotConnInfo) { may.Store(true) },
	})
}
