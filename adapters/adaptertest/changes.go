package adaptertest

import (
	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters"
	"github.com/drmhub/drmhub/adapters/mutation"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

var changePromises = []Promise{
	{"EnableSite of a site that is on sends nothing", needs(siteEnabler), enableWhatIsOn},
	{"ExtendTrial that is still pending is not sent again", needs(trialExtender), extendPending},
	{"ListStatusChanges tells of what was asked for, of the service that the filter chooses", needs(statusChangeLister, trialExtender), changesAreListed},
	{"ListStatusChanges of a site without changes is empty", needs(statusChangeLister), noChanges},
	{"ListStatusChanges of an unknown site is NOT_FOUND", needs(statusChangeLister), changesOfUnknownSite},
	{"CancelStatusChange takes the change back", needs(statusChangeCanceller, trialExtender, statusChangeLister), cancelIsListed},
	{"CancelStatusChange of what is canceled sends nothing, and answers what stands", needs(statusChangeCanceller, trialExtender), cancelAgain},
	{"CancelStatusChange of what the vendor has approved is FAILED_PRECONDITION", needs(statusChangeCanceller, trialExtender), cancelTooLate},
}

var changeWrites = []write{
	{
		needs: needs(siteEnabler),
		prepare: func(t T, h Harness) *attempt {
			sites := newSites(t, h, 2)
			if len(sites) < 2 { // the vendor holds one site only, which is on
				return nil
			}
			s := sites[1]
			return &attempt{s.enabling(), wanting(func(t T, what string, change *pb.StatusChange) { s.wantChange(t, what, change, pb.StatusChange_RESUME) })}
		},
		ofNothing: func(t T, h Harness) call { return newUnknownSite(t, h).enabling() },
		what:      "site",
	},
	{
		needs: needs(trialExtender),
		prepare: func(t T, h Harness) *attempt {
			s := newSite(t, h)
			return &attempt{s.extending(), wanting(func(t T, what string, change *pb.StatusChange) {
				s.wantChange(t, what, change, pb.StatusChange_EXTEND_TRIAL)
			})}
		},
		ofNothing: func(t T, h Harness) call { return newUnknownSite(t, h).extending() },
		what:      "site",
	},
	{
		needs: needs(statusChangeCanceller, trialExtender),
		prepare: func(t T, h Harness) *attempt {
			s := newSite(t, h)
			pending := s.extend(t)
			// a vendor that decides at once leaves nothing to take back
			if pending.GetState() != pb.StatusChange_PENDING {
				return nil
			}
			return &attempt{s.canceling(pending.GetName()), wanting(func(t T, what string, change *pb.StatusChange) { wantCanceled(t, what, change, pending) })}
		},
		ofNothing: func(t T, h Harness) call {
			s := newSite(t, h)
			return s.canceling(s.name + "/statusChanges/PD001.none")
		},
		what: "status change",
	},
}

func (s *site) enabling() call {
	return typed(s.Adapter.(adapters.SiteEnabler).EnableSite, &pb.EnableSiteRequest{Name: s.name, Message: "The contract goes on."})
}

func (s *site) extending() call {
	return typed(s.Adapter.(adapters.TrialExtender).ExtendTrial, &pb.ExtendTrialRequest{Name: s.name, Message: "Another month, please."})
}

func (s *site) canceling(name string) call {
	return typed(s.Adapter.(adapters.StatusChangeCanceller).CancelStatusChange, &pb.CancelStatusChangeRequest{Name: name})
}

// extend asks for an extension of the trial.
func (s *site) extend(t T) *pb.StatusChange {
	t.Helper()
	change, err := s.Adapter.(adapters.TrialExtender).ExtendTrial(mutation.NewContext(t.Context(), newSteps()), &pb.ExtendTrialRequest{Name: s.name})
	if err != nil {
		t.Fatalf("ExtendTrial: %v", err)
	}
	return change
}

func wantCanceled(t T, what string, change, pending *pb.StatusChange) {
	t.Helper()
	if change.GetName() != pending.GetName() || change.GetType() != pending.GetType() || change.GetState() != pb.StatusChange_CANCELLED {
		t.Errorf("%s: the change is %v, want %q to be CANCELLED", what, change, pending.GetName())
	}
}

func (s *site) changes(t T, service pb.Site_Service) []*pb.StatusChange {
	t.Helper()
	req := &pb.ListStatusChangesRequest{Parent: s.name, Filter: &pb.StatusChangeFilter{Service: service}}
	res, err := s.Adapter.(adapters.StatusChangeLister).ListStatusChanges(t.Context(), req)
	if err != nil {
		t.Fatalf("ListStatusChanges: %v", err)
	}
	return res.GetStatusChanges()
}

func enableWhatIsOn(t T, h Harness) {
	s := newSite(t, h)
	answer, err := s.enabling().in(t.Context(), newSteps())
	if err != nil {
		t.Fatalf("EnableSite of a site that is on: %v", err)
	}
	s.wantChange(t, "EnableSite of a site that is on", answer.(*pb.StatusChange), pb.StatusChange_RESUME)
	wantWrites(t, "EnableSite of a site that is on", h, 0)
}

func extendPending(t T, h Harness) {
	s := newSite(t, h)
	first := s.extend(t)
	if first.GetState() != pb.StatusChange_PENDING {
		t.Logf("nothing to see: the vendor decides at once")
		return
	}
	if second := s.extend(t); second.GetName() != first.GetName() {
		t.Errorf("ExtendTrial answers %v, and %q is pending", second, first.GetName())
	}
	wantWrites(t, "ExtendTrial, asked for twice", h, 1)
}

func changesAreListed(t T, h Harness) {
	s := newSite(t, h)
	asked := s.extend(t)
	if asked.GetName() == "" {
		t.Logf("nothing to see: the vendor keeps no record")
		return
	}
	for _, service := range []pb.Site_Service{pb.Site_SERVICE_UNSPECIFIED, asked.GetService()} {
		listed := s.changes(t, service)
		if len(listed) != 1 || listed[0].GetName() != asked.GetName() || listed[0].GetState() != asked.GetState() || listed[0].GetType() != asked.GetType() {
			t.Errorf("ListStatusChanges of %s gives %v, want %v", service, listed, asked)
			continue
		}
		checkNames(t, h.Vendor, "ListStatusChanges", listed[0])
	}
	if others := s.changes(t, pb.Site_FORENSIC_WATERMARKING); len(others) > 0 {
		t.Errorf("ListStatusChanges of another service gives %v", others)
	}
}

func noChanges(t T, h Harness) {
	if listed := newSite(t, h).changes(t, pb.Site_SERVICE_UNSPECIFIED); len(listed) > 0 {
		t.Errorf("ListStatusChanges gives %v, and nobody asked for any", listed)
	}
}

func changesOfUnknownSite(t T, h Harness) {
	s := newUnknownSite(t, h)
	_, err := h.Adapter.(adapters.StatusChangeLister).ListStatusChanges(t.Context(), &pb.ListStatusChangesRequest{Parent: s.name})
	wantError(t, "ListStatusChanges", err, codes.NotFound, pb.ErrorReason_RESOURCE_NOT_FOUND)
}

// pending is a change that waits for approval, or nil where the vendor decides at once.
func pending(t T, h Harness) (*site, *pb.StatusChange) {
	t.Helper()
	s := newSite(t, h)
	change := s.extend(t)
	if change.GetState() != pb.StatusChange_PENDING {
		t.Logf("nothing to see: the vendor decides at once")
		return s, nil
	}
	return s, change
}

func cancelIsListed(t T, h Harness) {
	s, change := pending(t, h)
	if change == nil {
		return
	}
	if _, err := s.canceling(change.GetName()).in(t.Context(), newSteps()); err != nil {
		t.Fatalf("CancelStatusChange: %v", err)
	}
	for _, listed := range s.changes(t, pb.Site_SERVICE_UNSPECIFIED) {
		wantCanceled(t, "ListStatusChanges", listed, change)
	}
}

func cancelAgain(t T, h Harness) {
	s, change := pending(t, h)
	if change == nil {
		return
	}
	h = countFromNow(h)
	for _, what := range []string{"the first CancelStatusChange", "the second"} {
		answer, err := s.canceling(change.GetName()).in(t.Context(), newSteps())
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		wantCanceled(t, what, answer.(*pb.StatusChange), change)
		wantWrites(t, what, h, 1)
	}
}

func cancelTooLate(t T, h Harness) {
	s, change := pending(t, h)
	if change == nil {
		return
	}
	h.Approve(s.id)
	h = countFromNow(h)
	_, err := s.canceling(change.GetName()).in(t.Context(), newSteps())
	wantError(t, "CancelStatusChange of an approved change", err, codes.FailedPrecondition, pb.ErrorReason_VENDOR_STATE)
	wantWrites(t, "CancelStatusChange of an approved change", h, 0)
}
