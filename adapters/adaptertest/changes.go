package adaptertest

import (
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

var changePromises = []Promise{
	{"EnableSite of a site that is on sends nothing", needs("EnableSite"), enableWhatIsOn},
	{"ExtendTrial that is still pending is not sent again", needs("ExtendTrial"), extendPending},
	{"ListStatusChanges shows each request, of the service that the filter chooses",
		needs("ListStatusChanges", "ExtendTrial"), changesAreListed},
	{"ListStatusChanges of a site without changes is empty", needs("ListStatusChanges"), noChanges},
	{"ListStatusChanges of an unknown site is NOT_FOUND", needs("ListStatusChanges"),
		notFound(func(t T, h Harness) []proto.Message {
			return []proto.Message{&pb.ListStatusChangesRequest{Parent: newUnknownSite(t, h).name}}
		})},
	{"CancelStatusChange cancels the change",
		needs("CancelStatusChange", "ExtendTrial", "ListStatusChanges"), cancelIsListed},
	{"CancelStatusChange of a canceled change sends nothing, and returns the change",
		needs("CancelStatusChange", "ExtendTrial"), cancelAgain},
	{"CancelStatusChange of an approved change is FAILED_PRECONDITION",
		needs("CancelStatusChange", "ExtendTrial"), cancelTooLate},
}

var changeWrites = []write{
	{
		needs: needs("EnableSite"),
		prepare: func(t T, h Harness) *attempt {
			sites := newSites(t, h, 2)
			if len(sites) < 2 { // The vendor can hold one site only, which is on.
				return nil
			}
			return &attempt{sites[1].enabling(), sites[1].wantChanged(pb.StatusChange_RESUME)}
		},
		ofNothing: func(t T, h Harness) call { return newUnknownSite(t, h).enabling() },
		what:      "site",
	},
	{
		needs: needs("ExtendTrial"),
		prepare: func(t T, h Harness) *attempt {
			s := newSite(t, h)
			return &attempt{s.calling(s.extending()), s.wantChanged(pb.StatusChange_EXTEND_TRIAL)}
		},
		ofNothing: func(t T, h Harness) call { return h.calling(newUnknownSite(t, h).extending()) },
		what:      "site",
	},
	{
		needs: needs("CancelStatusChange", "ExtendTrial"),
		prepare: func(t T, h Harness) *attempt {
			s, pending := pending(t, h)
			if pending == nil {
				return nil
			}
			cancel := s.canceling(pending.GetName())
			return &attempt{cancel, wanting(func(t T, what string, change *pb.StatusChange) {
				wantCanceled(t, what, change, pending)
			})}
		},
		ofNothing: func(t T, h Harness) call {
			s := newSite(t, h)
			return s.canceling(s.name + "/statusChanges/PD001.none")
		},
		what: "status change",
	},
}

func (s *site) enabling() call {
	return s.calling(&pb.EnableSiteRequest{Name: s.name, Message: "The contract goes on."})
}

func (s *site) extending() proto.Message {
	return &pb.ExtendTrialRequest{Name: s.name, Message: "Another month, please."}
}

func (s *site) canceling(name string) call {
	return s.calling(&pb.CancelStatusChangeRequest{Name: name})
}

// extend asks for an extension of the trial.
func (s *site) extend(t T) *pb.StatusChange {
	t.Helper()
	return done[*pb.StatusChange](t, s.Harness, s.extending())
}

func wantCanceled(t T, what string, change, pending *pb.StatusChange) {
	t.Helper()
	if !sameFields(change, pending, "name", "type") || change.GetState() != pb.StatusChange_CANCELLED {
		t.Errorf("%s: the change is %v, want %q to be CANCELLED", what, change, pending.GetName())
	}
}

func (s *site) changes(t T, service pb.Site_Service) []*pb.StatusChange {
	t.Helper()
	req := &pb.ListStatusChangesRequest{Parent: s.name, Filter: &pb.StatusChangeFilter{Service: service}}
	return get[*pb.ListStatusChangesResponse](t, s.Harness, req).GetStatusChanges()
}

func enableWhatIsOn(t T, h Harness) {
	s := newSite(t, h)
	answer, err := s.enabling().in(t.Context(), newSteps())
	if err != nil {
		t.Fatalf("EnableSite of a site that is on: %v", err)
	}
	s.wantChanged(pb.StatusChange_RESUME)(t, "EnableSite of a site that is on", answer)
	wantWrites(t, "EnableSite of a site that is on", h, 0)
}

func extendPending(t T, h Harness) {
	s, first := pending(t, h)
	if first == nil {
		return
	}
	if second := s.extend(t); second.GetName() != first.GetName() {
		t.Errorf("ExtendTrial returns %v, and %q is pending", second, first.GetName())
	}
	wantWrites(t, "ExtendTrial, asked for twice", h, 1)
}

func changesAreListed(t T, h Harness) {
	s := newSite(t, h)
	asked := s.extend(t)
	if asked.GetName() == "" {
		t.Logf("not checked: the vendor keeps no record")
		return
	}
	for _, service := range []pb.Site_Service{pb.Site_SERVICE_UNSPECIFIED, asked.GetService()} {
		listed := s.changes(t, service)
		if len(listed) != 1 || !sameFields(listed[0], asked, "name", "state", "type") {
			t.Errorf("ListStatusChanges of %s gives %v, want %v", service, listed, asked)
		}
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

// pending returns a change that waits for approval, or nil if the vendor decides at once.
func pending(t T, h Harness) (*site, *pb.StatusChange) {
	t.Helper()
	s := newSite(t, h)
	change := s.extend(t)
	if change.GetState() != pb.StatusChange_PENDING {
		t.Logf("not checked: the vendor decides at once")
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
	listed := s.changes(t, pb.Site_SERVICE_UNSPECIFIED)
	if len(listed) != 1 {
		t.Fatalf("ListStatusChanges gives %v, want the canceled change", listed)
	}
	wantCanceled(t, "ListStatusChanges", listed[0], change)
}

func cancelAgain(t T, h Harness) {
	_, change := pending(t, h)
	if change == nil {
		return
	}
	h = countFromNow(h)
	for _, what := range []string{"the first CancelStatusChange", "the second"} {
		req := &pb.CancelStatusChangeRequest{Name: change.GetName()}
		wantCanceled(t, what, done[*pb.StatusChange](t, h, req), change)
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
	WantError(t, "CancelStatusChange of an approved change", err, codes.FailedPrecondition, pb.ErrorReason_VENDOR_STATE)
	wantWrites(t, "CancelStatusChange of an approved change", h, 0)
}
