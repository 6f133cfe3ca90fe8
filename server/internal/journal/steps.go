package journal

import (
	"context"
	"slices"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/mutation"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/journal/decide"
	"github.com/drmhub/drmhub/server/internal/journal/records"
	"github.com/drmhub/drmhub/server/internal/redact"
)

// A step is a step as a run sees it. Only its flags change.
type step struct {
	records.Step
	durable   bool           // the store holds it as it is here
	unflushed bool           // the next write includes it
	resend    bool           // it is Unverifiable, and this run is to send it again
	priorLoss *status.Status // its error when it was Unverifiable, before this run sent it again
}

// steps is the log of one mutation's steps, as one run of its method sees it.
type steps struct {
	journal  *Journal
	mutation *records.Mutation
	settling bool          // this run has no caller
	givenUp  bool          // the operator gave the mutation up, now or earlier
	sent     chan struct{} // closed once a write of this run may have reached the vendor

	mu  sync.Mutex
	all []*step // in the order in which they began
	// This run sent, or replayed, a write that the vendor refused. The refusal of an earlier run
	// does not explain why this one ended.
	sawRefusal bool
	// A write of this run could not be made durable, so the method may have ended early.
	writeFailed bool
}

var _ mutation.Log = (*steps)(nil)

// newSteps returns the steps of a mutation as its claim read them.
func newSteps(j *Journal, m *records.Mutation) *steps {
	s := &steps{journal: j, mutation: m, sent: make(chan struct{})}
	s.givenUp = decide.IsGivenUp(m.State, !m.SettleAt.IsZero())
	for _, known := range m.Steps {
		known := step{Step: *known, durable: true}
		known.EffectDeadline = known.EndsBy.Add(j.options.Quiet)
		s.all = append(s.all, &known)
	}
	return s
}

// Settling reports whether this run has no caller.
func (s *steps) Settling() bool { return s.settling }

// Get returns the record of a step. A step that is to be sent again has none.
func (s *steps) Get(name string) mutation.Record {
	s.mu.Lock()
	defer s.mu.Unlock()
	if known := s.find(name); known != nil && !known.resend {
		s.sawRefusal = s.sawRefusal || known.State == mutation.Refused
		return known.Record
	}
	return mutation.Record{}
}

// Put stores a record, without its secrets, and what is unflushed. It returns once they are
// durable. If the outcome of a write cannot be stored now, it is a fact all the same, so the next
// write includes it.
func (s *steps) Put(ctx context.Context, name string, r mutation.Record) error {
	switch r.State {
	case mutation.Sent:
		if s.settling && s.mutation.HeldSecrets {
			return mutation.Unsettleable(apierror.New(codes.FailedPrecondition, pb.ErrorReason_SECRETS_NOT_KEPT,
				"Not sent: %s needs the secrets of the request, which drmhub does not keep. %s",
				name, retryWithSecrets))
		}
	case mutation.Done, mutation.Refused, mutation.Unverifiable:
		ctx = context.WithoutCancel(ctx) // The write may have used up the caller's time.
	}
	r, err := s.kept(name, r)
	if err != nil {
		return err
	}
	before, fresh := s.replace(name, r, false)
	// Concurrent writes may each include the same unflushed steps, so that none is durable before
	// what it depends on.
	writing := append(s.filter(func(known *step) bool { return known.unflushed }), fresh)
	if err := s.write(ctx, writing); err != nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		if fresh.unflushed = isOutcome(fresh); !fresh.unflushed {
			s.set(before)
		}
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if fresh.State == mutation.Sent && !s.hasSent() {
		close(s.sent)
	}
	return nil
}

// Note keeps a record, without its secrets, until the next write includes it.
func (s *steps) Note(name string, r mutation.Record) error {
	r, err := s.kept(name, r)
	if err != nil {
		return err
	}
	s.replace(name, r, true)
	return nil
}

// Flush stores what is unflushed if there is the outcome of a write among it.
func (s *steps) Flush(ctx context.Context) error {
	unflushed := s.filter(func(known *step) bool { return known.unflushed })
	if !slices.ContainsFunc(unflushed, isOutcome) {
		return nil
	}
	return s.write(ctx, unflushed)
}

// isOutcome reports whether a step holds the outcome of a write.
func isOutcome(s *step) bool {
	return s.State == mutation.Done || s.State == mutation.Refused || s.State == mutation.Unverifiable
}

// kept returns a record as the journal keeps it.
func (s *steps) kept(name string, r mutation.Record) (mutation.Record, error) {
	if r.Response != nil {
		response, err := r.Response.UnmarshalNew()
		if err != nil {
			return r, err
		}
		if r.Response, err = anypb.New(redact.Without(response)); err != nil {
			return r, err
		}
	}
	if loss := s.priorLoss(name); r.State == mutation.Refused && loss != nil {
		// A refusal of the resend does not show whether the first send took effect.
		r.State, r.Err = mutation.Unverifiable, loss
	}
	return r, nil
}

const retryWithSecrets = "Retry with the same request_id and the secrets." //nolint:gosec // It is advice.

// write returns once steps are durable.
func (s *steps) write(ctx context.Context, writing []*step) error {
	err := s.journal.records.WriteSteps(ctx, s.mutation, stored(writing))
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writeFailed = s.writeFailed || err != nil
	if err != nil {
		return err
	}
	for _, written := range writing {
		written.durable, written.unflushed = true, false
	}
	return nil
}

// replace inserts or updates the named step in memory. before is the value to restore if persisting
// fresh fails; the store may hold either.
func (s *steps) replace(name string, r mutation.Record, unflushed bool) (before, fresh *step) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before = &step{Step: records.Step{Name: name}}
	if known := s.find(name); known != nil {
		*before = *known
		before.durable, before.unflushed = false, false
	} else if n := len(s.all); n > 0 {
		before.Position = s.all[n-1].Position + 1
	}
	fresh = &step{
		Step:      records.Step{Record: r, Name: name, Position: before.Position, Sent: before.Sent},
		unflushed: unflushed,
		priorLoss: before.priorLoss,
	}
	if before.resend {
		fresh.priorLoss = before.Err
	}
	now := time.Now().Truncate(time.Microsecond)
	switch r.State {
	case mutation.Sent:
		fresh.EffectDeadline = r.EndsBy.Add(s.journal.options.Quiet)
		if !callEnded(r) {
			fresh.Sent = now
		}
	case mutation.Done, mutation.Refused:
		fresh.Settled = now
	}
	s.sawRefusal = s.sawRefusal || r.State == mutation.Refused
	s.set(fresh)
	return before, fresh
}

// callEnded reports whether a record is that of a write in doubt whose call has ended. Then it
// holds the error of the call.
func callEnded(r mutation.Record) bool { return r.State == mutation.Sent && r.Err != nil }

// priorLoss returns the error of a step from when it was Unverifiable, before this run sent it
// again. It is nil if the step was never Unverifiable.
func (s *steps) priorLoss(name string) *status.Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch known := s.find(name); {
	case known == nil:
		return nil
	case known.resend:
		return known.Err
	default:
		return known.priorLoss
	}
}

// find returns the named step, or nil. The caller holds the lock.
func (s *steps) find(name string) *step {
	for _, known := range s.all {
		if known.Name == name {
			return known
		}
	}
	return nil
}

// set inserts or updates a step. The caller holds the lock.
func (s *steps) set(fresh *step) {
	i := slices.IndexFunc(s.all, func(known *step) bool { return known.Name == fresh.Name })
	if i < 0 {
		s.all = append(s.all, fresh)
	} else {
		s.all[i] = fresh
	}
}

// filter returns the steps for which holds returns true.
func (s *steps) filter(holds func(*step) bool) (filtered []*step) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, known := range s.all {
		if holds(known) {
			filtered = append(filtered, known)
		}
	}
	return filtered
}

// stored returns steps as the store holds them.
func stored(all []*step) []*records.Step {
	stored := make([]*records.Step, len(all))
	for i, s := range all {
		stored[i] = &s.Step
	}
	return stored
}

// summary returns which states the steps have.
func (s *steps) summary() (has decide.Steps) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, known := range s.all {
		switch known.State {
		case mutation.Sent:
			has.Sent = true
		case mutation.Done:
			has.Done = true
		case mutation.Refused:
			has.Refused = true
		case mutation.Unverifiable:
			has.Resend = has.Resend || known.resend
			has.Unverifiable = has.Unverifiable || !known.resend
		}
	}
	return has
}

// resend marks unverifiable steps to be sent again. They stay unverifiable until then.
func (s *steps) resend() {
	for _, known := range s.filter(func(known *step) bool { return known.State == mutation.Unverifiable }) {
		known.resend = true
	}
}

// hasSent reports whether a write of this run may have reached the vendor.
func (s *steps) hasSent() bool {
	select {
	case <-s.sent:
		return true
	default:
		return false
	}
}

// lastStatus returns the HTTP status of the vendor's last response to a write, or 0.
func (s *steps) lastStatus() (status int32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, known := range s.all {
		if known.HTTPStatus != 0 {
			status = int32(known.HTTPStatus)
		}
	}
	return status
}
