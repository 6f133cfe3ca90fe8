package records

import (
	"testing"
	"time"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// A store that another version has written holds these numbers.
func TestStoredStates(t *testing.T) {
	t.Parallel()
	for state, stored := range map[pb.Mutation_State]int64{
		pb.Mutation_INTENDED: 1, pb.Mutation_SENT: 2, pb.Mutation_UNKNOWN: 5,
		pb.Mutation_SUCCEEDED: 3, pb.Mutation_FAILED: 4,
	} {
		if int64(state) != stored {
			t.Errorf("%v is stored as %d, want %d", state, state, stored)
		}
	}
	r := New(nil, func(int64) time.Duration { return 0 })
	want := "CASE WHEN state = 2 AND " + r.unowned() + " THEN 5 ELSE state END"
	if got := r.stateNow(); got != want {
		t.Errorf("the state now is %q, want %q", got, want)
	}
}
