package upstream

import (
	"time"

	"github.com/drmhub/drmhub/adapters/mutation"
)

// TimeoutMistake returns what is wrong with the configured timeout of a vendor account, or "".
func TimeoutMistake(timeout time.Duration) string {
	switch {
	case timeout <= 0:
		return "must be more than 0, such as 30s"
	case timeout > mutation.MaxWriteTime:
		return "must be at most " + mutation.MaxWriteTime.String() + ": drmhub ends every write after that time"
	}
	return ""
}
