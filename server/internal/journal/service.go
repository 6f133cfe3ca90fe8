package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/mutation"
	"github.com/drmhub/drmhub/adapters/paging"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/auth"
)

// Service is the MutationService over a journal.
type Service struct {
	pb.UnsafeMutationServiceServer
	journal *Journal
}

var _ pb.MutationServiceServer = (*Service)(nil)

// NewService makes the MutationService over a journal.
func NewService(j *Journal) *Service { return &Service{journal: j} }

// ListMutations answers what the store keeps, newest first.
func (v *Service) ListMutations(ctx context.Context, req *pb.ListMutationsRequest) (*pb.ListMutationsResponse, error) {
	var after struct{ ID string }
	if _, err := paging.Resume(req, &after); err != nil {
		return nil, err
	}
	size := paging.Size(req.GetPageSize())
	records, err := v.journal.list(ctx, req.GetFilter(), after.ID, size+1)
	if err != nil {
		return nil, err
	}
	res := &pb.ListMutationsResponse{}
	if len(records) > size {
		records = records[:size]
		after.ID = records[size-1].id
		if res.NextPageToken, err = paging.Token(req, after); err != nil {
			return nil, err
		}
	}
	for _, r := range records {
		m, err := v.journal.shown(ctx, r)
		if err != nil {
			return nil, err
		}
		res.Mutations = append(res.Mutations, m)
	}
	return res, nil
}

// list reads the records that the filter chooses, newest first, from the one after this id on.
func (j *Journal) list(ctx context.Context, f *pb.MutationFilter, after string, limit int) (records []*record, err error) {
	values := []any{time.Now().UnixMicro()}
	conditions := []string{"true"}
	where := func(condition string, value any) {
		values = append(values, value)
		conditions = append(conditions, fmt.Sprintf(condition, len(values)))
	}
	if after != "" {
		where("id < $%d", after)
	}
	if f.GetState() != pb.Mutation_STATE_UNSPECIFIED {
		where(stateNow+" = $%d", f.GetState())
	}
	if f.GetMethod() != "" {
		where("method = $%d", trimMethod(f.GetMethod()))
	}
	if f.GetResource() != "" {
		where("resource = $%d", f.GetResource())
	}
	if f.GetSubject() != "" {
		where("subject = $%d", f.GetSubject())
	}
	if f.GetRequestId() != "" {
		where("request_id = $%d", strings.ToLower(f.GetRequestId()))
	}
	values = append(values, limit)
	rows, err := j.db.Reads().QueryContext(ctx, fmt.Sprintf("SELECT %s FROM mutations WHERE %s ORDER BY id DESC LIMIT $%d", columns, strings.Join(conditions, " AND "), len(values)), values...)
	if err != nil {
		return nil, unreadable(err)
	}
	defer func() { err = unreadable(errors.Join(err, rows.Close())) }()
	for rows.Next() {
		r, err := scan(rows)
		if err != nil {
			return nil, err
		}
		records = append(records, r)
	}
	return records, rows.Err()
}

// GetMutation answers one record.
func (v *Service) GetMutation(ctx context.Context, req *pb.GetMutationRequest) (*pb.Mutation, error) {
	return v.journal.get(ctx, idOf(req))
}

// SettleMutation settles what is open, and answers the record as it then is. Where a call is at it,
// that is waited for.
func (v *Service) SettleMutation(ctx context.Context, req *pb.SettleMutationRequest) (*pb.Mutation, error) {
	if err := v.journal.recordAsked(ctx, pb.MutationService_SettleMutation_FullMethodName, req); err != nil {
		return nil, err
	}
	r, err := v.journal.load(ctx, idOf(req))
	if err != nil {
		return nil, err
	}
	if r.settled.IsZero() {
		if r, err = v.journal.await(ctx, r.id); err == nil {
			err = v.journal.settle(ctx, r, req.GetGiveUp())
		}
		if err != nil {
			return nil, err
		}
	}
	return v.journal.get(ctx, idOf(req))
}

// ResendMutation runs the method again, and answers the record as it then is.
func (v *Service) ResendMutation(ctx context.Context, req *pb.ResendMutationRequest) (*pb.Mutation, error) {
	j := v.journal
	r, err := j.load(ctx, idOf(req))
	if err != nil {
		return nil, err
	}
	tellName(ctx, r)
	original, err := r.requestOf()
	if err != nil {
		return nil, err
	}
	again := func(ctx context.Context) (proto.Message, error) { return j.dispatch(ctx, "/"+r.method, original) }
	if req.GetValidateOnly() {
		if err := j.tryResend(ctx, r, again); err != nil {
			return nil, err
		}
		return j.get(ctx, idOf(req))
	}
	requestID := strings.ToLower(req.GetRequestId())
	if !r.resent(requestID) {
		err = j.recordAsked(ctx, pb.MutationService_ResendMutation_FullMethodName, req)
	}
	if err == nil {
		r, err = j.await(ctx, r.id)
	}
	if err == nil {
		err = j.resend(ctx, r, requestID, original, again)
	}
	if err != nil {
		return nil, err
	}
	return j.get(ctx, idOf(req))
}

// tryResend runs the method from its beginning, without its writes: those that were made already
// are among those that it plans.
func (j *Journal) tryResend(ctx context.Context, r *record, call method) error {
	var err error
	if r.steps, err = j.loadSteps(ctx, j.db.Reads(), r.id); err != nil {
		return unreadable(err)
	}
	if err = resendable(r, j.loadedSteps(r)); err == nil {
		_, err = try(ctx, call)
	}
	return err
}

// resend runs the method of a mutation that was claimed. The same request_id sends once. What the
// vendor refuses stands in the record: the error is of a resending that did not come that far, or
// whose end could not be recorded.
func (j *Journal) resend(ctx context.Context, r *record, requestID string, req proto.Message, call method) error {
	if r.resent(requestID) {
		j.abandon(ctx, r)
		return nil
	}
	s := j.loadedSteps(r)
	err := resendable(r, s)
	if err == nil {
		r.actor = auth.FromContext(ctx).Subject
		r.resendIDs = strings.TrimSpace(r.resendIDs + " " + requestID)
		if s.summary().Sent { // what can still be read back is read back first
			err = j.lock(ctx, r, r.locks(req), func(ctx context.Context, tx *sql.Tx) error { return r.update(ctx, tx, "resend_id = $3", r.resendIDs) })
		} else {
			err = j.reopen(ctx, r, s, r.locks(req))
			s.retry()
		}
	}
	if err != nil {
		j.abandon(ctx, r)
		return withName(err, r)
	}
	if err := j.run(ctx, r, s, call).unrecorded(); err != nil {
		return withName(err, r)
	}
	return nil
}

// resent reports whether a mutation was sent again by this request_id.
func (r *record) resent(requestID string) bool {
	return requestID != "" && slices.Contains(strings.Fields(r.resendIDs), requestID)
}

// resendable tells why a mutation cannot be sent again.
func resendable(r *record, s *steps) error {
	has := s.summary()
	switch {
	case r.state == pb.Mutation_SUCCEEDED:
		return apierror.New(codes.FailedPrecondition, pb.ErrorReason_VENDOR_STATE, "%s has succeeded: there is nothing to send again", r.name())
	case r.secrets && has.Unverifiable:
		return apierror.New(codes.FailedPrecondition, pb.ErrorReason_SECRETS_NOT_KEPT,
			"%s held secrets, which are not kept, and cannot be read back: look at the vendor's console; if it is not there, call %s with the secrets and a new request_id", r.name(), r.method)
	case r.secrets:
		return apierror.New(codes.FailedPrecondition, pb.ErrorReason_SECRETS_NOT_KEPT,
			"%s held secrets, which are not kept: call %s again with the same request_id and the secrets", r.name(), r.method)
	case r.state == pb.Mutation_FAILED && has.Done:
		return apierror.New(codes.FailedPrecondition, pb.ErrorReason_VENDOR_STATE, "%s took effect in part, so sending it again would do other than it asks: make a new call", r.name())
	}
	return nil
}

func idOf(req interface{ GetName() string }) string {
	return strings.TrimPrefix(req.GetName(), namePrefix)
}

func (j *Journal) get(ctx context.Context, id string) (*pb.Mutation, error) {
	r, err := j.load(ctx, id)
	if err != nil {
		return nil, err
	}
	return j.shown(ctx, r)
}

// shown is a record as the contract has it.
func (j *Journal) shown(ctx context.Context, r *record) (*pb.Mutation, error) {
	m := &pb.Mutation{
		Name: r.name(), Method: r.method, Resource: r.resource, Subject: r.subject, RequestId: r.requestID, State: r.state,
		VendorHttpStatus: r.vendorHTTPStatus, VendorCode: r.vendorCode,
		CreateTime: timestamppb.New(r.created), SendTime: stamp(r.sent), SettleTime: stamp(r.settled), NextSettleTime: stamp(r.settleAt),
	}
	all, err := j.loadSteps(ctx, j.db.Reads(), r.id)
	for _, s := range all {
		if s.State == mutation.Snapshotted {
			continue
		}
		m.Steps = append(m.Steps, &pb.Mutation_Step{
			Id: s.name, State: r.stateOf(s), SendTime: stamp(s.sent), SettleTime: stamp(s.settled), Message: s.Err.Message(),
		})
	}
	m.Message = r.message(m.GetSteps())
	return m, unreadable(err)
}

// message says why a mutation has failed or is in doubt. Where a batch has answered, that is why
// the first of its items has or is.
func (r *record) message(steps []*pb.Mutation_Step) string {
	if r.err != nil || r.state != pb.Mutation_FAILED && r.state != pb.Mutation_UNKNOWN {
		return r.err.GetMessage()
	}
	if batch, ok := r.answer.(results); ok {
		for i, item := range batch.GetResults() {
			if item.GetError() != nil {
				return fmt.Sprintf("item %d: %s", i, item.GetError().GetMessage())
			}
		}
	}
	for _, s := range steps {
		if s.GetState() != pb.Mutation_SUCCEEDED && s.GetMessage() != "" {
			return s.GetId() + ": " + s.GetMessage()
		}
	}
	return ""
}

// stateOf is a step's state as the contract has it: what was sent is on its way while a call is at
// it, and has failed where it is known not to have been made.
func (r *record) stateOf(s *step) pb.Mutation_State {
	switch {
	case s.State == mutation.Sent && r.state == pb.Mutation_UNKNOWN:
		return pb.Mutation_UNKNOWN
	case s.State == mutation.NotSent && !s.sent.IsZero():
		return pb.Mutation_FAILED
	}
	return stepStates[s.State]
}

var stepStates = map[mutation.State]pb.Mutation_State{
	mutation.NotSent:      pb.Mutation_INTENDED,
	mutation.Sent:         pb.Mutation_SENT,
	mutation.Done:         pb.Mutation_SUCCEEDED,
	mutation.Refused:      pb.Mutation_FAILED,
	mutation.Unverifiable: pb.Mutation_UNKNOWN,
}

func stamp(t time.Time) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	return timestamppb.New(t)
}
