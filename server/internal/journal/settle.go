package journal

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/mutation"
	"github.com/drmhub/drmhub/server/internal/journal/decide"
	"github.com/drmhub/drmhub/server/internal/journal/records"
)

const (
	// maxSettledAtOnce is how many mutations of one vendor a replica settles at the same time.
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

	mu      sync.Mutex
	running map[string]string // the vendors of the mutations that are being settled in the background, by id
	work    sync.WaitGroup    // what settles them
}

// settleDue begins to settle the mutations that are due and that nobody runs, as many as there are
// free places for their vendors. So a silent vendor does not hold up the mutations of others.
// settleDue does not wait for their end, since a batch has many items to read back.
func (s *settler) settleDue(ctx context.Context) {
	for full, more := s.full(), true; more; {
		due, err := s.journal.records.Due(ctx, full, 2*maxSettledAtOnce)
		if err != nil {
			if ctx.Err() == nil {
				s.journal.options.Log.WarnContext(ctx, "the journal cannot be read: nothing is settled", "error", err)
			}
			return
		}
		more = false
		for _, m := range due {
			if !s.begin(ctx, m) && !slices.Contains(full, m.Vendor()) {
				full, more = append(full, m.Vendor()), true // The next ones are of other vendors.
			}
		}
	}
}

// full returns the vendors without a free place.
func (s *settler) full() (full []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	used := map[string]int{}
	for _, vendor := range s.running {
		if used[vendor]++; used[vendor] == maxSettledAtOnce {
			full = append(full, vendor)
		}
	}
	return full
}

// begin begins to settle a mutation in the background. It returns false if its vendor has no free
// place.
func (s *settler) begin(ctx context.Context, due records.Due) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	used := 0
	for id, vendor := range s.running {
		if id == due.ID {
			return true // It has begun, and may not be claimed yet.
		}
		if vendor == due.Vendor() {
			used++
		}
	}
	if used >= maxSettledAtOnce {
		return false
	}
	s.running[due.ID] = due.Vendor()
	s.work.Add(1)
	s.journal.background.once(func() {
		defer s.work.Done()
		defer s.end(due.ID)
		m, err := s.journal.lease.ClaimDue(ctx, due.ID)
		if m != nil {
			err = s.settle(ctx, m, false)
		}
		if err != nil && ctx.Err() == nil {
			s.journal.options.Log.WarnContext(ctx, "a mutation could not be settled",
				"mutation", records.NamePrefix+due.ID, "error", err)
		}
	})
	return true
}

func (s *settler) end(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.running, id)
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
		response, err := s.dispatch(ctx, "/"+m.Method, req)
		return response, r.needsSecrets(err)
	}).unrecorded()
}

// needsSecrets returns err, unless the method refused the request because it lacks its secrets.
// Then only the caller can have the mutation settled.
func (r *run) needsSecrets(err error) error {
	has := r.steps.summary()
	invalid := err != nil && apierror.Convert(err).Code == codes.InvalidArgument
	if !invalid || !r.mutation.HeldSecrets || !has.Sent && !has.Done {
		return err
	}
	return mutation.Unsettleable(apierror.OutcomeUnknown("Outcome unknown: reading the change back needs the " +
		"secrets of the request, which drmhub does not keep. " + retryWithSecrets))
}
