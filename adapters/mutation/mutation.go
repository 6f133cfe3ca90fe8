// Package mutation lets an adapter make vendor writes that are neither lost nor repeated.
//
// An adapter's mutating method is plain code in which every vendor write stands in a Do. The method may be run again with the same request, after a
// crash or an unknown outcome: a write that is recorded as done is answered from the record, one that is recorded as sent is read back first.
// Settling a mutation is running its method again.
package mutation

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// State is how far a step has come.
type State int

const (
	// Fresh says that nothing was sent, or that what was sent is known to have had no effect.
	Fresh State = iota
	// Sent says that the write may have taken effect.
	Sent
	// Done says that it took effect; Answer holds the vendor's answer.
	Done
	// Refused says that the vendor said no, or that nothing reached it; Err says why.
	Refused
	// Lost says that the write may have taken effect, and that the vendor offers nothing to read that back.
	Lost
	// Noted says that Answer holds what a Note read. It is no write.
	Noted
)

// Record is what is kept of a step.
type Record struct {
	State  State
	Answer *anypb.Any
	Err    *status.Status
	// HTTPStatus is that of the vendor's answer to the write; 0 where there was none, or where it was read back.
	HTTPStatus int
	// Over is when the call of a write that was Sent has ended at the latest, with an answer or without. Once it has, Err says how.
	Over time.Time
	// QuietFrom is when a write that was Sent can no longer take effect: until then, that it is not seen at the vendor proves nothing. The log sets it.
	QuietFrom time.Time
}

// Log keeps the steps of one mutation. It may be used by many goroutines.
type Log interface {
	// Get is what is kept of a step; the zero Record where nothing is.
	Get(step string) Record
	// Put keeps r. It is durable when Put returns, but for what is Noted and for how the call of a write ended that stays Sent: nothing depends on those yet.
	Put(ctx context.Context, step string, r Record) error
	// Settling says that nobody asked again: a mutation that has had no effect is closed, not sent.
	Settling() bool
	// AwaitCreation waits until no other mutation that began before may have created a resource that looks like this one, without knowing it. Its error says that none of
	// this mutation is to be sent.
	AwaitCreation(ctx context.Context, resource proto.Message) error
}

// ErrNoEffect answers a settling run of a mutation that never took effect, and now never will.
var ErrNoEffect = errors.New("mutation: had no effect")

// ErrOwed is joined to the OUTCOME_UNKNOWN of a Send that is known to have had no effect, and that the next run is to make again: what was done before is not complete
// without it.
var ErrOwed = errors.New("mutation: the write is still to be made")

// CallAgain ends the message of a write whose outcome is not known.
const CallAgain = "; call again with the same request_id to settle it"

// ErrUnsettleable is joined to an OUTCOME_UNKNOWN that stays one: running the method again would tell no more.
var ErrUnsettleable = errors.New("mutation: it cannot be settled")

// longest bounds a write and its record.
const longest = time.Minute

// run is one run of a mutating method, or of one part of it.
type run struct {
	log    Log
	prefix string      // of the names of its steps
	effect atomic.Bool // a step took effect, so the rest must be finished
	trial  *Trial      // not nil: nothing is sent
}

type key struct{}

// NewContext makes a context in which one mutating method can run once, on the steps that log holds.
func NewContext(ctx context.Context, log Log) context.Context {
	return context.WithValue(ctx, key{}, &run{log: log})
}

// Part makes a context for one item of a batch, whose steps and whose outcome are its own: the name is unique within the method.
func Part(ctx context.Context, name string) context.Context {
	whole, err := fromContext(ctx)
	if err != nil {
		return ctx // the first write says so
	}
	return context.WithValue(ctx, key{}, &run{log: whole.log, prefix: whole.prefix + name + ": ", trial: whole.trial})
}

func fromContext(ctx context.Context) (*run, error) {
	r, ok := ctx.Value(key{}).(*run)
	if !ok {
		return nil, errors.New("mutation: a vendor write outside of a mutation: the method was called without mutation.NewContext")
	}
	return r, nil
}

func (r *run) get(step string) Record { return r.log.Get(r.prefix + step) }

func (r *run) put(ctx context.Context, step string, record Record) error {
	return r.log.Put(ctx, r.prefix+step, record)
}

// Write is one write at a vendor.
type Write[T proto.Message] struct {
	// Step is its name, unique within the method: "suspend".
	Step string
	// Send makes the write once, and calls Leave right before it. Its error is definite, unless it is OUTCOME_UNKNOWN.
	Send func(context.Context) (T, error)
	// Check reads back whether an earlier Send took effect, and what the vendor would have answered; an error means that this cannot be told now. It is
	// nil where the vendor offers nothing to read back.
	Check func(context.Context) (answer T, took bool, err error)
	// Expect is what Send would answer, as far as that can be told without sending: it answers a trial.
	Expect func() T
}

// Do makes one vendor write.
func Do[T proto.Message](ctx context.Context, w Write[T]) (T, error) {
	var none T
	r, err := fromContext(ctx)
	if err != nil {
		return none, err
	}
	if r.trial != nil {
		return w.try(ctx)
	}
	switch record := r.get(w.Step); record.State {
	case Sent, Lost:
		return w.settle(ctx, r, record)
	case Done:
		r.effect.Store(true)
		return unpack[T](record.Answer)
	case Refused:
		return none, record.Err.Err()
	}
	return w.write(ctx, r)
}

// settle finds out what became of a write that may have taken effect, and makes it again only if it did not.
func (w Write[T]) settle(ctx context.Context, r *run, record Record) (T, error) {
	var none T
	switch {
	case w.Check == nil && record.State == Lost && record.Err != nil:
		return none, record.Err.Err()
	case w.Check == nil:
		return none, w.lose(ctx, r, apierror.OutcomeUnknown("%s: an earlier attempt may have taken effect", w.Step), 0)
	}
	began := time.Now() // what is read tells nothing of later
	answer, took, err := w.Check(ctx)
	switch {
	case err != nil:
		return none, apierror.OutcomeUnknown("%s: an earlier attempt may have taken effect, and reading that back failed: %v", w.Step, err)
	case took:
		return w.keep(ctx, r, answer, 0)
	case began.Before(record.QuietFrom):
		unknown := apierror.OutcomeUnknown("%s: an earlier attempt is not seen at the vendor, which may still be at it: call again with the same request_id%s", w.Step, record.ending())
		unknown.RetryAfter = time.Until(record.QuietFrom)
		return none, unknown
	}
	unmade := apierror.New(codes.Unavailable, pb.ErrorReason_VENDOR_UNAVAILABLE, "had no effect at the vendor%s", record.ending())
	if err := r.put(ctx, w.Step, Record{Err: unmade.GRPCStatus(), HTTPStatus: record.HTTPStatus}); err != nil {
		return none, err
	}
	return w.write(ctx, r)
}

// ending tells how the call of a write ended that stays Sent.
func (r Record) ending() string {
	if r.Err == nil {
		return ""
	}
	return " (it ended so: " + strings.TrimSuffix(r.Err.Message(), CallAgain) + ")"
}

func (w Write[T]) write(ctx context.Context, r *run) (T, error) {
	var none T
	if r.log.Settling() && !r.effect.Load() {
		return none, ErrNoEffect
	}
	if ctx.Err() != nil {
		return none, apierror.FromContext(ctx)
	}
	a, sending := newAttempt(ctx, func(ctx context.Context, over time.Time) error {
		return r.put(ctx, w.Step, Record{State: Sent, Over: over})
	})
	defer a.end()
	answer, err := w.Send(sending)
	switch ctx = context.WithoutCancel(ctx); {
	case a.unrecorded != nil:
		return none, a.unrecorded
	case errors.Is(err, ErrOwed) && a.left:
		return none, errors.Join(err, r.put(ctx, w.Step, Record{Err: apierror.Convert(err).GRPCStatus(), HTTPStatus: a.httpStatus}))
	case apierror.IsOutcomeUnknown(err) && a.left && w.Check == nil:
		return none, w.lose(ctx, r, err, a.httpStatus)
	case apierror.IsOutcomeUnknown(err) && a.left:
		return none, errors.Join(err, r.put(ctx, w.Step, Record{State: Sent, Over: time.Now(), Err: apierror.Convert(err).GRPCStatus(), HTTPStatus: a.httpStatus}))
	case apierror.IsOutcomeUnknown(err):
		return none, err
	case err != nil && !a.left && sending.Err() != nil:
		return none, err // its caller has gone: who calls again has it made
	case err != nil:
		if perr := r.put(ctx, w.Step, Record{State: Refused, Err: apierror.Convert(err).GRPCStatus(), HTTPStatus: a.httpStatus}); perr != nil {
			return none, errors.Join(err, perr)
		}
		return none, err
	case !a.left:
		return none, fmt.Errorf("mutation: the write %q was made without Leave, so that it had no record while it was under way", w.Step)
	}
	return w.keep(ctx, r, answer, a.httpStatus)
}

// lose records that nobody will ever know.
func (w Write[T]) lose(ctx context.Context, r *run, unknown error, httpStatus int) error {
	e := *apierror.Convert(unknown)
	e.Message = strings.TrimSuffix(e.Message, CallAgain) + "; the vendor offers nothing to read that back: look at the vendor's console, and if it is not there, make a new call, with a new request_id"
	if err := r.put(ctx, w.Step, Record{State: Lost, Err: e.GRPCStatus(), HTTPStatus: httpStatus}); err != nil {
		return errors.Join(&e, err)
	}
	return &e
}

// keep records that a step took effect.
func (w Write[T]) keep(ctx context.Context, r *run, answer T, httpStatus int) (T, error) {
	var none T
	r.effect.Store(true)
	packed, err := anypb.New(answer)
	if err == nil {
		err = r.put(ctx, w.Step, Record{State: Done, Answer: packed, HTTPStatus: httpStatus})
	}
	if err != nil {
		return none, apierror.OutcomeUnknown("%s: took effect, but that could not be recorded; call again with the same request_id", w.Step)
	}
	return answer, nil
}

// Note keeps what later steps depend on as it was when the method first ran.
func Note[T proto.Message](ctx context.Context, step string, read func(context.Context) (T, error)) (T, error) {
	var none T
	r, err := fromContext(ctx)
	if err != nil {
		return none, err
	}
	if record := r.get(step); record.State == Noted {
		return unpack[T](record.Answer)
	}
	v, err := read(ctx)
	if err != nil || r.trial != nil {
		return v, err
	}
	packed, err := anypb.New(v)
	if err != nil {
		return none, err
	}
	return v, r.put(ctx, step, Record{State: Noted, Answer: packed})
}

// NoteStanding is Note of a resource that the method is to remove, or to make look like another one. It waits for the mutations that may have created it, or are to
// create what it becomes, and do not know yet what came of that: the former would not find it again, take it for not made, and make it a second time; the latter would
// take it for their own.
func NoteStanding[T proto.Message](ctx context.Context, step string, read func(context.Context) (T, error), becomes ...T) (T, error) {
	return Note(ctx, step, func(ctx context.Context) (T, error) {
		standing, err := read(ctx)
		r, outside := fromContext(ctx)
		if err != nil || outside != nil || r.trial != nil {
			return standing, err
		}
		for _, resource := range append(becomes, standing) { // not before it was read: what begins after that takes it neither for not made nor for its own
			if err := r.log.AwaitCreation(ctx, resource); err != nil {
				return standing, err
			}
		}
		return standing, nil
	})
}

func unpack[T proto.Message](packed *anypb.Any) (T, error) {
	var none T
	m, err := packed.UnmarshalNew()
	if err != nil {
		return none, err
	}
	answer, ok := m.(T)
	if !ok {
		return none, errors.New("mutation: the record holds a " + string(m.ProtoReflect().Descriptor().FullName()))
	}
	return answer, nil
}
