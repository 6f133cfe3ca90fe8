package journal

import (
	"testing"

	"github.com/drmhub/drmhub/adapters/mutation"
)

func TestTimesFitALongWrite(t *testing.T) {
	if maxSettling <= mutation.MaxWriteTime {
		t.Errorf("settling for %v cuts a write, which may take %v", maxSettling, mutation.MaxWriteTime)
	}
}
