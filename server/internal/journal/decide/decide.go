// Package decide holds the rules of the journal: what a run that ended means, and what a call with
// a known request_id does. It is pure. It reads no store, and knows no time but what it is given.
//
// End is the first table and Repeat the second. Each case of their switches is a row, and the first
// row that holds decides.
package decide

import pb "github.com/drmhub/drmhub/gen/drmhub/v1"

// The stored states of a mutation, under the names of the tables.
const (
	Intended  = pb.Mutation_INTENDED
	Sent      = pb.Mutation_SENT
	Succeeded = pb.Mutation_SUCCEEDED
	Failed    = pb.Mutation_FAILED
	Unknown   = pb.Mutation_UNKNOWN
)

// Steps says which states the steps of a mutation have. A field is true if one step has that state.
type Steps struct {
	Sent, Done, Refused bool
	// Unverifiable leaves out the steps of Resend.
	Unverifiable bool
	// Resend is a step that is unverifiable, and that this run is to send again.
	Resend bool
}

// MayHaveEffect reports whether a write took effect or may have.
func (s Steps) MayHaveEffect() bool { return s.Sent || s.Done || s.isUnverifiable() }

// Attempted reports whether a write came to an outcome or may have left.
func (s Steps) Attempted() bool { return s.MayHaveEffect() || s.Refused }

// isUnverifiable reports whether a step is unverifiable, also one that this run is to send again.
func (s Steps) isUnverifiable() bool { return s.Unverifiable || s.Resend }

// A Returned says how a method ended.
type Returned int

const (
	// Response means a message and no error.
	Response Returned = iota
	// Error means an error that says what happened.
	Error
	// OutcomeUnknown means an error that leaves the outcome open.
	OutcomeUnknown
	// NoEffect means that a run without a caller found nothing that took effect, and sent nothing.
	NoEffect
	// Panic means that the method panicked.
	Panic
)

// Evidence is what is known when a run ends.
type Evidence struct {
	Returned Returned
	Steps    Steps
	// AnItemFailed says that the response is a batch's, and that an item failed. AllItemsFailed
	// says that every item failed.
	AnItemFailed, AllItemsFailed bool
	// MetRefusal says that this run sent or replayed a write that the vendor refused.
	MetRefusal bool
	// Unrecorded says that a step of this run could not be made durable. The method may have ended
	// early for that.
	Unrecorded bool
	// GivenUp says that the operator gave the mutation up, now or earlier.
	GivenUp bool
	// SentNow says that a write of this run may have reached the vendor.
	SentNow bool
	// Unsettleable says that the method marked its outcome as one that no further run can resolve.
	Unsettleable bool
}

// inDoubt reports whether a write may have taken effect without anyone knowing. A method that
// returned a response has settled the writes that it was to send again, except those of items that
// failed.
func (e Evidence) inDoubt() bool {
	return e.Steps.Sent || e.Steps.Unverifiable || e.Steps.Resend && (e.Returned != Response || e.AnItemFailed)
}

// A Told says what the caller of a run gets.
type Told int

const (
	// TellResponse is the response of the method.
	TellResponse Told = iota
	// TellError is the error of the method.
	TellError
	// TellInPart is OUTCOME_UNKNOWN: the call took effect in part, or may have.
	TellInPart
	// TellNoEffect is UNAVAILABLE: the call had no effect.
	TellNoEffect
)

// A Next says what happens to a mutation after a run.
type Next int

const (
	// Over means that the outcome is known.
	Over Next = iota
	// Settle means that another run finds out the outcome. The mutation keeps its locks.
	Settle
	// GiveUp means that the outcome stays unknown. Nobody tries again, and the locks are released.
	GiveUp
)

// A Decision is the result of End.
type Decision struct {
	State pb.Mutation_State
	Told  Told
	Next  Next
}

// End decides what a run that ended means.
func End(e Evidence) Decision {
	done, inDoubt, definite := e.Steps.Done, e.inDoubt(), e.Returned != OutcomeUnknown
	refusedOnly := !done && (e.Steps.Refused || e.AllItemsFailed)
	endedByRefusal := e.MetRefusal && !e.Unrecorded && e.Returned != Panic
	switch {
	case e.Returned == Response && (inDoubt || e.Unrecorded):
		return Decision{Unknown, TellResponse, e.next()}
	case e.Returned == Response && refusedOnly:
		return Decision{Failed, TellResponse, Over}
	case e.Returned == Response:
		return Decision{Succeeded, TellResponse, Over}

	case !definite:
		return Decision{Unknown, TellError, e.next()}
	case inDoubt:
		return Decision{Unknown, TellInPart, e.next()}
	case done && !endedByRefusal:
		return Decision{Unknown, TellInPart, e.next()}
	case e.Returned == NoEffect:
		return Decision{Failed, TellNoEffect, Over}
	default:
		return Decision{Failed, TellError, Over}
	}
}

// next decides whether another run may find out what this one left unknown.
func (e Evidence) next() Next {
	switch {
	case e.Unsettleable:
		return GiveUp
	case e.GivenUp && !e.SentNow:
		return GiveUp
	case e.Steps.isUnverifiable() && !e.Steps.Sent: // nothing is left that can be read back
		return GiveUp
	default:
		return Settle
	}
}

// IsOver reports whether the outcome of a mutation in this state is known.
func IsOver(state pb.Mutation_State) bool { return state == Succeeded || state == Failed }

// IsGivenUp reports whether a mutation stays unknown because nobody tries to settle it again.
func IsGivenUp(state pb.Mutation_State, toBeSettled bool) bool {
	return state == Unknown && !toBeSettled
}
