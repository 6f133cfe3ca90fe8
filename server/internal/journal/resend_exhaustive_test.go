package journal_test

import (
	"fmt"
	"testing"

	"github.com/google/uuid"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/internal/faultplan"
	"github.com/drmhub/drmhub/server/internal/store/storetest"
)

// A process is stopped while it resends a mutation that cannot be read back. The mutation is not
// sent a third time for that. No caller is told that it had no effect, when it may have had one.
func TestStoppingDuringAResendLosesNothing(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, dsn string) {
		t.Parallel()
		g := &rig{vendor: &fakeVendor{}, db: storetest.Open(t, dsn)}
		for _, second := range []fault{fine, lost, cut, refused} {
			faultplan.Explore(t, faultplan.AtMost(1), func(p *faultplan.Plan) { g.resend(t, second, p) })
		}
		t.Logf("%d plans", g.plans)
	})
}

func (g *rig) resend(t *testing.T, second fault, p *faultplan.Plan) {
	s := g.begin(t, operation{
		name: fmt.Sprintf("the second write: %q", second),
		does: map[string]string{"enable": "enable %s"},
	}, p)
	g.vendor.faults, g.vendor.plan = map[int]fault{1: lost, 2: second}, nil
	s.name = fmt.Sprintf("vendors/v/sites/r%d", g.plans)
	resendID := uuid.NewString()
	var record *pb.Mutation
	s.inProcess(nil, func(r *replica) {
		_, _ = r.sites.EnableSite(t.Context(), &pb.EnableSiteRequest{Name: s.name, RequestId: s.requestID})
		record = r.wantState(t, s.requestID, pb.Mutation_UNKNOWN)
	})
	ask := func(r *replica, resendID string) (*pb.Mutation, error) {
		req := &pb.ResendMutationRequest{Name: record.GetName(), RequestId: resendID}
		return r.mutations.ResendMutation(t.Context(), req)
	}
	s.inProcess(p, func(r *replica) {
		if m, err := ask(r, resendID); err == nil {
			s.resent(m)
		}
	})
	s.inProcess(nil, func(r *replica) {
		if m := r.record(t, s.requestID); m.GetState() == pb.Mutation_INTENDED {
			s.errorf("%v, as if nothing had ever been sent", m)
		}
		s.pass(r)
		_, _ = r.SettleDue(t.Context())
		s.resent(r.record(t, s.requestID))
		m, err := ask(r, resendID)
		if err != nil && m.GetState() != pb.Mutation_SUCCEEDED {
			s.errorf("the same resending: %v", err)
		}
		m = r.record(t, s.requestID)
		s.resent(m)
		before := g.vendor.calls
		_, err = ask(r, uuid.NewString())
		sends := m.GetState() != pb.Mutation_SUCCEEDED
		if (err == nil) != sends || err == nil && g.vendor.calls != before+1 {
			s.errorf("another resending of %v: %v, and %d writes after %d", m, err, g.vendor.calls, before)
		}
		if before == 2 {
			r.wantState(t, s.requestID, pb.Mutation_SUCCEEDED)
		} else {
			// the process was stopped when it had noted the first resending, and had not sent yet
			s.resent(r.record(t, s.requestID))
		}
		if locks := count(t, r, "locks"); locks != 0 {
			s.errorf("%d locks are left", locks)
		}
	})
}

// resent checks a record while at most one resending was made.
func (s *scenario) resent(m *pb.Mutation) {
	s.t.Helper()
	v := s.rig.vendor
	var want pb.Mutation_State
	switch {
	case v.calls == 1, v.faults[2] != fine:
		// a refusal of the second tells nothing of the first, which took effect
		want = pb.Mutation_UNKNOWN
	default:
		want = pb.Mutation_SUCCEEDED
	}
	// Of what the process could not record before it was stopped, nothing is known.
	if state := m.GetState(); v.calls > 2 || state != want && (state != pb.Mutation_UNKNOWN || s.plan.Count() == 0) {
		s.errorf("%v after %d writes, want %v", m, v.calls, want)
	}
}
