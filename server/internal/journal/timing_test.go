package journal

import (
	"testing"

	"github.com/drmhub/drmhub/adapters/mutation"
)

func TestTimesFitALongWrite(t *testing.T) {
	if maxSettling <= mutation.MaxWriteTime {
		t.Errorf("settling for %v cuts a write, which may take %v", maxSettling, mutation.MaxWriteTime)
	}
	// The store's tests hold a transaction below MaxWriteTime, so a late commit outlasts it.
	if maxCommitDelay < mutation.MaxWriteTime {
		t.Errorf("a late commit is awaited for %v, less than the %v of a write", maxCommitDelay, mutation.MaxWriteTime)
	}
}
