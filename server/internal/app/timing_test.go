package app

import (
	"testing"

	"github.com/drmhub/drmhub/adapters/mutation"
)

func TestCallsInFlightMayEndTheirWrites(t *testing.T) {
	if graceTime <= mutation.MaxWriteTime {
		t.Errorf("the grace time %v cuts a write, which may take %v", graceTime, mutation.MaxWriteTime)
	}
}
