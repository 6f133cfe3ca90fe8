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

// kind is a method that plans are made for.
type kind struct {
	name   string
	blind  bool          // nothing can be read back
	secret bool          // the request holds a password
	always map[int]fault // by the number of the write
	ask    func(ctx context.Context, r *replica, name, requestID string) (proto.Message, error)
	does   map[string]string // what each step does at the vendor, with %s for the name
	// depends names, for a step, the step that it depends on.
	depends map[string]string
	// effects are how often each step has taken effect, given the answer; nil where that is not
	// known.
	effects func(answer proto.Message, err error) map[string]int
}

// steps returns what each step does at the vendor, for the resource of this name.
func (k kind) steps(name string) map[string]string {
	steps := map[string]string{}
	for step, does := range k.does {
		steps[step] = fmt.Sprintf(does, name)
	}
	return steps
}

var kinds = []kind{
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
		effects: func(answer proto.Message, err error) map[string]int {
			if err != nil {
				return allOrNothing(err)
			}
			effects := map[string]int{}
			for i, result := range answer.(*pb.BatchCreateProductLicensesResponse).GetResults() {
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

func replacement(name string, always map[int]fault) kind {
	return kind{
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

func (c *course) errorf(format string, args ...any) {
	c.t.Helper()
	p := c.plan
	c.t.Errorf("%s, settles %v: %s", p.kind.name, p.settles, fmt.Sprintf(format, args...))
}

// ask calls, checks that what is answered is so, and reports whether there is nothing more to learn.
func (c *course) ask(r *replica, again bool) (known bool) {
	c.t.Helper()
	answer, err := c.plan.kind.ask(c.t.Context(), r, c.name, c.requestID)
	effects := c.plan.kind.effects(answer, err)
	allowed := []codes.Code{codes.FailedPrecondition, codes.Aborted, codes.Unavailable, codes.Unknown}
	if err != nil && !slices.Contains(allowed, apierror.Convert(err).Code) {
		c.errorf("answered %v", err)
	}
	if apierror.IsOutcomeUnknown(err) && apierror.Convert(err).Metadata[apierror.MutationName] == "" {
		c.errorf("the error does not name the mutation: %v", err)
	}
	if again && err != nil && apierror.Convert(err).Reason == pb.ErrorReason_INTERNAL_FAILURE {
		effects = nil // this call sent nothing, and could not read what the one before has done
	}
	known = effects != nil
	for step, what := range c.plan.kind.steps(c.name) {
		n := c.house.vendor.happened(what)
		if n > 1 || effects != nil && effects[step] >= 0 && effects[step] != n {
			c.errorf("answered %v, %v, and %q took effect %d times", answer, err, what, n)
		}
		known = known && effects[step] >= 0
	}
	return known || c.process.stopped
}

// settled checks that the record of the call says what happened, and that the audit trail says the
// same.
func (c *course) settled(r *replica) {
	c.t.Helper()
	if c.process.stopped {
		return
	}
	filter := &pb.MutationFilter{Subject: "anonymous", RequestId: c.requestID}
	listed, err := r.mutations.ListMutations(c.t.Context(), &pb.ListMutationsRequest{Filter: filter})
	if err != nil || len(listed.GetMutations()) > 1 {
		c.errorf("the records are %v, %v", listed, err)
		return
	}
	recorded := map[string]pb.Mutation_State{}
	for _, m := range listed.GetMutations() {
		if state := m.GetState(); !decide.IsOver(state) && (state != pb.Mutation_UNKNOWN || !c.plan.kind.blind) {
			c.errorf("it stays open: %v", m)
		}
		for _, step := range m.GetSteps() {
			recorded[step.GetId()] = step.GetState()
		}
		if outcome := c.lastOutcome(m); !slices.Contains(outcomes[m.GetState()], outcome) {
			c.errorf("the audit trail says %s of %v", outcome, m)
		}
	}
	for step, what := range c.plan.kind.steps(c.name) {
		n := c.house.vendor.happened(what)
		switch state := recorded[step]; {
		case n == 0 && slices.Contains(unmade, state):
		case n == 1 && state == pb.Mutation_SUCCEEDED:
		case n <= 1 && state == pb.Mutation_UNKNOWN && c.plan.kind.blind:
		default:
			c.errorf("%q took effect %d times, and is recorded as %v", what, n, state)
		}
	}
}

// unmade are the states of a step without an effect.
var unmade = []pb.Mutation_State{pb.Mutation_STATE_UNSPECIFIED, pb.Mutation_INTENDED, pb.Mutation_FAILED}

// outcomes are those that the audit trail may tell of a state.
var outcomes = map[pb.Mutation_State][]string{
	pb.Mutation_SUCCEEDED: {"OK"},
	// OK: of a batch, all of whose items were refused
	pb.Mutation_FAILED:  {"OK", "FAILED_PRECONDITION", "UNAVAILABLE", "ABORTED"},
	pb.Mutation_UNKNOWN: {"UNKNOWN"},
}

func (c *course) lastOutcome(m *pb.Mutation) (outcome string) {
	c.t.Helper()
	const query = "SELECT outcome FROM audit_events WHERE resource = $1 ORDER BY time DESC, position DESC LIMIT 1"
	err := c.house.db.Reads().QueryRowContext(c.t.Context(), query, m.GetResource()).Scan(&outcome)
	if err != nil {
		c.errorf("no audit event of %v: %v", m, err)
	}
	return outcome
}
