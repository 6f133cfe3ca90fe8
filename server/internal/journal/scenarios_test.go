package journal_test

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/journal/decide"
)

// An operation is a mutating method that the scenarios call.
type operation struct {
	name   string
	blind  bool          // nothing can be read back
	secret bool          // the request holds a password
	always map[int]fault // by the number of the write
	ask    func(ctx context.Context, r *replica, name, requestID string) (proto.Message, error)
	does   map[string]string // what each step does at the vendor, with %s for the name
	// depends has, for a step, the step that it depends on.
	depends map[string]string
	// effects returns how often each step took effect, given the response. It returns nil if the
	// response does not say so, and -1 for a step in doubt.
	effects func(response proto.Message, err error) map[string]int
}

// steps returns what each step does at the vendor, for the resource of this name.
func (o operation) steps(name string) map[string]string {
	steps := map[string]string{}
	for step, does := range o.does {
		steps[step] = fmt.Sprintf(does, name)
	}
	return steps
}

var operations = []operation{
	{
		name: "one write",
		ask: func(ctx context.Context, r *replica, name, requestID string) (proto.Message, error) {
			req := &pb.DisableSiteRequest{Name: "vendors/v/sites/" + name, RequestId: requestID}
			return r.sites.DisableSite(ctx, req)
		},
		does:    map[string]string{"disable": "disable vendors/v/sites/%s"},
		effects: func(_ proto.Message, err error) map[string]int { return allOrNothing(err, "disable") },
	},
	{
		name: "one write that cannot be read back", blind: true,
		ask: func(ctx context.Context, r *replica, name, requestID string) (proto.Message, error) {
			return r.sites.EnableSite(ctx, &pb.EnableSiteRequest{Name: "vendors/v/sites/" + name, RequestId: requestID})
		},
		does:    map[string]string{"enable": "enable vendors/v/sites/%s"},
		effects: func(_ proto.Message, err error) map[string]int { return allOrNothing(err, "enable") },
	},
	{
		name: "two writes with a secret", secret: true,
		ask: func(ctx context.Context, r *replica, name, requestID string) (proto.Message, error) {
			account := &pb.DrmAccount{Username: "user-" + name, Password: password}
			return r.accounts.CreateDrmAccount(ctx, &pb.CreateDrmAccountRequest{
				Parent: "vendors/v", RequestId: requestID, View: pb.DrmAccount_FULL, DrmAccount: account,
			})
		},
		does:    map[string]string{"create": "create user-%s", "activate": "activate user-%s"},
		depends: map[string]string{"create": "before", "activate": "create"},
		effects: func(_ proto.Message, err error) map[string]int {
			if err != nil && strings.HasPrefix(apierror.Convert(err).Message, "no activate") {
				return map[string]int{"create": 1}
			}
			return allOrNothing(err, "create", "activate")
		},
	},
	replacement("two writes that depend on each other", nil),
	replacement("the second write is refused, so a third one undoes the first", map[int]fault{2: refused}),
	{
		name: "a batch of three with one refused", always: map[int]fault{2: refused},
		ask: func(ctx context.Context, r *replica, name, requestID string) (proto.Message, error) {
			req := &pb.BatchCreateProductLicensesRequest{Parent: "vendors/" + name, RequestId: requestID}
			for i := range 3 {
				l := &pb.ProductLicense{User: fmt.Sprintf("%s-%d", name, i), Product: req.GetParent() + "/products/p"}
				item := &pb.CreateProductLicenseRequest{Parent: req.GetParent(), ProductLicense: l}
				req.Requests = append(req.Requests, item)
			}
			return r.licenses.BatchCreateProductLicenses(ctx, req)
		},
		does: map[string]string{
			"item 0: create": "create %s-0", "item 1: create": "create %s-1", "item 2: create": "create %s-2",
		},
		effects: func(response proto.Message, err error) map[string]int {
			if err != nil {
				return allOrNothing(err)
			}
			effects := map[string]int{}
			for i, result := range response.(*pb.BatchCreateProductLicensesResponse).GetResults() {
				step := fmt.Sprintf("item %d: create", i)
				if result.GetError() == nil {
					effects[step] = 1
				} else if apierror.IsOutcomeUnknown(status.ErrorProto(result.GetError())) {
					effects[step] = -1
				}
			}
			return effects
		},
	},
}

func replacement(name string, always map[int]fault) operation {
	return operation{
		name: name, always: always,
		depends: map[string]string{"revoke": "before", "issue": "revoke", "restore": "revoke"},
		ask: func(ctx context.Context, r *replica, name, requestID string) (proto.Message, error) {
			return r.licenses.ReplaceProductLicense(ctx, &pb.ReplaceProductLicenseRequest{
				Name: "vendors/v/productLicenses/" + name, RequestId: requestID,
				ProductLicense: &pb.ProductLicense{User: "u", Product: "vendors/v/products/" + name},
			})
		},
		does: map[string]string{
			"revoke": "revoke vendors/v/productLicenses/%s", "issue": "issue vendors/v/products/%s",
			"restore": "restore old vendors/v/productLicenses/%s",
		},
		effects: func(_ proto.Message, err error) map[string]int {
			switch apierror.Convert(err).Reason {
			case pb.ErrorReason_REPLACE_ROLLED_BACK:
				return map[string]int{"revoke": 1, "restore": 1}
			case pb.ErrorReason_REPLACE_INCOMPLETE:
				return map[string]int{"revoke": 1}
			}
			return allOrNothing(err, "revoke", "issue")
		},
	}
}

// allOrNothing returns the effects of steps that all take effect, or none of them.
func allOrNothing(err error, steps ...string) map[string]int {
	effects := map[string]int{}
	for _, step := range steps {
		if err == nil {
			effects[step] = 1
		}
	}
	if apierror.IsOutcomeUnknown(err) {
		return nil
	}
	return effects
}

func (s *scenario) errorf(format string, args ...any) {
	s.t.Helper()
	p := s.plan
	s.t.Errorf("%s, settles %v: %s", p.operation.name, p.settles, fmt.Sprintf(format, args...))
}

// ask makes the call, and checks the response against the vendor's ledger. It reports whether the
// outcome is known.
func (s *scenario) ask(r *replica, again bool) (known bool) {
	s.t.Helper()
	response, err := s.plan.operation.ask(s.t.Context(), r, s.name, s.requestID)
	effects := s.plan.operation.effects(response, err)
	allowed := []codes.Code{codes.FailedPrecondition, codes.Aborted, codes.Unavailable, codes.Unknown}
	if err != nil && !slices.Contains(allowed, apierror.Convert(err).Code) {
		s.errorf("returned %v", err)
	}
	if apierror.IsOutcomeUnknown(err) && apierror.Convert(err).Metadata[apierror.MutationName] == "" {
		s.errorf("the error does not name the mutation: %v", err)
	}
	if again && err != nil && apierror.Convert(err).Reason == pb.ErrorReason_INTERNAL_FAILURE {
		effects = nil // this call sent nothing, and could not read what the earlier call did
	}
	known = effects != nil
	for step, what := range s.plan.operation.steps(s.name) {
		n := s.rig.vendor.happened(what)
		if n > 1 || effects != nil && effects[step] >= 0 && effects[step] != n {
			s.errorf("returned %v, %v, and %q took effect %d times", response, err, what, n)
		}
		known = known && effects[step] >= 0
	}
	return known || s.process.stopped
}

// checkRecord checks that the record of the call and the audit trail agree with the vendor's
// ledger.
func (s *scenario) checkRecord(r *replica) {
	s.t.Helper()
	if s.process.stopped {
		return
	}
	filter := &pb.MutationFilter{Subject: "anonymous", RequestId: s.requestID}
	listed, err := r.mutations.ListMutations(s.t.Context(), &pb.ListMutationsRequest{Filter: filter})
	if err != nil || len(listed.GetMutations()) > 1 {
		s.errorf("the records are %v, %v", listed, err)
		return
	}
	recorded := map[string]pb.Mutation_State{}
	for _, m := range listed.GetMutations() {
		if state := m.GetState(); !decide.IsOver(state) && (state != pb.Mutation_UNKNOWN || !s.plan.operation.blind) {
			s.errorf("it stays open: %v", m)
		}
		for _, step := range m.GetSteps() {
			recorded[step.GetId()] = step.GetState()
		}
		if outcome := s.lastOutcome(m); !slices.Contains(outcomes[m.GetState()], outcome) {
			s.errorf("the audit trail says %s of %v", outcome, m)
		}
	}
	for step, what := range s.plan.operation.steps(s.name) {
		n := s.rig.vendor.happened(what)
		switch state := recorded[step]; {
		case n == 0 && slices.Contains(unmade, state):
		case n == 1 && state == pb.Mutation_SUCCEEDED:
		case n <= 1 && state == pb.Mutation_UNKNOWN && s.plan.operation.blind:
		default:
			s.errorf("%q took effect %d times, and is recorded as %v", what, n, state)
		}
	}
}

// unmade holds the states of a step without an effect.
var unmade = []pb.Mutation_State{pb.Mutation_STATE_UNSPECIFIED, pb.Mutation_INTENDED, pb.Mutation_FAILED}

// outcomes holds the outcomes in the audit trail that agree with a state.
var outcomes = map[pb.Mutation_State][]string{
	pb.Mutation_SUCCEEDED: {"OK"},
	// OK is the outcome of a batch whose items were all refused.
	pb.Mutation_FAILED:  {"OK", "FAILED_PRECONDITION", "UNAVAILABLE", "ABORTED"},
	pb.Mutation_UNKNOWN: {"UNKNOWN"},
}

func (s *scenario) lastOutcome(m *pb.Mutation) (outcome string) {
	s.t.Helper()
	const query = "SELECT outcome FROM audit_events WHERE resource = $1 ORDER BY time DESC, position DESC LIMIT 1"
	err := s.rig.db.Reads().QueryRowContext(s.t.Context(), query, m.GetResource()).Scan(&outcome)
	if err != nil {
		s.errorf("no audit event of %v: %v", m, err)
	}
	return outcome
}
