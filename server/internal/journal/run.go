package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/mutation"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/internal/panics"
	"github.com/drmhub/drmhub/server/internal/audit"
	"github.com/drmhub/drmhub/server/internal/journal/decide"
	"github.com/drmhub/drmhub/server/internal/redact"
)

// method is a mutating method with its request.
type method func(context.Context) (proto.Message, error)

// outcome is what a run tells.
type outcome struct {
	answer   proto.Message
	err      error
	recorded bool // the store holds it
}

// unrecorded is the error of a run whose end the store does not hold.
func (o outcome) unrecorded() error {
	if o.recorded {
		return nil
	}
	return o.err
}

// run runs the method of a mutation that this call owns, and records how it ended. It no longer
// waits for it once its caller has left and a write may have reached the vendor.
func (j *Journal) run(ctx context.Context, r *record, s *steps, call method) outcome {
	done := make(chan outcome, 1)
	j.mu.Lock()
	j.running++
	j.mu.Unlock()
	go func() {
		answer, err := j.guarded(mutation.NewContext(ctx, s), r, call)
		o := j.complete(ctx, r, s, answer, err)
		j.mu.Lock()
		j.running--
		j.mu.Unlock()
		j.announce()
		done <- o
	}()
	select {
	case o := <-done:
		return o
	case <-ctx.Done():
	}
	// A write of an earlier run counts, too: this run may take long to settle it.
	if !s.summary().MayHaveEffect() {
		select {
		case o := <-done:
			return o
		case <-s.sent:
		}
	}
	select {
	case o := <-done: // both have come at the same time
		return o
	default:
	}
	return outcome{err: apierror.OutcomeUnknown("the deadline passed while the vendor was at it; call again with the same request_id to learn the outcome")}
}

// guarded calls a method, and makes a panic an error like any other: what it had done by then is
// settled all the same.
func (j *Journal) guarded(ctx context.Context, r *record, call method) (answer proto.Message, err error) {
	if p := panics.Catch(func() { answer, err = call(ctx) }); p != nil {
		j.options.Log.ErrorContext(ctx, "a call panicked", "mutation", r.name(), "panic", p.Value, "stack", string(p.Stack))
		return nil, errPanicked
	}
	if err == nil && answer == nil {
		err = errors.New("the method answered neither a message nor an error")
	}
	return answer, err
}

var errPanicked = apierror.New(codes.Internal, pb.ErrorReason_INTERNAL_FAILURE, "drmhub failed in a way it should not; its log says more")

// complete records how a run ended, together with its audit event, and releases the mutation. It
// returns what the caller is told.
func (j *Journal) complete(ctx context.Context, r *record, s *steps, answer proto.Message, failure error) outcome {
	defer j.announce()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), j.options.Lease)
	defer cancel()
	now := time.Now()
	before := r.state
	decision := decide.End(s.evidence(answer, failure))
	told := tell(decision.Told, failure)
	r.end(decision.State, now, answer, told)
	r.vendorHTTPStatus = s.lastStatus()
	if r.state == pb.Mutation_UNKNOWN {
		level := slog.LevelWarn
		if before == pb.Mutation_UNKNOWN {
			level = slog.LevelDebug // the log said so when it became unknown
		}
		j.options.Log.Log(ctx, level, "the outcome of a mutation is unknown",
			"mutation", r.name(), "attempts", r.attempts, "error", failure)
	}
	settleAt := time.Time{}
	if decision.Next == decide.Settle {
		settleAt = now.Add(j.pause(r.attempts))
	}
	nothingNew := s.settling && before == r.state
	err := j.persist(ctx, r, s, settleAt, nothingNew)
	switch {
	case err == nil && told != nil:
		return outcome{err: told, recorded: true}
	case err == nil:
		return outcome{answer: answer, recorded: true}
	}
	j.options.Log.ErrorContext(ctx, "the end of a mutation could not be recorded: it is settled later",
		"mutation", r.name(), "error", err)
	j.releaseLater(r)
	if s.summary().MayHaveEffect() || errors.Is(err, errTakenOver) {
		err = errors.Join(apierror.OutcomeUnknown("the outcome of the call could not be recorded"+mutation.RetryAdvice), err)
	}
	return outcome{err: err}
}

// evidence returns what is known when a run ends with this answer or failure.
func (s *steps) evidence(answer proto.Message, failure error) decide.Evidence {
	summary := s.summary()
	s.mu.Lock()
	defer s.mu.Unlock()
	return decide.Evidence{
		Returned:       returned(failure),
		Steps:          summary,
		AllItemsFailed: allItemsFailed(answer),
		MetRefusal:     s.sawRefusal,
		Unrecorded:     s.writeFailed,
		GivenUp:        s.givenUp,
		SentNow:        s.hasSent(),
		Unsettleable:   mutation.IsUnsettleable(failure),
	}
}

func returned(failure error) decide.Returned {
	switch {
	case failure == nil:
		return decide.Answer
	case apierror.IsOutcomeUnknown(failure):
		return decide.OutcomeUnknown
	case errors.Is(failure, errPanicked):
		return decide.Panic
	case mutation.IsNoEffect(failure):
		return decide.NoEffect
	}
	return decide.Error
}

// allItemsFailed reports whether an answer is a batch's, and every item has an error.
func allItemsFailed(answer proto.Message) bool {
	batch, ok := answer.(results)
	succeeded := func(r *pb.ProductLicenseResult) bool { return r.GetError() == nil }
	return ok && !slices.ContainsFunc(batch.GetResults(), succeeded)
}

// tell returns the error for the caller; nil if the caller gets the answer.
func tell(told decide.Told, failure error) error {
	switch told {
	case decide.TellInPart:
		e := *apierror.Convert(failure)
		e.Message = "Outcome unknown: the call took effect in part, or may have. " +
			"Retry with the same request_id to learn the outcome. The error was: " + e.Message
		e.Code, e.Reason, e.Violations = codes.Unknown, pb.ErrorReason_OUTCOME_UNKNOWN, nil
		return &e
	case decide.TellNoEffect:
		return apierror.New(codes.Unavailable, pb.ErrorReason_VENDOR_UNAVAILABLE,
			"the call had no effect at the vendor, and was not sent again: call again")
	}
	return failure
}

// end sets what a record holds of a run that ended.
func (r *record) end(state pb.Mutation_State, now time.Time, answer proto.Message, told error) {
	r.state, r.settled, r.answer, r.err, r.vendorCode = state, time.Time{}, nil, nil, ""
	if decide.IsOver(state) {
		r.settled = now
	}
	switch {
	case told != nil:
		e := apierror.Convert(told)
		r.err, r.vendorCode = e.GRPCStatus().Proto(), apierror.VendorText(e.Metadata[apierror.VendorCode])
	case decide.IsOver(state):
		r.answer = redact.Without(answer)
	}
}

// persist writes the state, answer and audit event of a run that ended, in one transaction.
func (j *Journal) persist(ctx context.Context, r *record, s *steps, settleAt time.Time, nothingNew bool) error {
	var answer *anypb.Any
	if r.answer != nil {
		var err error
		if answer, err = anypb.New(r.answer); err != nil {
			return err
		}
	}
	packed, err := marshalled(answer)
	if err != nil {
		return err
	}
	failure, err := marshalled(r.err)
	if err != nil {
		return err
	}
	var kept audit.Event
	err = j.db.Write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		err := r.update(ctx, tx, "owner = '', state = $3, answer = $4, error = $5, vendor_http_status = $6, vendor_code = $7, settle_time = $8, settle_at = $9, attempts = $10",
			r.state, packed, failure, r.vendorHTTPStatus, r.vendorCode, micros(r.settled), micros(settleAt), r.attempts)
		if err != nil {
			return err
		}
		for _, doubtful := range s.filter(func(known *step) bool { return !known.durable && known.State != mutation.Snapshotted }) {
			if err := doubtful.write(ctx, tx, r); err != nil {
				return err
			}
		}
		if settleAt.IsZero() {
			if _, err := tx.ExecContext(ctx, "DELETE FROM locks WHERE mutation = $1", r.id); err != nil {
				return err
			}
		}
		if nothingNew {
			return nil
		}
		kept, err = j.audit.Append(ctx, tx, audit.Event{
			Subject: r.actor, Method: r.method, Resource: r.resource, RequestDigest: fmt.Sprintf("%x", r.digest),
			Outcome: r.outcome(), VendorCode: r.vendorCode,
		})
		return err
	})
	j.audit.Ended(kept, err)
	return unwritable(err)
}

// outcome is the status code that the call ended with, by name.
func (r *record) outcome() string {
	if r.state == pb.Mutation_UNKNOWN {
		return code.Code_UNKNOWN.String()
	}
	return code.Code(r.err.GetCode()).String()
}

// replay answers a call from its record.
func (r *record) replay() (proto.Message, error) {
	if r.answer != nil {
		return r.answer, nil
	}
	return nil, status.FromProto(r.err).Err()
}
