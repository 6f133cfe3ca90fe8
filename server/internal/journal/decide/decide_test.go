package decide_test

import (
	"testing"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/journal/decide"
)

// The sets of steps of the tables.
var (
	none         = decide.Steps{}
	done         = decide.Steps{Done: true}
	refused      = decide.Steps{Refused: true}
	sent         = decide.Steps{Sent: true}
	lost         = decide.Steps{Unverifiable: true}
	resend       = decide.Steps{Resend: true}
	sentAndLost  = decide.Steps{Sent: true, Unverifiable: true}
	doneRefused  = decide.Steps{Done: true, Refused: true}
	doneAndSent  = decide.Steps{Done: true, Sent: true}
	doneAndRetry = decide.Steps{Done: true, Resend: true}
)

// TestEnd has a row for every row of the table of a run that ended.
func TestEnd(t *testing.T) {
	t.Parallel()
	const (
		succeeded, failed, unknown = decide.Succeeded, decide.Failed, decide.Unknown
		answer, theError           = decide.TellAnswer, decide.TellError
		inPart, noEffect           = decide.TellInPart, decide.TellNoEffect
		over, settle, giveUp       = decide.Over, decide.Settle, decide.GiveUp
	)
	type evidence = decide.Evidence
	tests := []struct {
		name  string
		given evidence
		state pb.Mutation_State
		told  decide.Told
		next  decide.Next
	}{
		{"an answer, a write done", evidence{Steps: done}, succeeded, answer, over},
		{"an answer, no write", evidence{Steps: none}, succeeded, answer, over},
		{"an answer, one of two refused", evidence{Steps: doneRefused, MetRefusal: true}, succeeded, answer, over},
		{"an answer, resent with success", evidence{Steps: doneAndRetry}, succeeded, answer, over},
		{"an answer, resend still marked", evidence{Steps: resend}, succeeded, answer, over},
		{"an answer, all refused", evidence{Steps: refused}, failed, answer, over},
		{"an answer, all items failed unsent", evidence{AllItemsFailed: true}, failed, answer, over},
		{"an answer, all items failed, one done", evidence{Steps: done, AllItemsFailed: true}, succeeded, answer, over},
		{"an answer, a write in doubt", evidence{Steps: sent}, unknown, answer, settle},
		{"an answer, a write unverifiable", evidence{Steps: lost}, unknown, answer, giveUp},
		{"an answer, a record not written", evidence{Steps: done, Unrecorded: true}, unknown, answer, settle},

		{"an error, no write", evidence{Returned: decide.Error}, failed, theError, over},
		{"an error, none written, unrecorded", evidence{Returned: decide.Error, Unrecorded: true}, failed, theError, over},
		{"a refusal, nothing done", evidence{Returned: decide.Error, Steps: refused, MetRefusal: true}, failed, theError, over},
		{"a refusal after a write was done", evidence{Returned: decide.Error, Steps: doneRefused, MetRefusal: true}, failed, theError, over},
		{"a refusal that was not recorded", evidence{Returned: decide.Error, Steps: doneRefused, MetRefusal: true, Unrecorded: true}, unknown, inPart, settle},
		{"an error, a write done, refused by an earlier run", evidence{Returned: decide.Error, Steps: doneRefused}, unknown, inPart, settle},
		{"an error, a write done", evidence{Returned: decide.Error, Steps: done}, unknown, inPart, settle},
		{"an error, a write in doubt", evidence{Returned: decide.Error, Steps: sent}, unknown, inPart, settle},
		{"a refusal, a write in doubt", evidence{Returned: decide.Error, Steps: doneAndSent, MetRefusal: true}, unknown, inPart, settle},
		{"an error, a write to be resent", evidence{Returned: decide.Error, Steps: resend}, unknown, inPart, giveUp},

		{"outcome unknown", evidence{Returned: decide.OutcomeUnknown, Steps: sent}, unknown, theError, settle},
		{"outcome unknown, nothing sent", evidence{Returned: decide.OutcomeUnknown}, unknown, theError, settle},
		{"outcome unknown, only lost steps", evidence{Returned: decide.OutcomeUnknown, Steps: lost}, unknown, theError, giveUp},
		{"outcome unknown, only steps to be resent", evidence{Returned: decide.OutcomeUnknown, Steps: resend}, unknown, theError, giveUp},
		{"outcome unknown, a lost step beside one to read back", evidence{Returned: decide.OutcomeUnknown, Steps: sentAndLost}, unknown, theError, settle},
		{"outcome unknown, marked unsettleable", evidence{Returned: decide.OutcomeUnknown, Steps: sent, Unsettleable: true}, unknown, theError, giveUp},
		{"outcome unknown, given up, nothing sent", evidence{Returned: decide.OutcomeUnknown, Steps: sent, GivenUp: true}, unknown, theError, giveUp},
		{"outcome unknown, given up, sent now", evidence{Returned: decide.OutcomeUnknown, Steps: sent, GivenUp: true, SentNow: true}, unknown, theError, settle},

		{"no effect", evidence{Returned: decide.NoEffect}, failed, noEffect, over},
		{"no effect, after a refusal", evidence{Returned: decide.NoEffect, Steps: refused}, failed, noEffect, over},
		{"no effect of the rest, a write done", evidence{Returned: decide.NoEffect, Steps: done}, unknown, inPart, settle},

		{"a panic, nothing done", evidence{Returned: decide.Panic}, failed, theError, over},
		{"a panic, a write done", evidence{Returned: decide.Panic, Steps: done}, unknown, inPart, settle},
		{"a panic after a refusal, a write done", evidence{Returned: decide.Panic, Steps: doneRefused, MetRefusal: true}, unknown, inPart, settle},
	}
	for _, tt := range tests {
		want := decide.Decision{State: tt.state, Told: tt.told, Next: tt.next}
		if got := decide.End(tt.given); got != want {
			t.Errorf("%s: End is %+v, want %+v", tt.name, got, want)
		}
	}
}

// TestCome has a row for every row of the table of a known request_id.
func TestCome(t *testing.T) {
	t.Parallel()
	type known = decide.Known
	tests := []struct {
		name  string
		given known
		want  decide.Resume
	}{
		{"it succeeded", known{State: decide.Succeeded}, decide.Replay},
		{"it succeeded, and a replica has just claimed it", known{State: decide.Succeeded, Running: true}, decide.Replay},
		{"it is running, before a write", known{State: decide.Intended, Running: true}, decide.Wait},
		{"it is running, after a write", known{State: decide.Sent, Running: true}, decide.Wait},
		{"it is being settled", known{State: decide.Unknown, Running: true}, decide.Wait},
		{"it failed, and runs again", known{State: decide.Failed, Running: true, HasAnswer: true}, decide.Wait},
		{"its replica died before a write", known{State: decide.Intended}, decide.Run},
		{"its replica died after a write", known{State: decide.Sent, Steps: sent}, decide.Run},
		{"it is unknown", known{State: decide.Unknown, Steps: sent}, decide.Run},
		{"it is unknown, and a part was done", known{State: decide.Unknown, Steps: doneRefused}, decide.Run},
		{"it is unknown since this call waited", known{State: decide.Unknown, EndedMeanwhile: true}, decide.Run},
		{"a batch failed with all its items", known{State: decide.Failed, HasAnswer: true, Retryable: true}, decide.Replay},
		{"it ended otherwise than asked", known{State: decide.Failed, Steps: done, Retryable: true}, decide.Replay},
		{"the vendor refused it", known{State: decide.Failed, Steps: refused}, decide.Replay},
		{"the vendor refused it for now", known{State: decide.Failed, Steps: refused, Retryable: true}, decide.Reopen},
		{"it failed before a write", known{State: decide.Failed}, decide.Reopen},
		{"it failed for now", known{State: decide.Failed, Retryable: true}, decide.Reopen},
		{"it failed while this call waited", known{State: decide.Failed, Retryable: true, EndedMeanwhile: true}, decide.Replay},
	}
	for _, tt := range tests {
		if got := decide.Come(tt.given); got != tt.want {
			t.Errorf("%s: Come is %d, want %d", tt.name, got, tt.want)
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
		{"a write lost", lost, decide.Unknown, true},
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
		if givenUp := state == decide.Unknown; decide.IsGivenUp(state, false) != givenUp || decide.IsGivenUp(state, true) {
			t.Errorf("IsGivenUp(%v) is wrong", state)
		}
	}
}
