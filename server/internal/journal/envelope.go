package journal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/auth"
	"github.com/drmhub/drmhub/server/internal/contract"
	"github.com/drmhub/drmhub/server/internal/journal/decide"
)

const (
	// nameHeader is the metadata that names a call's record.
	nameHeader = "drmhub-mutation"
	// poll is how often it is looked whether another replica has finished.
	poll = 100 * time.Millisecond
)

// mutating is a request that changes something at a vendor. The contract gives every such request,
// and no other but ResendMutation's, these two fields.
type mutating interface {
	proto.Message
	GetRequestId() string
	GetValidateOnly() bool
}

// Unary is the envelope as an interceptor. It stands after authorization and validation, directly
// around the service.
func (j *Journal) Unary(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
	m, ok := req.(mutating)
	if !ok || !contract.Mutates(info.FullMethod) {
		return handler(ctx, req)
	}
	call := func(ctx context.Context) (proto.Message, error) {
		answer, err := handler(ctx, req)
		message, _ := answer.(proto.Message)
		return message, err
	}
	if m.GetValidateOnly() {
		if err := j.checkRequestIDFree(ctx, info.FullMethod, m); err != nil {
			return nil, err
		}
		return try(ctx, call)
	}
	for {
		r, locked, err := j.insertOrFind(ctx, info.FullMethod, m)
		if err != nil {
			return nil, err
		}
		answer, err := j.replayOrRun(ctx, r, locked, m, call)
		if errors.Is(err, errForgotten) {
			continue // it was too old just now: this call is a new one
		}
		tellName(ctx, r)
		if err != nil {
			return nil, withName(err, r)
		}
		nameItems(answer, r)
		return answer, nil
	}
}

// tellName names the record in the metadata of the answer.
func tellName(ctx context.Context, r *record) {
	_ = grpc.SetHeader(ctx, metadata.Pairs(nameHeader, r.name())) // fails outside of a server alone
}

func withName(err error, r *record) error {
	named := apierror.Convert(err).With(apierror.MutationName, r.name())
	if named.Reason == pb.ErrorReason_INTERNAL_FAILURE {
		return fmt.Errorf("%w (%s: %w)", named, r.name(), err)
	}
	return named
}

// nameItems names the record in those items of a batch whose outcome is unknown.
func nameItems(answer proto.Message, r *record) {
	batch, ok := answer.(results)
	if !ok {
		return
	}
	for _, item := range batch.GetResults() {
		if err := status.ErrorProto(item.GetError()); apierror.IsOutcomeUnknown(err) {
			item.Result = &pb.ProductLicenseResult_Error{Error: apierror.Convert(err).With(apierror.MutationName, r.name()).GRPCStatus().Proto()}
		}
	}
}

// results is the answer of a batch.
type results interface {
	GetResults() []*pb.ProductLicenseResult
}

// insertOrFind records the intent of a call. If its request_id is known, it returns the record of
// the earlier call, which this call does not own.
func (j *Journal) insertOrFind(ctx context.Context, fullMethod string, req mutating) (r *record, locked bool, err error) {
	if r, err = j.newRecord(ctx, fullMethod, req); err != nil {
		return nil, false, err
	}
	known, locked, err := j.insert(ctx, r, r.locks(req))
	switch {
	case err != nil:
		j.releaseLater(r) // it may stand there all the same
		return nil, false, err
	case known == nil:
		return r, locked, nil
	case !bytes.Equal(known.digest, r.digest):
		return nil, false, errRequestIDReused(ctx, known)
	}
	return known, false, nil
}

// checkRequestIDFree refuses a dry run whose request_id was used for another request.
func (j *Journal) checkRequestIDFree(ctx context.Context, fullMethod string, req mutating) error {
	if req.GetRequestId() == "" {
		return nil
	}
	known, err := j.known(ctx, auth.FromContext(ctx).Subject, strings.ToLower(req.GetRequestId()))
	if known == nil || err != nil {
		return err
	}
	digest, err := j.Digest(fullMethod, req)
	if err == nil && !bytes.Equal(known.digest, digest) {
		err = errRequestIDReused(ctx, known)
	}
	return err
}

func errRequestIDReused(ctx context.Context, known *record) error {
	tellName(ctx, known)
	return apierror.New(codes.AlreadyExists, pb.ErrorReason_REQUEST_ID_REUSED,
		"request_id %s was used before, with another request: nothing was sent; take a new id for a new request", known.requestID).With(apierror.MutationName, known.name())
}

// replayOrRun answers a call from its record, or runs its method.
func (j *Journal) replayOrRun(ctx context.Context, r *record, locked bool, req mutating, call method) (proto.Message, error) {
	if r.owner != "" {
		return j.lockAndRun(ctx, r, j.newSteps(r), locked, req, call)
	}
	came := time.Now()
	claimed, err := j.await(ctx, r.id)
	if err != nil {
		return nil, r.errCannotLookUp(err)
	}
	s := j.loadedSteps(claimed)
	if decide.Come(claimed.known(s, came)) == decide.Replay {
		j.abandon(ctx, claimed)
		return claimed.replay()
	}
	return j.lockAndRun(ctx, claimed, s, locked, req, call)
}

// known returns what is known of a mutation that nobody else runs, for a call that came then.
func (r *record) known(s *steps, came time.Time) decide.Known {
	return decide.Known{
		State:          r.state,
		Steps:          s.summary(),
		HasAnswer:      r.answer != nil,
		Retryable:      apierror.Retryable(codes.Code(r.err.GetCode())),
		EndedMeanwhile: r.settled.After(came),
	}
}

// lockAndRun runs the method of a mutation that this call owns, once it holds the locks.
func (j *Journal) lockAndRun(ctx context.Context, r *record, s *steps, locked bool, req mutating, call method) (proto.Message, error) {
	var err error
	switch {
	case decide.IsOver(r.state):
		err = j.reopen(ctx, r, s, r.locks(req))
	case !locked:
		err = j.lock(ctx, r, r.locks(req), alone)
	}
	var o outcome
	if err != nil {
		o = j.complete(ctx, r, s, nil, err)
	} else {
		o = j.run(ctx, r, s, call)
	}
	return o.answer, o.err
}

// errCannotLookUp is the error of a call that could not find out what an earlier one with its
// request_id did.
func (r *record) errCannotLookUp(err error) error {
	if r.state == pb.Mutation_FAILED || errors.Is(err, errForgotten) || apierror.IsOutcomeUnknown(err) {
		return err
	}
	return errors.Join(apierror.OutcomeUnknown("an earlier call with this request_id may have taken effect, which cannot be looked into now; call again with it: %s", apierror.Convert(err).Message), err)
}

// errForgotten says that a record is not there any more.
var errForgotten = errors.New("journal: the record was deleted, since it was settled long ago")

// await waits until nobody runs a mutation any more, and claims it for this call. One that has
// succeeded is only read, since there is nothing to run.
func (j *Journal) await(ctx context.Context, id string) (*record, error) {
	for {
		changed := j.anyChange()
		r, err := j.load(ctx, id)
		switch {
		case err == nil && decide.Come(decide.Known{State: r.state}) == decide.Replay:
			return r, nil
		case err == nil:
			r, err = j.claim(ctx, id)
		case apierror.Convert(err).Code == codes.NotFound:
			return nil, errors.Join(err, errForgotten)
		}
		if r != nil || err != nil && ctx.Err() == nil {
			return r, err
		}
		if !wait(ctx, changed) {
			return nil, apierror.OutcomeUnknown("another call is still at this mutation; call again with the same request_id to learn the outcome")
		}
	}
}

// wait waits for a change, and a moment at most, since other replicas do not announce theirs. It is
// false when ctx ends.
func wait(ctx context.Context, changed <-chan struct{}) bool {
	timer := time.NewTimer(poll)
	defer timer.Stop()
	select {
	case <-changed:
	case <-timer.C:
	case <-ctx.Done():
		return false
	}
	return true
}
