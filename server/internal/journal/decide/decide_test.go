package decide_test

import (
	"testing"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/journal/decide"
)

// The sets of steps of the tables.
var (
	none                = decide.Steps{}
	done                = decide.Steps{Done: true}
	refused             = decide.Steps{Refused: true}
	sent                = decide.Steps{Sent: true}
	unverifiable        = decide.Steps{Unverifiable: true}
	resend              = decide.Steps{Resend: true}
	sentAndUnverifiable = decide.Steps{Sent: true, Unverifiable: true}
	doneRefused         = decide.Steps{Done: true, Refused: true}
	doneAndSent         = decide.Steps{Done: true, Sent: true}
	doneAndRetry        = decide.Steps{Done: true, Resend: true}
)

// TestEnd has a row for every row of the table of a run that ended.
func TestEnd(t *testing.T) {
	t.Parallel()
	const (
		succeeded, failed, unknown = decide.Succeeded, decide.Failed, decide.Unknown
		response, theError         = decide.TellResponse, decide.TellError
		inPart, noEffect           = decide.TellInPart, decide.TellNoEffect
		over, settle, giveUp       = decide.Over, decide.Settle, decide.GiveUp
		anError, nothing           = decide.Error, decide.NoEffect
		dontKnow, panicked         = decide.OutcomeUnknown, decide.Panic
	)
	type e = decide.Evidence
	tests := []struct {
		name  string
		given e
		state pb.Mutation_State
		told  decide.Told
		next  decide.Next
	}{
		{"a response, a write done", e{Steps: done}, succeeded, response, over},
		{"a response, no write", e{Steps: none}, succeeded, response, over},
		{"a response, one of two refused", e{Steps: doneRefused, MetRefusal: true}, succeeded, response, over},
		{"a response, resent with success", e{Steps: doneAndRetry}, succeeded, response, over},
		{"a response, resend still marked", e{Steps: resend}, succeeded, response, over},
		{"a response, all refused", e{Steps: refused}, failed, response, over},
		{"a response, all items failed unsent", e{AllItemsFailed: true}, failed, response, over},
		{"a response, all items failed, one done", e{Steps: done, AllItemsFailed: true}, succeeded, response, over},
		{"a response, resent with success, another item failed",
			e{Steps: done, AnItemFailed: true}, succeeded, response, over},
		{"a response, an item failed, resend still marked",
			e{Steps: doneAndRetry, AnItemFailed: true}, unknown, response, giveUp},
		{"a response, a write in doubt", e{Steps: sent}, unknown, response, settle},
		{"a response, a write unverifiable", e{Steps: unverifiable}, unknown, response, giveUp},
		{"a response, a record not written", e{Steps: done, Unrecorded: true}, unknown, response, settle},

		{"an error, no write", e{Returned: anError}, failed, theError, over},
		{"an error, none written, unrecorded", e{Returned: anError, Unrecorded: true}, failed, theError, over},
		{"a refusal, nothing done", e{Returned: anError, Steps: refused, MetRefusal: true}, failed, theError, over},
		{"a refusal after a write was done",
			e{Returned: anError, Steps: doneRefused, MetRefusal: true}, failed, theError, over},
		{"a refusal that was not recorded",
			e{Returned: anError, Steps: doneRefused, MetRefusal: true, Unrecorded: true}, unknown, inPart, settle},
		{"an error, a write done, refused by an earlier run",
			e{Returned: anError, Steps: doneRefused}, unknown, inPart, settle},
		{"an error, a write done", e{Returned: anError, Steps: done}, unknown, inPart, settle},
		{"an error, a write in doubt", e{Returned: anError, Steps: sent}, unknown, inPart, settle},
		{"a refusal, a write in doubt",
			e{Returned: anError, Steps: doneAndSent, MetRefusal: true}, unknown, inPart, settle},
		{"an error, a write to be resent", e{Returned: anError, Steps: resend}, unknown, inPart, giveUp},

		{"outcome unknown", e{Returned: dontKnow, Steps: sent}, unknown, theError, settle},
		{"outcome unknown, nothing sent", e{Returned: dontKnow}, unknown, theError, settle},
		{"outcome unknown, only unverifiable steps",
			e{Returned: dontKnow, Steps: unverifiable}, unknown, theError, giveUp},
		{"outcome unknown, only steps to be resent", e{Returned: dontKnow, Steps: resend}, unknown, theError, giveUp},
		{"outcome unknown, an unverifiable step beside one to read back",
			e{Returned: dontKnow, Steps: sentAndUnverifiable}, unknown, theError, settle},
		{"outcome unknown, marked unsettleable",
			e{Returned: dontKnow, Steps: sent, Unsettleable: true}, unknown, theError, giveUp},
		{"outcome unknown, given up, nothing sent",
			e{Returned: dontKnow, Steps: sent, GivenUp: true}, unknown, theError, giveUp},
		{"outcome unknown, given up, sent now",
			e{Returned: dontKnow, Steps: sent, GivenUp: true, SentNow: true}, unknown, theError, settle},

		{"no effect", e{Returned: nothing}, failed, noEffect, over},
		{"no effect, after a refusal", e{Returned: nothing, Steps: refused}, failed, noEffect, over},
		{"no effect of the rest, a write done", e{Returned: nothing, Steps: done}, unknown, inPart, settle},

		{"a panic, nothing done", e{Returned: panicked}, failed, theError, over},
		{"a panic, a write done", e{Returned: panicked, Steps: done}, unknown, inPart, settle},
		{"a panic after a refusal, a write done",
			e{Returned: panicked, Steps: doneRefused, MetRefusal: true}, unknown, inPart, settle},
	}
	for _, tt := range tests {
		want := decide.Decision{State: tt.state, Told: tt.told, Next: tt.next}
		if got := decide.End(tt.given); got != want {
			t.Errorf("%s: End is %+v, want %+v", tt.name, got, want)
		}
	}
}

// TestRepeat has a row for every row of the table of a known request_id.
func TestRepeat(t *testing.T) {
	t.Parallel()
	type known = decide.Known
	tests := []struct {
		name  string
		given known
		want  decide.Resume
	}{
		{"it succeeded", known{State: decide.Succeeded}, decide.Replay},
		{"its replica died before a write", known{State: decide.Intended}, decide.Run},
		{"its replica died after a write", known{State: decide.Sent, Steps: sent}, decide.Run},
		{"it is unknown", known{State: decide.Unknown, Steps: sent}, decide.Run},
		{"it is unknown, and a part was done", known{State: decide.Unknown, Steps: doneRefused}, decide.Run},
		{"it is unknown since this call waited", known{State: decide.Unknown, EndedMeanwhile: true}, decide.Run},
		{"a batch failed with all its items",
			known{State: decide.Failed, HasResponse: true, Retryable: true}, decide.Replay},
		{"it ended otherwise than asked", known{State: decide.Failed, Steps: done, Retryable: true}, decide.Replay},
		{"the vendor refused it", known{State: decide.Failed, Steps: refused}, decide.Replay},
		{"the vendor refused it for now", known{State: decide.Failed, Steps: refused, Retryable: true}, decide.Reopen},
		{"it failed before a write", known{State: decide.Failed}, decide.Reopen},
		{"it failed for now", known{State: decide.Failed, Retryable: true}, decide.Reopen},
		{"it failed while this call waited",
			known{State: decide.Failed, Retryable: true, EndedMeanwhile: true}, decide.Replay},
	}
	for _, tt := range tests {
		if got := decide.Repeat(tt.given); got != tt.want {
			t.Errorf("%s: Repeat is %d, want %d", tt.name, got, tt.want)
		}
	}
}

func TestReopened(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		given decide.Steps
		state pb.Mutation_State
		keep  bool
	}{
		{"no step", none, decide.Intended, false},
		{"a refusal", refused, decide.Intended, false},
		{"a write done", doneRefused, decide.Unknown, true},
		{"an unverifiable write", unverifiable, decide.Unknown, true},
		{"a write to be resent", resend, decide.Unknown, true},
	}
	for _, tt := range tests {
		if state, keep := decide.Reopened(tt.given); state != tt.state || keep != tt.keep {
			t.Errorf("%s: Reopened is %v, %v, want %v, %v", tt.name, state, keep, tt.state, tt.keep)
		}
	}
}

func TestStates(t *testing.T) {
	t.Parallel()
	for state, over := range map[pb.Mutation_State]bool{
		decide.Intended: false, decide.Sent: false, decide.Unknown: false, decide.Succeeded: true, decide.Failed: true,
	} {
		if decide.IsOver(state) != over {
			t.Errorf("IsOver(%v) is %v, want %v", state, !over, over)
		}
		givenUp := state == decide.Unknown
		if decide.IsGivenUp(state, false) != givenUp || decide.IsGivenUp(state, true) {
			t.Errorf("IsGivenUp(%v) is wrong", state)
		}
	}
}
