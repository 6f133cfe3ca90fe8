// Package mutation lets an adapter make vendor writes that are neither lost nor repeated.
//
// An adapter's mutating method is plain code in which every vendor write stands in a Do. The method may be run again with the same request, after a
// crash or an unknown outcome: a write that is recorded as done is answered from the record, one that is recorded as sent is read back first.
// Settling a mutation is running its method again.
package mutation

import (
	"context"
	"errors"
	"time"

	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/drmhub/drmhub/adapters/apierror"
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
)

// Record is what is kept of a step.
type Record struct {
	State  State
	Answer *anypb.Any
	Err    *status.Status
}

// Log keeps the steps of one mutation.
type Log interface {
	// Get is what is kept of a step; the zero Record where nothing is.
	Get(step string) Record
	// Put keeps r. It is durable when Put returns.
	Put(ctx context.Context, step string, r Record) error
	// Settling says that nobody asked again: a mutation that has had no effect is closed, not sent.
	Settling() bool
}

// ErrNoEffect answers a settling run of a mutation that never took effect, and now never will.
var ErrNoEffect = errors.New("mutation: had no effect")

// longest bounds a write and its record: from the moment a write may have been sent, it no longer ends with the caller, or every impatient caller
// would make an unknown outcome.
const longest = time.Minute

type run struct {
	log    Log
	effect bool // a step of this mutation took effect, so the rest must be finished
}

type key struct{}

// NewContext makes a context in which one mutating method can run once, on the steps that log holds.
func NewContext(ctx context.Context, log Log) context.Context {
	return context.WithValue(ctx, key{}, &run{log: log})
}

func fromContext(ctx context.Context) (*run, error) {
	r, ok := ctx.Value(key{}).(*run)
	if !ok {
		return nil, errors.New("mutation: a vendor write outside of a mutation: the method was called without mutation.NewContext")
	}
	return r, nil
}

// Do makes one vendor write. The step's name is unique within the method.
//
// send makes the write once. Its error is definite, unless it is OUTCOME_UNKNOWN. check reads back whether an earlier attempt took effect and what the
// vendor would have answered; an error means that this cannot be told now. It is nil where the vendor offers nothing to read back.
func Do[T proto.Message](ctx context.Context, step string, send func(context.Context) (T, error), check func(context.Context) (answer T, took bool, err error)) (T, error) {
	var none T
	r, err := fromContext(ctx)
	if err != nil {
		return none, err
	}
	record := r.log.Get(step)
	if record.State == Sent {
		return settle(ctx, r, step, send, check)
	}
	switch record.State {
	case Done:
		r.effect = true
		return unpack[T](record.Answer)
	case Refused:
		return none, record.Err.Err()
	}
	return write(ctx, r, step, send)
}

// settle finds out what became of a write that may have taken effect, and makes it again only if it did not.
func settle[T proto.Message](ctx context.Context, r *run, step string, send func(context.Context) (T, error), check func(context.Context) (T, bool, error)) (T, error) {
	var none T
	if check == nil {
		return none, apierror.OutcomeUnknown("%s: an earlier attempt may have taken effect, and the vendor offers nothing to read that back: look at the vendor's console", step)
	}
	answer, took, err := check(ctx)
	if err != nil {
		return none, apierror.OutcomeUnknown("%s: an earlier attempt may have taken effect, and reading that back failed: %v", step, err)
	}
	if took {
		return keep(ctx, r, step, answer)
	}
	if err := r.log.Put(ctx, step, Record{}); err != nil {
		return none, err
	}
	return write(ctx, r, step, send)
}

func write[T proto.Message](ctx context.Context, r *run, step string, send func(context.Context) (T, error)) (T, error) {
	var none T
	if r.log.Settling() && !r.effect {
		return none, ErrNoEffect
	}
	if ctx.Err() != nil {
		return none, apierror.FromContext(ctx)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), longest)
	defer cancel()
	if err := r.log.Put(ctx, step, Record{State: Sent}); err != nil {
		return none, err // not sent: no record, no call
	}
	answer, err := send(ctx)
	switch {
	case apierror.IsOutcomeUnknown(err):
		return none, err
	case err != nil:
		if perr := r.log.Put(ctx, step, Record{State: Refused, Err: apierror.Convert(err).GRPCStatus()}); perr != nil {
			return none, errors.Join(err, perr)
		}
		return none, err
	}
	return keep(ctx, r, step, answer)
}

// keep records that a step took effect.
func keep[T proto.Message](ctx context.Context, r *run, step string, answer T) (T, error) {
	var none T
	r.effect = true
	packed, err := anypb.New(answer)
	if err == nil {
		err = r.log.Put(ctx, step, Record{State: Done, Answer: packed})
	}
	if err != nil {
		return none, apierror.OutcomeUnknown("%s: took effect, but that could not be recorded; call again with the same request_id", step)
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
	if record := r.log.Get(step); record.State == Done {
		return unpack[T](record.Answer)
	}
	v, err := read(ctx)
	if err != nil {
		return none, err
	}
	packed, err := anypb.New(v)
	if err != nil {
		return none, err
	}
	return v, r.log.Put(ctx, step, Record{State: Done, Answer: packed})
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
