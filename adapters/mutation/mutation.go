// Package mutation lets an adapter make vendor writes that are not lost and not repeated.
//
// An adapter's mutating method is plain code. Each of its vendor writes is a call of Do, and each
// read that later steps depend on is a call of Snapshot. Both keep what they learned in a Log.
//
// The method may run again with the same request, after a crash or an unknown outcome. This is
// replay: a write that is recorded as done returns its recorded response, and one that is recorded
// as sent is read back first. To settle a mutation is to run its method again.
//
// Two names of this package need a word:
//
//   - An Attempt tells Send whether the write was sent before, by an earlier run.
//   - A run is Settling if no caller waits for it. It finds out what happened. If nothing has taken
//     effect, it sends nothing.
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

// A State says how far a step has come. The journal stores these numbers: never change or reuse
// one.
type State int

const (
	// NotSent means that nothing was sent, or that what was sent is known to have had no effect.
	NotSent State = 0
	// Sent means that the write may have taken effect.
	Sent State = 1
	// Done means that the write took effect. Response holds the vendor's response.
	Done State = 2
	// Refused means that the vendor refused the write, or that nothing reached it. Err says why.
	Refused State = 3
	// Unverifiable means that the write may have taken effect, and that the vendor offers nothing
	// to read it back.
	Unverifiable State = 4
	// Snapshotted means that Response holds what a Snapshot read. The step is not a write.
	Snapshotted State = 5
)

// A Record is a step as its Log keeps it.
type Record struct {
	State    State
	Response *anypb.Any
	Err      *status.Status
	// HTTPStatus is the status of the vendor's response to the write. It is 0 if there was no
	// response, or if the write was read back.
	HTTPStatus int
	// EndsBy is the latest time at which the call of a Sent write ends, with a response or without.
	// Once the call has ended, Err says how.
	EndsBy time.Time
	// EffectDeadline is the time from which a Sent write can no longer take effect. Before it, a
	// write that is missing at the vendor proves nothing. The log sets it.
	EffectDeadline time.Time
}

// A Log keeps the steps of one mutation. It may be used by many goroutines.
type Log interface {
	// Get returns the record of a step, or the zero Record if the log has no such step.
	Get(step string) Record
	// Put returns once r is durable, with all records that Note has kept.
	Put(ctx context.Context, step string, r Record) error
	// Note keeps r, which becomes durable with the next Put, with Flush, or with the end of the
	// run.
	Note(step string, r Record) error
	// Flush returns once the outcomes of writes that Note has kept are durable. Other records may
	// wait, since nothing depends on them before the next Put.
	Flush(ctx context.Context) error
	// Settling reports whether this run has no caller. Such a run closes a mutation that had no
	// effect, and does not send it.
	Settling() bool
	// AwaitCreation blocks while an older, unsettled mutation may have created this resource. On
	// error, the caller must send nothing.
	AwaitCreation(ctx context.Context, resource proto.Message) error
}

// RetryAdvice ends the message of a write whose outcome is unknown.
const RetryAdvice = ". The change may have been made. Retry with the same request_id to find out."

// run is one run of a mutating method, or of one item of a batch.
type run struct {
	log      Log
	prefix   string      // of the step names
	effect   atomic.Bool // a step took effect, so the run must finish the rest
	dryRun   *DryRun     // if set, nothing is sent
	requests *requests   // items of a batch share them
}

type key struct{}

// NewContext returns a context in which one mutating method can run once, on the steps in log.
func NewContext(ctx context.Context, log Log) context.Context {
	return context.WithValue(ctx, key{}, &run{log: log, requests: new(requests)})
}

// ItemContext returns a context for one item of a batch. The item has its own steps and its own
// outcome. The name must be unique within the method.
func ItemContext(ctx context.Context, name string) context.Context {
	whole, err := fromContext(ctx)
	if err != nil {
		return ctx // the first write says so
	}
	item := &run{log: whole.log, prefix: whole.prefix + name + ": ", dryRun: whole.dryRun, requests: whole.requests}
	return context.WithValue(ctx, key{}, item)
}

// Running reports whether ctx is that of a mutating method, other than a dry run.
func Running(ctx context.Context) bool {
	r, err := fromContext(ctx)
	return err == nil && r.dryRun == nil
}

// Settling reports whether ctx is that of a mutating method that runs without a caller, to find out
// what happened.
func Settling(ctx context.Context) bool {
	r, err := fromContext(ctx)
	return err == nil && r.dryRun == nil && r.log.Settling()
}

var errOutside = errors.New("mutation: a vendor write outside of a mutation: " +
	"the method was called without mutation.NewContext")

func fromContext(ctx context.Context) (*run, error) {
	r, ok := ctx.Value(key{}).(*run)
	if !ok {
		return nil, errOutside
	}
	return r, nil
}

func (r *run) get(step string) Record { return r.log.Get(r.prefix + step) }

func (r *run) put(ctx context.Context, step string, record Record) error {
	return r.log.Put(ctx, r.prefix+step, record)
}

func (r *run) note(step string, record Record) error { return r.log.Note(r.prefix+step, record) }

// A Write is one write at a vendor.
type Write[T proto.Message] struct {
	// Step names the write, uniquely within the method: "suspend".
	Step string
	// Send makes the write once. It calls RecordSend immediately before the first byte. Its error
	// is definite unless it is OUTCOME_UNKNOWN. A refusal with an unknown code of the vendor, or
	// from a proxy, is read back first.
	Send func(context.Context, Attempt) (T, error)
	// ReadBack reports whether an earlier Send took effect, and returns what Send would have
	// returned. An error means that this cannot be determined now. ReadBack is nil if the vendor
	// offers nothing to read back.
	ReadBack func(context.Context) (response T, took bool, err error)
	// CannotDisprove is whether ReadBack can miss an effect at any time, because the vendor shows
	// an older state. Such a write is never sent again. It stays Unverifiable if ReadBack does not
	// show its effect by the EffectDeadline.
	CannotDisprove bool
	// Preview returns what Send would return, as far as known without sending. A dry run returns
	// it.
	Preview func() T
}

// An Attempt is what Send knows of the attempts before its own.
type Attempt struct {
	// Resend reports whether the write was sent before. ReadBack did not find its effect, but it
	// may have arrived since: a refusal then may be due to the earlier attempt.
	Resend bool
}

// Do makes one vendor write, or returns what an earlier run of the method learned about it.
func Do[T proto.Message](ctx context.Context, w Write[T]) (T, error) {
	var none T
	r, err := fromContext(ctx)
	if err != nil {
		return none, err
	}
	if r.dryRun != nil {
		return w.dryRun(ctx)
	}
	record := r.get(w.Step)
	switch record.State {
	case Sent, Unverifiable:
		return w.settle(ctx, r, record)
	case Done:
		r.effect.Store(true)
		return unpack[T](record.Response)
	case Refused:
		return none, record.Err.Err()
	}
	return w.write(ctx, r, Attempt{Resend: record.Err != nil})
}

// settle reads back a write that may have taken effect, and sends it again only if it did not.
func (w Write[T]) settle(ctx context.Context, r *run, record Record) (T, error) {
	var none T
	switch {
	case w.ReadBack == nil && record.State == Unverifiable && record.Err != nil:
		return none, record.Err.Err()
	case w.ReadBack == nil:
		unknown := apierror.OutcomeUnknown("%s: an earlier attempt may have taken effect", w.Step)
		return none, w.recordUnverifiable(ctx, r, unknown, 0)
	}
	began := time.Now() // the read proves nothing about a later effect
	response, took, err := w.ReadBack(ctx)
	switch {
	case err != nil:
		return none, apierror.OutcomeUnknown(
			"%s: an earlier attempt may have taken effect, and reading that back failed: %v", w.Step, err)
	case took:
		return w.recordDone(ctx, r, response, 0)
	case w.CannotDisprove && record.State == Unverifiable && record.Err != nil:
		return none, record.Err.Err()
	case began.Before(record.EffectDeadline):
		unknown := apierror.OutcomeUnknown("%s: the vendor does not show the change yet and may still be "+
			"processing it. Retry with the same request_id after the retry delay%s", w.Step, record.ending())
		unknown.RetryAfter = time.Until(record.EffectDeadline)
		return none, unknown
	case w.CannotDisprove:
		unknown := apierror.OutcomeUnknown("%s: the vendor does not show the change, and may show an older state%s",
			w.Step, record.ending())
		return none, w.recordUnverifiable(ctx, r, unknown, record.HTTPStatus)
	}
	unmade := apierror.New(codes.Unavailable, pb.ErrorReason_VENDOR_UNAVAILABLE,
		"had no effect at the vendor%s", record.ending())
	if err := r.put(ctx, w.Step, Record{Err: unmade.GRPCStatus(), HTTPStatus: record.HTTPStatus}); err != nil {
		return none, err
	}
	return w.write(ctx, r, Attempt{Resend: true})
}

// ending describes how the call of a write that stays Sent ended.
func (r Record) ending() string {
	if r.Err == nil {
		return ""
	}
	return " (it ended so: " + strings.TrimSuffix(r.Err.Message(), RetryAdvice) + ")"
}

func (w Write[T]) write(ctx context.Context, r *run, attempt Attempt) (T, error) {
	var none T
	if r.log.Settling() && !r.effect.Load() {
		return none, NoEffect()
	}
	if ctx.Err() != nil {
		return none, apierror.FromContext(ctx)
	}
	c, sending := newCall(ctx, func(ctx context.Context, endsBy time.Time) error {
		return r.put(ctx, w.Step, Record{State: Sent, EndsBy: endsBy})
	})
	defer c.end()
	response, err := w.Send(sending, attempt)
	if c.left && w.ReadBack != nil && mayHideEffect(err) {
		response, err = w.verify(ctx, err)
	}
	ended := Record{HTTPStatus: c.httpStatus}
	if err != nil {
		ended.Err = apierror.Convert(err).GRPCStatus()
	}
	switch ctx = context.WithoutCancel(ctx); {
	case c.unrecorded != nil:
		return none, c.unrecorded
	case means(err, mustResend) && c.left:
		return none, errors.Join(err, r.put(ctx, w.Step, ended))
	case apierror.IsOutcomeUnknown(err) && c.left && w.ReadBack == nil:
		return none, w.recordUnverifiable(ctx, r, err, c.httpStatus)
	case apierror.IsOutcomeUnknown(err) && c.left:
		ended.State, ended.EndsBy = Sent, time.Now()
		return none, errors.Join(err, r.note(w.Step, ended))
	case apierror.IsOutcomeUnknown(err):
		return none, err
	case err != nil && !c.left && sending.Err() != nil:
		return none, err // the caller left before the write did; a retry sends it
	case err != nil:
		ended.State = Refused
		if perr := r.putOutcome(ctx, w.Step, ended); perr != nil {
			return none, &Error{errors.Join(err, perr), unrecorded}
		}
		return none, err
	case !c.left:
		return none, fmt.Errorf("mutation: the write %q did not call RecordSend before it was sent", w.Step)
	}
	return w.recordDone(ctx, r, response, c.httpStatus)
}

// verify reads back a write after refused, an error that may hide an effect. It returns refused
// only if the vendor does not show the effect.
func (w Write[T]) verify(ctx context.Context, refused error) (T, error) {
	var none T
	response, took, err := w.ReadBack(ctx)
	switch {
	case err != nil:
		e := apierror.Convert(refused)
		unknown := apierror.OutcomeUnknown("Outcome unknown: %s Reading the change back failed: %v%s",
			strings.TrimSuffix(e.Message, ".")+".", err, RetryAdvice)
		unknown.Metadata = e.Metadata
		return none, unknown
	case took:
		return response, nil
	}
	return none, refused
}

// recordUnverifiable records that the outcome can never be verified.
func (w Write[T]) recordUnverifiable(ctx context.Context, r *run, unknown error, httpStatus int) error {
	e := *apierror.Convert(unknown)
	e.Message = strings.TrimSuffix(e.Message, RetryAdvice) +
		". This change cannot be verified automatically. Check the vendor's console; " +
		"if it is missing, send it again with a new request_id."
	lost := Record{State: Unverifiable, Err: e.GRPCStatus(), HTTPStatus: httpStatus}
	if err := r.putOutcome(ctx, w.Step, lost); err != nil {
		return errors.Join(&e, err)
	}
	return &e
}

// recordDone records that a write took effect.
func (w Write[T]) recordDone(ctx context.Context, r *run, response T, httpStatus int) (T, error) {
	var none T
	r.effect.Store(true)
	packed, err := anypb.New(response)
	if err == nil {
		err = r.putOutcome(ctx, w.Step, Record{State: Done, Response: packed, HTTPStatus: httpStatus})
	}
	if err != nil {
		return none, apierror.OutcomeUnknown(
			"%s: took effect, but that could not be recorded. Retry with the same request_id.", w.Step)
	}
	return response, nil
}
