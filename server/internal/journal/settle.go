package journal

import (
	"context"
	"errors"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/mutation"
	"github.com/drmhub/drmhub/server/internal/journal/decide"
	"github.com/drmhub/drmhub/server/internal/journal/records"
)

const (
	// maxSettledAtOnce is how many mutations one replica settles at the same time.
	maxSettledAtOnce = 8
	// maxSettling bounds one attempt. It is longer than a vendor's write may take.
	maxSettling = 2 * time.Minute
	// maxPause bounds the pause between two attempts.
	maxPause = time.Hour
)

// A settler finds out the outcome of mutations that ended without one.
type settler struct {
	journal  *Journal
	dispatch Dispatch
	slots    chan struct{} // holds one value for each mutation that is being settled in the background
}

// settleDue begins to settle the mutations that are due and that nobody runs, as many as there are
// free slots. It does not wait for their end, since a batch has many items to read back.
func (s *settler) settleDue(ctx context.Context) {
	log := s.journal.options.Log
	ids, err := s.journal.records.Due(ctx, cap(s.slots)-len(s.slots))
	if err != nil {
		if ctx.Err() == nil {
			log.WarnContext(ctx, "the journal cannot be read: nothing is settled", "error", err)
		}
		return
	}
	for _, id := range ids {
		s.slots <- struct{}{}
		s.journal.background.once(func() {
			defer func() { <-s.slots }()
			m, err := s.journal.lease.ClaimDue(ctx, id)
			if m != nil {
				err = s.settle(ctx, m, false)
			}
			if err != nil && ctx.Err() == nil {
				log.WarnContext(ctx, "a mutation could not be settled",
					"mutation", records.NamePrefix+id, "error", err)
			}
		})
	}
}

// settle finds out the outcome of a claimed mutation, and records it. It returns an error if it
// could not try, or could not record the outcome. With giveUp, an outcome that stays unknown is
// final: nobody tries again.
func (s *settler) settle(ctx context.Context, m *records.Mutation, giveUp bool) (err error) {
	if decide.IsOver(m.State) {
		s.journal.release(ctx, m)
		return nil
	}
	defer func() { s.journal.observeAttempt(m, err) }()
	r := s.journal.newRun(m)
	m.Attempts++
	holdsNoLocks := r.steps.givenUp
	r.steps.settling, r.steps.givenUp = true, giveUp || r.steps.givenUp
	if !r.steps.summary().Attempted() { // Its replica died before it sent anything.
		return r.complete(ctx, nil, mutation.NoEffect()).unrecorded()
	}
	req, err := requestOf(m)
	if err != nil {
		// The end of this run puts the next attempt off, so that other mutations have their turn.
		return errors.Join(err, r.complete(ctx, nil, err).unrecorded())
	}
	if holdsNoLocks {
		if err := r.lock(ctx, locksOf(m, req)); err != nil {
			s.journal.release(ctx, m)
			return err
		}
	}
	return r.do(ctx, func(ctx context.Context) (proto.Message, error) {
		ctx, cancel := context.WithTimeout(ctx, maxSettling)
		defer cancel()
		answer, err := s.dispatch(ctx, "/"+m.Method, req)
		return answer, r.needsSecrets(err)
	}).unrecorded()
}

// needsSecrets returns err, unless the method refused the request because it lacks its secrets. Then
// only the caller can have the mutation settled.
func (r *run) needsSecrets(err error) error {
	has := r.steps.summary()
	invalid := err != nil && apierror.Convert(err).Code == codes.InvalidArgument
	if !invalid || !r.mutation.HeldSecrets || !has.Sent && !has.Done {
		return err
	}
	return mutation.Unsettleable(apierror.OutcomeUnknown("Outcome unknown: reading the change back needs the " +
		"secrets of the request, which drmhub does not keep. " + retryWithSecrets))
}
