package journal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/auth"
	"github.com/drmhub/drmhub/server/internal/callinfo"
	"github.com/drmhub/drmhub/server/internal/contract"
	"github.com/drmhub/drmhub/server/internal/journal/decide"
	"github.com/drmhub/drmhub/server/internal/journal/records"
)

const (
	// nameHeader is the metadata that names the mutation of a call.
	nameHeader = "drmhub-mutation"
	// replayedHeader is the metadata that marks an outcome of an earlier call: the record holds it,
	// and this call sent nothing to the vendor.
	replayedHeader = "drmhub-replayed"
)

// mutating is a request that changes something at a vendor. Every such request has these two
// fields. Of the others, only that of ResendMutation has them.
type mutating interface {
	proto.Message
	GetRequestId() string
	GetValidateOnly() bool
}

// results is the response of a batch.
type results interface {
	GetResults() []*pb.ProductLicenseResult
}

// method is a mutating method with its request.
type method func(context.Context) (proto.Message, error)

// A call is a mutating call of a client.
type call struct {
	journal    *Journal
	fullMethod string
	req        mutating
	method     method
}

// Unary is the journal as an interceptor. It is the innermost one, directly around the service.
func (j *Journal) Unary(
	ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler,
) (any, error) {
	m, ok := req.(mutating)
	if !ok || !contract.Mutates(info.FullMethod) {
		return handler(ctx, req)
	}
	c := &call{journal: j, fullMethod: info.FullMethod, req: m}
	c.method = func(ctx context.Context) (proto.Message, error) {
		response, err := handler(ctx, req)
		message, _ := response.(proto.Message)
		return message, err
	}
	if m.GetValidateOnly() {
		if err := c.checkRequestIDFree(ctx); err != nil {
			return nil, err
		}
		return dryRun(ctx, c.method)
	}
	for {
		m, locked, err := c.insertOrFind(ctx)
		if err != nil {
			return nil, err
		}
		response, replayed, err := c.replayOrRun(ctx, m, locked)
		if errors.Is(err, errDeleted) {
			continue // The request_id is free again, so this call is a new one.
		}
		setNameHeader(ctx, m)
		if replayed {
			markReplayed(ctx)
		}
		if err != nil {
			return nil, withName(err, m)
		}
		nameItems(response, m)
		return response, nil
	}
}

// checkRequestIDFree refuses a dry run whose request_id was used for another request.
func (c *call) checkRequestIDFree(ctx context.Context) error {
	if c.req.GetRequestId() == "" {
		return nil
	}
	requestID := strings.ToLower(c.req.GetRequestId())
	known, err := c.journal.records.Find(ctx, auth.FromContext(ctx).Subject, requestID)
	if known == nil || err != nil {
		return err
	}
	return c.checkSame(ctx, known)
}

// checkSame returns an error unless a known mutation has the request of this call.
func (c *call) checkSame(ctx context.Context, known *records.Mutation) error {
	same, err := c.journal.digests.isOf(ctx, known.Digest, c.fullMethod, c.req)
	switch {
	case err != nil:
		setNameHeader(ctx, known)
		return apierror.Convert(err).With(apierror.MutationName, known.Name())
	case !same:
		return errRequestIDReused(ctx, known)
	}
	return nil
}

// insertOrFind records the intent of a call, and takes its locks if all are free. If the request_id
// is known, it returns the mutation of the earlier call, which this call does not own.
func (c *call) insertOrFind(ctx context.Context) (m *records.Mutation, locked bool, err error) {
	if m, err = c.journal.newMutation(ctx, c.fullMethod, c.req); err != nil {
		return nil, false, err
	}
	locks := locksOf(m, c.req)
	if err := c.checkQueues(ctx, m, locks); err != nil {
		return nil, false, err
	}
	known, locked, err := c.journal.records.Insert(ctx, m, locks)
	switch {
	case err != nil:
		c.journal.lease.ReleaseIfClaimed(m, err)
		return nil, false, err
	case known == nil:
		return m, locked, nil
	case !bytes.Equal(known.Digest, m.Digest): // They may be of different forms.
		return known, false, c.checkSame(ctx, known)
	}
	return known, false, nil
}

// replayOrRun returns the recorded outcome of a mutation, or runs its method. replayed reports
// whether the outcome is that of an earlier call.
func (c *call) replayOrRun(
	ctx context.Context, m *records.Mutation, locked bool,
) (response proto.Message, replayed bool, err error) {
	if m.Owner != "" {
		o := c.lockAndRun(ctx, c.journal.newRun(m), locked)
		return o.response, false, o.err
	}
	claimed, err := c.journal.await(ctx, m.ID)
	if err != nil {
		return nil, false, errCannotLookUp(m, err)
	}
	r := c.journal.newRun(claimed)
	if decide.Repeat(r.known(m)) == decide.Replay {
		c.journal.release(ctx, claimed)
		response, err := replay(claimed)
		return response, true, err
	}
	before := r.steps.summary()
	o := c.lockAndRun(ctx, r, locked)
	return o.response, before.MayHaveEffect() && o.recorded && r.onlyFoundOut(), o.err
}

// onlyFoundOut reports whether a run that ended sent nothing, and found the outcome of an earlier
// run.
func (r *run) onlyFoundOut() bool { return !r.steps.hasSent() && decide.IsOver(r.mutation.State) }

// lockAndRun runs the method of a mutation that this call owns, once it holds the locks.
func (c *call) lockAndRun(ctx context.Context, r *run, locked bool) outcome {
	var err error
	switch locks := locksOf(r.mutation, c.req); {
	case decide.IsOver(r.mutation.State):
		err = r.reopen(ctx, locks)
	case !locked:
		err = r.lock(ctx, locks)
	}
	switch {
	case err == nil:
		return r.do(ctx, c.method)
	case decide.IsOver(r.mutation.State): // Nothing ran, so the record keeps why the call failed.
		c.journal.release(ctx, r.mutation)
		return outcome{err: err}
	case r.steps.summary().MayHaveEffect(): // Nobody looked, so the record keeps what is known.
		c.journal.release(ctx, r.mutation)
		return outcome{err: tell(decide.TellInPart, err)}
	}
	return r.complete(ctx, nil, err)
}

// known returns what is known of the mutation, for a call that found it as it was then. It compares
// no time with that of a clock, which may be another replica's, or may have been set back.
func (r *run) known(then *records.Mutation) decide.Known {
	return decide.Known{
		State:          r.mutation.State,
		Steps:          r.steps.summary(),
		HasResponse:    r.mutation.Response != nil,
		Retryable:      apierror.Retryable(codes.Code(r.mutation.Err.GetCode())),
		EndedMeanwhile: !r.mutation.Settled.Equal(then.Settled),
	}
}

// replay returns the recorded outcome of a mutation.
func replay(m *records.Mutation) (proto.Message, error) {
	if m.Response != nil {
		return m.Response, nil
	}
	return nil, status.FromProto(m.Err).Err()
}

// load returns a stored mutation.
func (j *Journal) load(ctx context.Context, id string) (*records.Mutation, error) {
	m, err := j.records.Get(ctx, id)
	if errors.Is(err, records.ErrNotFound) {
		return nil, apierror.NotFound("there is no mutation %q: ListMutations lists those that are kept",
			records.NamePrefix+id)
	}
	return m, err
}

// await blocks until nobody runs a mutation, and claims it for this call. A mutation that succeeded
// is only read, since its method never runs again.
func (j *Journal) await(ctx context.Context, id string) (*records.Mutation, error) {
	place := &place{queues: j.queues}
	defer place.leave()
	for {
		ended, forget := j.runs.next(id)
		m, err := j.claimIfFree(ctx, id)
		wait := m == nil && (err == nil || ctx.Err() != nil)
		if wait = wait && place.take(records.NamePrefix+id, maxRepeats) && awaitChange(ctx, ended); wait {
			forget()
			continue
		}
		forget()
		if m != nil || err != nil && (ctx.Err() == nil || errors.Is(err, errDeleted)) {
			return m, err
		}
		return nil, apierror.OutcomeUnknown("Outcome unknown: another call still runs this mutation. " +
			"Retry with the same request_id to find out.")
	}
}

// claimIfFree claims a mutation, or returns nil while a living replica runs it. It writes nothing
// then. A mutation that succeeded is only read.
func (j *Journal) claimIfFree(ctx context.Context, id string) (*records.Mutation, error) {
	m, err := j.load(ctx, id)
	switch {
	case err == nil && decide.Repeat(decide.Known{State: m.State}) == decide.Replay:
		return m, nil
	case err == nil:
	case apierror.Convert(err).Code == codes.NotFound:
		return nil, errors.Join(err, errDeleted)
	default:
		return nil, err
	}
	if free, err := j.records.Unowned(ctx, id); err != nil || !free {
		return nil, err
	}
	return j.lease.Claim(ctx, id)
}

// release gives back a mutation that this replica owns and does not run.
func (j *Journal) release(ctx context.Context, m *records.Mutation) {
	j.lease.Release(ctx, m)
	j.runs.announce(m.ID)
}

// errDeleted means that the store no longer holds the mutation.
var errDeleted = errors.New("journal: the mutation was deleted, because it was settled long ago")

// errOtherDigestKey is the error of a call whose request cannot be compared with that of the
// earlier call. A client that took it for a refusal could make the change twice.
var errOtherDigestKey = apierror.OutcomeUnknown("Outcome unknown: an earlier call used this request_id, and drmhub " +
	"cannot compare the two requests, since store.digest_key has changed. This call sent nothing. The record of the " +
	"earlier call has its outcome. Restore the key, and retry with the same request_id.")

func errRequestIDReused(ctx context.Context, known *records.Mutation) error {
	setNameHeader(ctx, known)
	e := apierror.New(codes.AlreadyExists, pb.ErrorReason_REQUEST_ID_REUSED,
		"Nothing was sent: request_id %s was used before, with another request. Use a new id for a new request.",
		known.RequestID)
	return e.With(apierror.MutationName, known.Name())
}

// errCannotLookUp is the error of a call that could not find out what the earlier call with its
// request_id did.
func errCannotLookUp(m *records.Mutation, err error) error {
	if m.State == pb.Mutation_FAILED || errors.Is(err, errDeleted) || apierror.IsOutcomeUnknown(err) {
		return err
	}
	return errors.Join(apierror.OutcomeUnknown("Outcome unknown: an earlier call with this request_id may have "+
		"taken effect. Retry with the same request_id to find out. Looking it up failed: %s",
		apierror.Convert(err).Message), err)
}

// setNameHeader names the mutation in the metadata of the response, and in the line of the call in
// the log.
func setNameHeader(ctx context.Context, m *records.Mutation) {
	callinfo.FromContext(ctx).SetMutation(m.Name())
	_ = grpc.SetHeader(ctx, metadata.Pairs(nameHeader, m.Name())) // It fails only outside of a server.
}

// markReplayed says in the metadata of the response that the outcome is that of an earlier call.
func markReplayed(ctx context.Context) {
	_ = grpc.SetHeader(ctx, metadata.Pairs(replayedHeader, "true")) // It fails only outside of a server.
}

func withName(err error, m *records.Mutation) error {
	named := advise(apierror.Convert(err), m).With(apierror.MutationName, m.Name())
	if named.Reason == pb.ErrorReason_INTERNAL_FAILURE {
		return fmt.Errorf("%w (%s: %w)", named, m.Name(), err)
	}
	return named
}

// nameItems names the mutation in the items of a batch whose outcome is unknown.
func nameItems(response proto.Message, m *records.Mutation) {
	batch, ok := response.(results)
	if !ok {
		return
	}
	for _, item := range batch.GetResults() {
		if err := status.ErrorProto(item.GetError()); apierror.IsOutcomeUnknown(err) {
			named := advise(apierror.Convert(err), m).With(apierror.MutationName, m.Name())
			item.Result = &pb.ProductLicenseResult_Error{Error: named.GRPCStatus().Proto()}
		}
	}
}
