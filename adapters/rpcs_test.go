package adapters

import (
	"path"
	"testing"
)

func TestEachCapabilityIsTheMethodOfItsRPC(t *testing.T) {
	named := map[string]bool{}
	for capability, rpc := range rpcs {
		if capability.NumMethod() != 1 || capability.Method(0).Name != path.Base(rpc) {
			t.Errorf("%s is not the method of %s alone", capability, rpc)
		}
		if named[rpc] {
			t.Errorf("%s has two capabilities", rpc)
		}
		named[rpc] = true
	}
}
