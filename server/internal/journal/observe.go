package journal

import (
	"context"
	"time"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/journal/decide"
	"github.com/drmhub/drmhub/server/internal/journal/records"
)

// An Observer is told what a replica does with mutations. It must not block.
type Observer interface {
	// Ended reports the state that a mutation has after a run. Attempts to settle it that change
	// nothing are not reported.
	Ended(method string, state pb.Mutation_State)
	// Settled reports a mutation that is SUCCEEDED or FAILED, and the time since its call came or
	// was repeated.
	Settled(state pb.Mutation_State, took time.Duration)
	// Attempted reports an attempt to settle a mutation without its caller.
	Attempted(Result)
}

// A Result says what an attempt to settle a mutation led to.
type Result string

// The results of attempts.
const (
	FoundOut     Result = "settled" // the outcome is known
	StillUnknown Result = "unknown"
	Failed       Result = "failed" // the attempt could not begin, or its end could not be recorded
)

// Results are all results.
var Results = []Result{FoundOut, StillUnknown, Failed}

// unobserved is the observer of a journal without one.
type unobserved struct{}

func (unobserved) Ended(string, pb.Mutation_State)          {}
func (unobserved) Settled(pb.Mutation_State, time.Duration) {}
func (unobserved) Attempted(Result)                         {}

// observeEnd tells the observer of a run whose end is recorded.
func (r *run) observeEnd(nothingNew bool) {
	m, observer := r.mutation, r.journal.options.Observer
	if nothingNew {
		return
	}
	observer.Ended(m.Method, m.State)
	if !decide.IsOver(m.State) {
		return
	}
	since := r.began
	if r.steps.settling {
		since = m.Created
	}
	observer.Settled(m.State, max(0, m.Settled.Sub(since)))
}

// observeAttempt tells the observer of an attempt to settle a mutation.
func (j *Journal) observeAttempt(m *records.Mutation, err error) {
	result := StillUnknown
	switch {
	case err != nil:
		result = Failed
	case decide.IsOver(m.State):
		result = FoundOut
	}
	j.options.Observer.Attempted(result)
}

// Backlog returns what the store holds of mutations that are not settled, by the vendors with these
// ids.
func (j *Journal) Backlog(ctx context.Context, vendors []string) (*records.Backlog, error) {
	return j.records.Backlog(ctx, vendors)
}

// LeaseLeft returns how long this replica still counts as alive without another heartbeat.
func (j *Journal) LeaseLeft() time.Duration { return j.lease.Left() }

// Takeovers returns how many mutations this replica took over from runs that could not record their
// end. Most of those runs were of a replica that died.
func (j *Journal) Takeovers() int64 { return j.lease.Takeovers() }
