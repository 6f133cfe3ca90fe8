package journal

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"sync"
	"time"

	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/mutation"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/journal/decide"
	"github.com/drmhub/drmhub/server/internal/redact"
)

// step is what is kept of one step. It does not change, but for its flags.
type step struct {
	mutation.Record
	name          string
	position      int
	sent, settled time.Time
	durable       bool           // it stands in the store as it is here
	unflushed     bool           // the next write takes it along
	resend        bool           // it is Lost, and to be made again all the same
	priorLoss     *status.Status // how it was Lost before this run made it again; nil: it was not
}

// steps is the log of one mutation's steps, as one run of its method sees it.
type steps struct {
	journal  *Journal
	record   *record
	settling bool
	// if this run neither settles the mutation nor sends anything, no other one is to
	givenUp bool
	sent    chan struct{} // closed once a write of this run may have reached the vendor

	mu  sync.Mutex
	all []*step // in the order in which they began
	// this run has come to a write that the vendor refuses, or has refused: an earlier run's
	// refusal says nothing of why this one ended
	sawRefusal bool
	// a write of this run could not be made durable, so the method may have come to an end before
	// its time
	writeFailed bool
}

var _ mutation.Log = (*steps)(nil)

// newSteps are none: the record was made just now.
func (j *Journal) newSteps(r *record) *steps {
	return &steps{journal: j, record: r, sent: make(chan struct{})}
}

// loadedSteps returns the steps of a record on which earlier runs worked.
func (j *Journal) loadedSteps(r *record) *steps {
	s := j.newSteps(r)
	s.all = r.steps
	s.givenUp = decide.IsGivenUp(r.state, !r.settleAt.IsZero()) // it stays given up
	return s
}

// loadSteps reads the steps of a mutation. What is decided by them is read in the transaction that
// makes the mutation this replica's own: another connection might be to a database that is no
// longer the one that is written to.
func (j *Journal) loadSteps(ctx context.Context, from interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}, id string) (all []*step, err error) {
	rows, err := from.QueryContext(ctx, "SELECT step, position, state, answer, error, http_status, send_time, COALESCE(over_time, send_time + 60000000), settle_time FROM steps WHERE mutation = $1 ORDER BY position", id)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		s := &step{durable: true}
		var answer, failure []byte
		var sent, over, settled sql.NullInt64
		if err := rows.Scan(&s.name, &s.position, &s.State, &answer, &failure, &s.HTTPStatus, &sent, &over, &settled); err != nil {
			return nil, err
		}
		s.sent, s.EndsBy, s.settled = instant(sent), instant(over), instant(settled)
		s.EffectDeadline = s.EndsBy.Add(j.options.Quiet)
		if s.Answer, err = unmarshalled(answer, &anypb.Any{}); err != nil {
			return nil, err
		}
		kept, err := unmarshalled(failure, &spb.Status{})
		if err != nil {
			return nil, err
		}
		if kept != nil {
			s.Err = status.FromProto(kept)
		}
		all = append(all, s)
	}
	return all, rows.Err()
}

// Get is what is kept of a step.
func (s *steps) Get(name string) mutation.Record {
	s.mu.Lock()
	defer s.mu.Unlock()
	if known := s.find(name); known != nil && !known.resend {
		s.sawRefusal = s.sawRefusal || known.State == mutation.Refused
		return known.Record
	}
	return mutation.Record{}
}

// lostBefore is how a step was Lost before this run made it again; nil where it was not.
func (s *steps) lostBefore(name string) *status.Status {
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

func (s *steps) find(name string) *step {
	for _, known := range s.all {
		if known.name == name {
			return known
		}
	}
	return nil
}

// over reports whether the call of a write that stays Sent has ended: the record says how.
func over(r mutation.Record) bool { return r.State == mutation.Sent && r.Err != nil }

// Settling says that nobody asked again.
func (s *steps) Settling() bool { return s.settling }

// Put keeps r, without its secrets. What a step noted, and how a call ended that leaves its write
// in doubt, is made durable together with the next write or with the end, since nothing depends on
// it before. What the vendor did is a fact, even if it cannot be written just now: then it is
// durable with the next write, too, or with the end.
func (s *steps) Put(ctx context.Context, name string, r mutation.Record) error {
	switch r.State {
	case mutation.Sent:
		if over(r) {
			s.replace(name, r)
			return nil
		}
		if s.settling && s.record.secrets {
			return mutation.Unsettleable(apierror.New(codes.FailedPrecondition, pb.ErrorReason_SECRETS_NOT_KEPT,
				"%s: the request held secrets, which are not kept: call again with the same request_id and the secrets", name))
		}
	case mutation.Done, mutation.Refused, mutation.Unverifiable:
		ctx = context.WithoutCancel(ctx) // the write may have taken all of its time
	}
	if r.Answer != nil {
		answer, err := r.Answer.UnmarshalNew()
		if err != nil {
			return err
		}
		if r.Answer, err = anypb.New(redact.Without(answer)); err != nil {
			return err
		}
	}
	if lost := s.lostBefore(name); r.State == mutation.Refused && lost != nil {
		// what became of the second time tells nothing of the first
		r.State, r.Err = mutation.Unverifiable, lost
	}
	before, fresh := s.replace(name, r)
	if r.State == mutation.Snapshotted {
		return nil
	}
	// Writes that are made at the same time may each take along what is owed: none may be durable
	// before what it depends on.
	writing := append(s.filter(func(known *step) bool { return known.unflushed }), fresh)
	err := s.journal.writeSteps(ctx, s.record, writing)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writeFailed = s.writeFailed || err != nil
	switch {
	case err == nil:
		for _, written := range writing {
			written.durable, written.unflushed = true, false
		}
	case r.State == mutation.Sent, r.State == mutation.NotSent:
		s.set(before)
		return err
	default:
		fresh.unflushed = true
		return err
	}
	if r.State == mutation.Sent {
		select {
		case <-s.sent:
		default:
			close(s.sent)
		}
	}
	return nil
}

// replace inserts or updates the named step in memory. before is the value to restore if persisting
// fresh fails; the store may hold either.
func (s *steps) replace(name string, r mutation.Record) (before, fresh *step) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before = &step{name: name}
	if known := s.find(name); known != nil {
		*before = *known
		before.durable, before.unflushed = false, false
	} else if n := len(s.all); n > 0 {
		before.position = s.all[n-1].position + 1
	}
	now := time.Now().Truncate(time.Microsecond)
	fresh = &step{Record: r, name: name, position: before.position, sent: before.sent, unflushed: r.State == mutation.Snapshotted || over(r), priorLoss: before.priorLoss}
	if before.resend {
		fresh.priorLoss = before.Err
	}
	switch r.State {
	case mutation.Sent:
		fresh.EffectDeadline = r.EndsBy.Add(s.journal.options.Quiet)
		if !over(r) {
			fresh.sent = now
		}
	case mutation.Done, mutation.Refused:
		fresh.settled = now
	}
	s.sawRefusal = s.sawRefusal || r.State == mutation.Refused
	s.set(fresh)
	return before, fresh
}

// set puts a step in the place of the one of the same name, or at the end. The caller holds the
// lock.
func (s *steps) set(fresh *step) {
	i := slices.IndexFunc(s.all, func(known *step) bool { return known.name == fresh.name })
	if i < 0 {
		s.all = append(s.all, fresh)
	} else {
		s.all[i] = fresh
	}
}

// filter returns the steps for which holds is true.
func (s *steps) filter(holds func(*step) bool) (filter []*step) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, known := range s.all {
		if holds(known) {
			filter = append(filter, known)
		}
	}
	return filter
}

// writeSteps makes steps durable.
func (j *Journal) writeSteps(ctx context.Context, r *record, all []*step) error {
	return unwritable(j.db.Write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		sent, state := sql.NullInt64{}, pb.Mutation_INTENDED
		for _, s := range all {
			if s.State == mutation.Sent {
				sent, state = micros(s.sent), pb.Mutation_SENT
			}
		}
		if err := r.update(ctx, tx, "send_time = COALESCE(send_time, $3), state = CASE WHEN $4 > state THEN $4 ELSE state END", sent, state); err != nil {
			return err
		}
		for _, s := range all {
			if err := s.write(ctx, tx, r); err != nil {
				return err
			}
		}
		return nil
	}))
}

func (s *step) write(ctx context.Context, tx *sql.Tx, of *record) error {
	answer, err := marshalled(s.Answer)
	if err != nil {
		return err
	}
	failure, err := marshalled(s.Err.Proto())
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO steps (mutation, step, position, state, answer, error, http_status, send_time, over_time, settle_time)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
		ON CONFLICT (mutation, step) DO UPDATE SET state = excluded.state, answer = excluded.answer, error = excluded.error,
			http_status = excluded.http_status, send_time = excluded.send_time, over_time = excluded.over_time, settle_time = excluded.settle_time`,
		of.id, s.name, s.position, s.State, answer, failure, s.HTTPStatus, micros(s.sent), micros(s.EndsBy), micros(s.settled))
	return err
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

// reopen moves a finished mutation back to INTENDED or UNKNOWN and takes its locks. It deletes the
// steps that had no effect, so that they run again. If no step remains, it deletes the snapshots
// too.
func (j *Journal) reopen(ctx context.Context, r *record, s *steps, resources []string) error {
	state, keepEffects := decide.Reopened(s.summary())
	gone := func(known *step) bool {
		return !keepEffects || known.State == mutation.Refused || known.State == mutation.NotSent
	}
	err := j.lock(ctx, r, resources, func(ctx context.Context, tx *sql.Tx) error {
		err := r.update(ctx, tx, "state = $3, answer = NULL, error = NULL, settle_time = NULL, settle_at = $4, attempts = 0, resend_id = $5",
			state, time.Now().UnixMicro(), r.resendIDs)
		if err != nil {
			return err
		}
		for _, known := range s.filter(gone) {
			if _, err := tx.ExecContext(ctx, "DELETE FROM steps WHERE mutation = $1 AND step = $2", r.id, known.name); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	r.state, r.attempts = state, 0
	s.all = s.filter(func(known *step) bool { return !gone(known) })
	return nil
}

// retry marks unverifiable steps to be sent again. They stay unverifiable until then.
func (s *steps) retry() {
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

// lastStatus is the HTTP status of the vendor's last answer to a write; 0 where there was none.
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
