package mutation

import "time"

// MaxWriteTime bounds one vendor write, from the start of Send to its end. A vendor account's
// timeout may not exceed it. The server's longer times build on it: how long a stop waits, how long
// a settling run may take, and when a write is known to be over.
const MaxWriteTime = time.Minute
