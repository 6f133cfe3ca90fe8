package memory_test

import (
	"testing"

	"github.com/drmhub/drmhub/adapters/adaptertest"
	"github.com/drmhub/drmhub/adapters/adaptertest/memory"
	"github.com/drmhub/drmhub/adapters/secret"
)

func TestConformance(t *testing.T) {
	adaptertest.Run(t, func(*testing.T) adaptertest.Harness {
		return memory.Harness(memory.NewVendor("acme", secret.New("a key of the vendor")))
	})
}
