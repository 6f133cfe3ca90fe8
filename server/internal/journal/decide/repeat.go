package decide

import pb "github.com/drmhub/drmhub/gen/drmhub/v1"

// Known is the mutation whose request_id came again. No living replica runs it, unless it
// succeeded.
type Known struct {
	State pb.Mutation_State
	Steps Steps
	// HasResponse says that the record holds a response. A failed batch has one.
	HasResponse bool
	// Retryable says that the recorded error lies in the moment and not in the request.
	Retryable bool
	// EndedMeanwhile says that the mutation ended while this call waited for it.
	EndedMeanwhile bool
}

// A Resume says what a call with a known request_id does.
type Resume int

const (
	// Replay returns the recorded outcome.
	Replay Resume = iota
	// Run runs the method again on the recorded steps.
	Run
	// Reopen moves the mutation back from FAILED, and then runs its method again.
	Reopen
)

// Repeat decides what a call with a known request_id does.
func Repeat(k Known) Resume {
	switch {
	case k.State == Succeeded:
		return Replay
	case k.State != Failed: // nobody knows the outcome yet
		return Run
	case k.HasResponse: // a batch, each of whose items failed
		return Replay
	case k.Steps.Done: // the call ended otherwise than asked
		return Replay
	case k.Steps.Refused && !k.Retryable: // the vendor would refuse it again
		return Replay
	case k.EndedMeanwhile: // this call would only repeat what just failed
		return Replay
	default: // it had no effect, for a passing reason
		return Reopen
	}
}

// Reopened returns the state that a mutation is reopened to. With keepEffects, the steps that took
// effect or may have are kept, and the snapshots with them. Otherwise every step is deleted, since
// the method begins afresh.
func Reopened(s Steps) (state pb.Mutation_State, keepEffects bool) {
	if s.Done || s.isUnverifiable() {
		return Unknown, true
	}
	return Intended, false
}
