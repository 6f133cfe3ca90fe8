package journal

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/mutation"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/internal/panics"
	"github.com/drmhub/drmhub/server/internal/audit"
	"github.com/drmhub/drmhub/server/internal/journal/decide"
	"github.com/drmhub/drmhub/server/internal/journal/records"
	"github.com/drmhub/drmhub/server/internal/redact"
	"github.com/drmhub/drmhub/server/internal/store"
)

// A run is one run of the method of a mutation that this replica owns.
type run struct {
	journal  *Journal
	mutation *records.Mutation
	steps    *steps
	actor    string // the subject of the call that asked for this run
	began    time.Time
}

// newRun returns a run of a mutation that this replica owns.
func (j *Journal) newRun(m *records.Mutation) *run {
	return &run{journal: j, mutation: m, steps: newSteps(j, m), actor: m.Subject, began: time.Now()}
}

// An outcome is what a run returns to its caller.
type outcome struct {
	response proto.Message
	err      error
	recorded bool // the store holds the end of the run
}

// unrecorded returns the error of a run whose end the store does not hold.
func (o outcome) unrecorded() error {
	if o.recorded {
		return nil
	}
	return o.err
}

// do runs the method, and records how it ended. When the caller leaves and a write may have reached
// the vendor, do returns early, and the method runs on.
func (r *run) do(ctx context.Context, m method) outcome {
	done := make(chan outcome, 1)
	r.journal.runs.begin()
	go func() {
		response, err := r.call(mutation.NewContext(ctx, r.steps), m)
		o := r.complete(ctx, response, err)
		r.journal.runs.end()
		done <- o
	}()
	select {
	case o := <-done:
		return o
	case <-ctx.Done():
	}
	// A write of an earlier run counts too, since this run may take long to settle it.
	if !r.steps.summary().MayHaveEffect() {
		select {
		case o := <-done:
			return o
		case <-r.steps.sent:
		}
	}
	select {
	case o := <-done: // Both events came at the same time.
		return o
	default:
	}
	return outcome{err: apierror.OutcomeUnknown("Outcome unknown: the deadline passed before the vendor responded. " +
		"Retry with the same request_id to find out.")}
}

// call calls the method, and turns a panic into an error. What the method did before the panic is
// settled as usual.
func (r *run) call(ctx context.Context, m method) (response proto.Message, err error) {
	if err := r.checkAccount(); err != nil {
		return nil, err
	}
	if p := panics.Catch(func() { response, err = m(ctx) }); p != nil {
		r.journal.options.Log.ErrorContext(ctx, "a call panicked",
			"mutation", r.mutation.Name(), "panic", p.Value, "stack", string(p.Stack))
		return nil, errPanicked
	}
	if err == nil && response == nil {
		err = errors.New("the method returned no message and no error")
	}
	return response, err
}

// checkAccount returns an error if the id of the vendor has come to mean another account. What that
// account shows proves nothing about the mutation, and a write that is sent again would change
// something else.
func (r *run) checkAccount() error {
	if !r.isOfOtherAccount() {
		return nil
	}
	if r.steps.summary().MayHaveEffect() {
		return apierror.OutcomeUnknown("Outcome unknown: %s. Configure the earlier account to have the change read "+
			"back, or look at the vendor and give the change up.", otherAccount)
	}
	return apierror.New(codes.FailedPrecondition, pb.ErrorReason_VENDOR_STATE,
		"Nothing was sent: %s. Send the change with a new request_id.", otherAccount)
}

const otherAccount = "the configuration has since given this vendor's id to another account"

func (r *run) isOfOtherAccount() bool {
	before, now := r.mutation.Account, r.journal.options.Account(r.mutation.Vendor())
	return before != "" && now != "" && before != now
}

var errPanicked = apierror.New(codes.Internal, pb.ErrorReason_INTERNAL_FAILURE,
	"Internal error in drmhub. See the server log.")

// complete records how the run ended, together with its audit event, and releases the mutation. It
// returns the outcome for the caller.
func (r *run) complete(ctx context.Context, response proto.Message, failure error) outcome {
	defer r.journal.runs.announce(r.mutation.ID)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), r.journal.options.Lease)
	defer cancel()
	before, now := r.mutation.State, time.Now()
	decision := decide.End(r.evidence(response, failure))
	told := tell(decision.Told, failure)
	r.setEnd(decision, now, response, told)
	if decision.State == decide.Unknown {
		r.logUnknown(ctx, before, failure)
	}
	nothingNew := r.steps.settling && before == decision.State
	err := r.persist(ctx, nothingNew)
	if err == nil {
		r.observeEnd(nothingNew)
	}
	switch {
	case err == nil && told != nil:
		return outcome{err: told, recorded: true}
	case err == nil:
		return outcome{response: response, recorded: true}
	}
	r.journal.options.Log.ErrorContext(ctx, "the end of a mutation could not be recorded: it is settled later",
		"mutation", r.mutation.Name(), "error", err)
	r.journal.lease.ReleaseLater(r.mutation)
	unrecorded := errUnrecordedWithoutEffect
	if r.steps.summary().MayHaveEffect() || errors.Is(err, records.ErrTakenOver) {
		unrecorded = apierror.OutcomeUnknown("Outcome unknown: the outcome of the call could not be recorded" +
			mutation.RetryAdvice)
	}
	return outcome{err: errors.Join(unrecorded, err)}
}

var errUnrecordedWithoutEffect = apierror.New(codes.Unavailable, pb.ErrorReason_INTERNAL_FAILURE,
	"The call had no effect at the vendor, and the journal database could not record that. "+
		"Retry with the same request_id.")

// evidence returns what is known when the method ends with this response or failure.
func (r *run) evidence(response proto.Message, failure error) decide.Evidence {
	s, summary := r.steps, r.steps.summary()
	some, all := itemsFailed(response)
	s.mu.Lock()
	defer s.mu.Unlock()
	return decide.Evidence{
		Returned:       returned(failure),
		Steps:          summary,
		AnItemFailed:   some,
		AllItemsFailed: all,
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
		return decide.Response
	case apierror.IsOutcomeUnknown(failure):
		return decide.OutcomeUnknown
	case errors.Is(failure, errPanicked):
		return decide.Panic
	case mutation.IsNoEffect(failure):
		return decide.NoEffect
	}
	return decide.Error
}

// itemsFailed reports whether some items of a batch have an error, and whether all have. Both are
// false for any other response.
func itemsFailed(response proto.Message) (some, all bool) {
	batch, ok := response.(results)
	if !ok {
		return false, false
	}
	failed := func(r *pb.ProductLicenseResult) bool { return r.GetError() != nil }
	succeeded := func(r *pb.ProductLicenseResult) bool { return r.GetError() == nil }
	return slices.ContainsFunc(batch.GetResults(), failed), !slices.ContainsFunc(batch.GetResults(), succeeded)
}

// tell returns the error for the caller; nil if the caller gets the response.
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
			"The call had no effect at the vendor, and was not sent again. Retry the call.")
	}
	return failure
}

// setEnd sets what the store is to hold of a run that ended.
func (r *run) setEnd(d decide.Decision, now time.Time, response proto.Message, told error) {
	m := r.mutation
	m.State, m.Response, m.Err, m.VendorCode, m.VendorHTTPStatus = d.State, nil, nil, "", r.steps.lastStatus()
	m.Settled, m.SettleAt = time.Time{}, time.Time{}
	if decide.IsOver(d.State) {
		m.Settled = now
	}
	if d.Next == decide.Settle {
		m.SettleAt = now.Add(r.journal.options.pause(m.Attempts))
	}
	switch {
	case told != nil:
		e := apierror.Convert(told)
		m.Err, m.VendorCode = e.GRPCStatus().Proto(), apierror.VendorText(e.Metadata[apierror.VendorCode])
	case decide.IsOver(d.State):
		m.Response = redact.Without(response)
	}
}

func (r *run) logUnknown(ctx context.Context, before pb.Mutation_State, failure error) {
	level := slog.LevelWarn
	if before == decide.Unknown {
		level = slog.LevelDebug // The log said so when the outcome became unknown.
	}
	r.journal.options.Log.Log(ctx, level, "the outcome of a mutation is unknown",
		"mutation", r.mutation.Name(), "attempts", r.mutation.Attempts, "error", failure)
}

// persist writes the end of the run. Unless nothing is new, it writes the audit event in the same
// transaction.
func (r *run) persist(ctx context.Context, nothingNew bool) error {
	m := r.mutation
	var event audit.Event
	unwritten := r.steps.filter(func(s *step) bool { return !s.durable && s.State != mutation.Snapshotted })
	err := r.journal.records.End(ctx, m, stored(unwritten), func(tx *store.Tx) {
		if nothingNew {
			return
		}
		r.journal.audit.Append(tx, audit.Event{
			Subject: r.actor, Method: m.Method, Resource: m.Resource, RequestDigest: fmt.Sprintf("%x", m.Digest),
			Outcome: outcomeCode(m), VendorCode: m.VendorCode,
		}, &event)
	})
	r.journal.audit.Ended(event, err)
	return err
}

// outcomeCode returns the name of the status code that the call ended with.
func outcomeCode(m *records.Mutation) string {
	if m.State == pb.Mutation_UNKNOWN {
		return code.Code_UNKNOWN.String()
	}
	return code.Code(m.Err.GetCode()).String()
}
