package journal_test

import (
	"fmt"
	"testing"

	"github.com/google/uuid"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/internal/faultplan"
	"github.com/drmhub/drmhub/server/internal/store/storetest"
)

// A mutation that cannot be read back is unknown. A process is stopped while it is sent again: it
// is not sent a third time for that, and never told to have had no effect when it may have had one.
func TestStoppingAmidAResendingLosesNothing(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, dsn string) {
		t.Parallel()
		h := &house{vendor: &world{}, db: open(t, dsn)}
		for _, second := range []fault{fine, lost, cut, refused} {
			faultplan.Explore(t, faultplan.AtMost(1), func(p *faultplan.Plan) { h.resend(t, second, p) })
		}
		t.Logf("%d plans", h.plans)
	})
}

func (h *house) resend(t *testing.T, second fault, p *faultplan.Plan) {
	c := h.begin(t, kind{
		name:  fmt.Sprintf("the second write: %q", second),
		steps: func(name string) map[string]string { return map[string]string{"enable": "enable " + name} },
	}, p)
	h.vendor.faults, h.vendor.plan = map[int]fault{1: lost, 2: second}, nil
	c.name = fmt.Sprintf("vendors/v/sites/r%d", h.plans)
	resendID := uuid.NewString()
	var record *pb.Mutation
	c.in(nil, func(r *replica) {
		_, _ = r.sites.EnableSite(t.Context(), &pb.EnableSiteRequest{Name: c.name, RequestId: c.requestID})
		record = r.wantState(t, c.requestID, pb.Mutation_UNKNOWN)
	})
	ask := func(r *replica, resendID string) (*pb.Mutation, error) {
		req := &pb.ResendMutationRequest{Name: record.GetName(), RequestId: resendID}
		return r.mutations.ResendMutation(t.Context(), req)
	}
	c.in(p, func(r *replica) {
		if m, err := ask(r, resendID); err == nil {
			c.resent(m)
		}
	})
	c.in(nil, func(r *replica) {
		if m := r.record(t, c.requestID); m.GetState() == pb.Mutation_INTENDED {
			c.errorf("%v, as if nothing had ever been sent", m)
		}
		c.pass(r)
		_, _ = r.SettleDue(t.Context())
		c.resent(r.record(t, c.requestID))
		m, err := ask(r, resendID)
		if err != nil && m.GetState() != pb.Mutation_SUCCEEDED {
			c.errorf("the same resending: %v", err)
		}
		m = r.record(t, c.requestID)
		c.resent(m)
		before := h.vendor.calls
		_, err = ask(r, uuid.NewString())
		sends := m.GetState() != pb.Mutation_SUCCEEDED
		if (err == nil) != sends || err == nil && h.vendor.calls != before+1 {
			c.errorf("another resending of %v: %v, and %d writes after %d", m, err, h.vendor.calls, before)
		}
		if before == 2 {
			r.wantState(t, c.requestID, pb.Mutation_SUCCEEDED)
		} else {
			// the process was stopped when it had noted the first resending, and had not sent yet
			c.resent(r.record(t, c.requestID))
		}
		if locks := count(t, r, "locks"); locks != 0 {
			c.errorf("%d locks are left", locks)
		}
	})
}

// resent checks a record while at most one resending was made.
func (c *course) resent(m *pb.Mutation) {
	c.t.Helper()
	w := c.house.vendor
	var want pb.Mutation_State
	switch {
	case w.calls == 1, w.faults[2] != fine:
		// a refusal of the second tells nothing of the first, which took effect
		want = pb.Mutation_UNKNOWN
	default:
		want = pb.Mutation_SUCCEEDED
	}
	// Of what the process could not record before it was stopped, nothing is known.
	if state := m.GetState(); w.calls > 2 || state != want && (state != pb.Mutation_UNKNOWN || c.plan.Count() == 0) {
		c.errorf("%v after %d writes, want %v", m, w.calls, want)
	}
}
