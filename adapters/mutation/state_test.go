package mutation_test

import (
	"testing"

	"github.com/drmhub/drmhub/adapters/mutation"
)

// The journal stores these numbers: another one would change what its old records say.
func TestPersistedStatesKeepTheirNumbers(t *testing.T) {
	for state, number := range map[mutation.State]int{
		mutation.NotSent: 0, mutation.Sent: 1, mutation.Done: 2,
		mutation.Refused: 3, mutation.Unverifiable: 4, mutation.Snapshotted: 5,
	} {
		if int(state) != number {
			t.Errorf("a state that was stored as %d is now %d", number, state)
		}
	}
}
