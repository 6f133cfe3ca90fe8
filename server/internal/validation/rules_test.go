package validation_test

import (
	"errors"
	"testing"

	"buf.build/go/protovalidate"

	"github.com/drmhub/drmhub/server/internal/contract"
)

// TestEveryRuleCompiles compiles the rules of every request, since a server does so only at the
// first request.
func TestEveryRuleCompiles(t *testing.T) {
	rules, err := protovalidate.New()
	if err != nil {
		t.Fatal(err)
	}
	for _, rpc := range contract.RPCs() {
		var broken *protovalidate.ValidationError
		if err := rules.Validate(rpc.NewRequest()); err != nil && !errors.As(err, &broken) {
			t.Errorf("%s: %v", rpc.Name, err)
		}
	}
}
