package journal

import (
	"context"
	"encoding/hex"
	"slices"
	"strings"

	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/paging"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/audit"
	"github.com/drmhub/drmhub/server/internal/auth"
	"github.com/drmhub/drmhub/server/internal/journal/decide"
	"github.com/drmhub/drmhub/server/internal/journal/records"
)

// Service is the MutationService of a journal.
type Service struct {
	pb.UnsafeMutationServiceServer
	journal     *Journal
	confinement *auth.Confinement
}

var _ pb.MutationServiceServer = (*Service)(nil)

// NewService returns the MutationService of a journal. To settle or resend a mutation, a caller
// must be allowed to make the recorded call now: by its scope, and by the caller's confinement.
func NewService(j *Journal, c *auth.Confinement) *Service {
	return &Service{journal: j, confinement: c}
}

// ListMutations returns the stored mutations, newest first.
func (s *Service) ListMutations(
	ctx context.Context, req *pb.ListMutationsRequest,
) (*pb.ListMutationsResponse, error) {
	var after struct{ ID string }
	if _, err := paging.Resume(req, &after); err != nil {
		return nil, err
	}
	size := paging.Size(req.GetPageSize())
	all, err := s.journal.records.List(ctx, auth.FromContext(ctx).Records(), req.GetFilter(), after.ID, size+1)
	if err != nil {
		return nil, err
	}
	res := &pb.ListMutationsResponse{}
	if len(all) > size {
		all = all[:size]
		after.ID = all[size-1].ID
		if res.NextPageToken, err = paging.Token(req, after); err != nil {
			return nil, err
		}
	}
	for _, m := range all {
		shown, err := s.show(ctx, m)
		if err != nil {
			return nil, err
		}
		res.Mutations = append(res.Mutations, shown)
	}
	return res, nil
}

// GetMutation returns one mutation.
func (s *Service) GetMutation(ctx context.Context, req *pb.GetMutationRequest) (*pb.Mutation, error) {
	m, err := s.loadSeen(ctx, idOf(req))
	if err != nil {
		return nil, err
	}
	return s.show(ctx, m)
}

// loadSeen returns a mutation that the caller may see. A confined caller gets the same error for a
// mutation of others and for one that does not exist.
func (s *Service) loadSeen(ctx context.Context, id string) (*records.Mutation, error) {
	view := auth.FromContext(ctx).Records()
	m, err := s.journal.load(ctx, id)
	switch {
	case view.All():
		return m, err
	case err == nil && !view.Includes(m.Method, m.Resource, m.Subject), status.Code(err) == codes.NotFound:
		return nil, auth.Denied()
	}
	return m, err
}

// loadToRun returns a mutation whose recorded call the caller may make.
func (s *Service) loadToRun(ctx context.Context, id string) (*records.Mutation, error) {
	m, err := s.loadSeen(ctx, id)
	if err != nil {
		return nil, err
	}
	if err := auth.CheckScope(ctx, m.Method); err != nil {
		return nil, err
	}
	req, err := requestOf(m)
	switch {
	case err != nil && auth.FromContext(ctx).Records().All():
		return m, nil // What follows says why the mutation cannot run.
	case err != nil:
		return nil, auth.Denied()
	}
	return m, s.confinement.Check(ctx, m.Method, req)
}

// SettleMutation settles a mutation, and returns it as it is then. If a call runs the mutation,
// SettleMutation waits for the end of that run.
func (s *Service) SettleMutation(ctx context.Context, req *pb.SettleMutationRequest) (*pb.Mutation, error) {
	m, err := s.loadToRun(ctx, idOf(req))
	if err != nil {
		return nil, err
	}
	if err := s.recordRequest(ctx, pb.MutationService_SettleMutation_FullMethodName, req); err != nil {
		return nil, err
	}
	if m.Settled.IsZero() {
		if m, err = s.journal.await(ctx, m.ID); err == nil {
			err = s.journal.settler.settle(ctx, m, req.GetGiveUp())
		}
		if err != nil {
			return nil, err
		}
	}
	return s.GetMutation(ctx, &pb.GetMutationRequest{Name: req.GetName()})
}

// ResendMutation runs the method of a mutation again, and returns the mutation as it is then.
func (s *Service) ResendMutation(ctx context.Context, req *pb.ResendMutationRequest) (*pb.Mutation, error) {
	m, err := s.loadToRun(ctx, idOf(req))
	if err != nil {
		return nil, err
	}
	setNameHeader(ctx, m)
	original, err := requestOf(m)
	if err != nil {
		return nil, err
	}
	if err := s.resendOrDryRun(ctx, m, req, original); err != nil {
		return nil, err
	}
	return s.GetMutation(ctx, &pb.GetMutationRequest{Name: req.GetName()})
}

// resendOrDryRun claims a mutation and sends it again. With validate_only, it only runs the method
// in a dry run.
func (s *Service) resendOrDryRun(
	ctx context.Context, m *records.Mutation, req *pb.ResendMutationRequest, original proto.Message,
) error {
	method := func(ctx context.Context) (proto.Message, error) {
		return s.journal.settler.dispatch(ctx, "/"+m.Method, original)
	}
	if req.GetValidateOnly() {
		return s.dryRunResend(ctx, m, method)
	}
	requestID := strings.ToLower(req.GetRequestId())
	if !wasResent(m, requestID) {
		err := s.recordRequest(ctx, pb.MutationService_ResendMutation_FullMethodName, req)
		if err != nil {
			return err
		}
	}
	m, err := s.journal.await(ctx, m.ID)
	if err != nil {
		return err
	}
	return s.resend(ctx, m, requestID, original, method)
}

// recordRequest records who asks to settle or to resend a mutation, before that happens. Its
// outcome is another event, of the mutation itself.
func (s *Service) recordRequest(ctx context.Context, fullMethod string, req interface {
	proto.Message
	GetName() string
}) error {
	digest, err := s.journal.Digest(ctx, fullMethod, req)
	if err != nil {
		return err
	}
	return records.Unwritable(s.journal.audit.Record(ctx, audit.Event{
		Subject: auth.FromContext(ctx).Subject, Method: trimMethod(fullMethod), Resource: req.GetName(),
		RequestDigest: hex.EncodeToString(digest), Outcome: code.Code_OK.String(),
	}))
}

// dryRunResend runs the method from its beginning in a dry run. The planned writes include those
// that were made before.
func (s *Service) dryRunResend(ctx context.Context, m *records.Mutation, call method) error {
	var err error
	if m.Steps, err = s.journal.records.Steps(ctx, m.ID); err != nil {
		return err
	}
	if err = s.journal.newRun(m).checkResendable(); err == nil {
		_, err = dryRun(ctx, call)
	}
	return err
}

// resend runs the method of a claimed mutation. The same request_id sends once. A refusal by the
// vendor is in the record. An error means that the resend did not get that far, or that its end
// could not be recorded.
func (s *Service) resend(
	ctx context.Context, m *records.Mutation, requestID string, req proto.Message, call method,
) error {
	if wasResent(m, requestID) {
		s.journal.release(ctx, m)
		markReplayed(ctx)
		return nil
	}
	r := s.journal.newRun(m)
	err := r.checkResendable()
	if err == nil {
		r.actor = auth.FromContext(ctx).Subject
		if requestID != "" {
			m.ResendIDs = append(m.ResendIDs, requestID)
		}
		if r.steps.summary().Sent { // What can be read back is read back first.
			err = r.lockToResend(ctx, locksOf(m, req))
		} else {
			err = r.reopen(ctx, locksOf(m, req))
			r.steps.resend()
		}
	}
	if err != nil {
		s.journal.release(ctx, m)
		return withName(err, m)
	}
	if err := r.do(ctx, call).unrecorded(); err != nil {
		return withName(err, m)
	}
	return nil
}

// wasResent reports whether a mutation was sent again by this request_id.
func wasResent(m *records.Mutation, requestID string) bool {
	return requestID != "" && slices.Contains(m.ResendIDs, requestID)
}

// checkResendable returns why a mutation cannot be sent again.
func (r *run) checkResendable() error {
	m, has := r.mutation, r.steps.summary()
	switch {
	case r.isOfOtherAccount():
		return apierror.New(codes.FailedPrecondition, pb.ErrorReason_VENDOR_STATE, "Not sent: %s.", otherAccount)
	case m.State == decide.Succeeded:
		return apierror.New(codes.FailedPrecondition, pb.ErrorReason_VENDOR_STATE,
			"Not sent: %s has succeeded, so there is nothing to send again.", m.Name())
	case m.HeldSecrets && has.Unverifiable:
		return apierror.New(codes.FailedPrecondition, pb.ErrorReason_SECRETS_NOT_KEPT,
			"Not sent: %s needs its secrets, which drmhub does not keep, and it cannot be verified automatically. "+
				"Check the vendor's console; if it is missing, call %s with the secrets and a new request_id.",
			m.Name(), m.Method)
	case m.HeldSecrets && m.RequestID == "":
		return apierror.New(codes.FailedPrecondition, pb.ErrorReason_SECRETS_NOT_KEPT,
			"Not sent: %s needs its secrets, which drmhub does not keep. %s", m.Name(), checkConsole)
	case m.HeldSecrets:
		return apierror.New(codes.FailedPrecondition, pb.ErrorReason_SECRETS_NOT_KEPT,
			"Not sent: %s needs its secrets, which drmhub does not keep. "+
				"Call %s again with the same request_id and the secrets.", m.Name(), m.Method)
	case m.State == decide.Failed && has.Done:
		return apierror.New(codes.FailedPrecondition, pb.ErrorReason_VENDOR_STATE,
			"Not sent: %s was partly applied and cannot be resent. Send a new request.", m.Name())
	}
	return nil
}

func idOf(req interface{ GetName() string }) string {
	return strings.TrimPrefix(req.GetName(), records.NamePrefix)
}
