package memory_test

import (
	"reflect"
	"testing"

	"github.com/drmhub/drmhub/adapters/adaptertest"
	"github.com/drmhub/drmhub/adapters/adaptertest/memory"
	"github.com/drmhub/drmhub/adapters/secret"
)

// TestConformance runs every promise. The suite skips those of calls that an adapter does not have.
func TestConformance(t *testing.T) {
	for _, p := range adaptertest.Promises() {
		for _, rpc := range p.Needs {
			if !reflect.ValueOf(&memory.Adapter{}).MethodByName(rpc).IsValid() {
				t.Errorf("the reference adapter has no %s, which %q needs", rpc, p.Name)
			}
		}
	}
	adaptertest.Run(t, func(*testing.T) adaptertest.Harness {
		return memory.Harness(memory.NewVendor("acme/kr", secret.New("a key of the vendor")))
	})
}
