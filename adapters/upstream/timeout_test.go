package upstream_test

import (
	"testing"
	"time"

	"github.com/drmhub/drmhub/adapters/mutation"
	"github.com/drmhub/drmhub/adapters/upstream"
)

func TestTimeoutMistake(t *testing.T) {
	for timeout, accepted := range map[time.Duration]bool{
		-time.Second: false, 0: false, time.Millisecond: true,
		mutation.MaxWriteTime: true, mutation.MaxWriteTime + 1: false, 5 * time.Minute: false,
	} {
		if mistake := upstream.TimeoutMistake(timeout); (mistake == "") != accepted {
			t.Errorf("%v: %q, want accepted %v", timeout, mistake, accepted)
		}
	}
}
