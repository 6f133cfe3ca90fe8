package upstream

import (
	"context"
	"net/http/httptrace"
	"sync/atomic"
)

// trackBytesSent sets may to whether a byte of the request may have been sent. That is false only
// while the transport looks for a connection. It also holds for a second connection: net/http uses
// one only if it wrote nothing on the first (see sendOnce).
func trackBytesSent(ctx context.Context, may *atomic.Bool) context.Context {
	may.Store(true)
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn: func(string) { may.Store(false) },
		GotConn: func(httptrace.GotConnInfo) { may.Store(true) },
	})
}
