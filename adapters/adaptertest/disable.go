package adaptertest

import (
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

var disablePromises = []Promise{
	{"DisableSite leaves other sites as they are", needs("DisableSite", "ListSites"), disableOneSite},
	{"DisableSite asked for again sends nothing", needs("DisableSite"), disableAgain},
	{"DisableSite of a site that is off sends nothing", needs("DisableSite"), disableWhatIsOff},
	{"DisableSite of another service is refused, or is of that service", needs("DisableSite"), disableAnotherService},
}

var disableWrites = []write{{
	needs: needs("DisableSite"),
	prepare: func(t T, h Harness) *attempt {
		s := newSite(t, h)
		return &attempt{s.disabling(), s.wantChanged(pb.StatusChange_SUSPEND)}
	},
	ofNothing: func(t T, h Harness) call { return newUnknownSite(t, h).disabling() },
	what:      "site",
}}

func (s *site) disabling() call { return s.disablingService(pb.Site_SERVICE_UNSPECIFIED) }

func (s *site) disablingService(service pb.Site_Service) call {
	return s.calling(&pb.DisableSiteRequest{Name: s.name, Service: service, Message: "The contract has ended."})
}

// wantChanged makes a want of a change of this type.
func (s *site) wantChanged(kind pb.StatusChange_Type) func(T, string, proto.Message) {
	return wanting(func(t T, what string, change *pb.StatusChange) { s.wantChange(t, what, change, kind) })
}

// disable disables the site, and demands n writes until now.
func (s *site) disable(t T, h Harness, what string, service pb.Site_Service, n int) {
	t.Helper()
	change, err := s.disablingService(service).in(t.Context(), newSteps())
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	s.wantChanged(pb.StatusChange_SUSPEND)(t, what, change)
	wantWrites(t, what, h, n)
}

// wantChange demands a change of this type that was made, or is under way.
func (s *site) wantChange(t T, what string, change *pb.StatusChange, kind pb.StatusChange_Type) {
	t.Helper()
	if change.GetSite() != s.name || change.GetService() != pb.Site_DRM || change.GetType() != kind {
		t.Errorf("%s: the change is %v, want a %s of DRM for %q", what, change, kind, s.name)
	}
	switch site := change.GetAppliedSite(); change.GetState() {
	case pb.StatusChange_APPLIED:
		if site.GetName() != s.name || kind == pb.StatusChange_SUSPEND && site.GetEnabled() ||
			kind == pb.StatusChange_RESUME && !site.GetEnabled() {
			t.Errorf("%s: the change is APPLIED, and the site was read back as %v", what, site)
		}
	case pb.StatusChange_PENDING, pb.StatusChange_APPROVED:
		if change.GetName() == "" {
			t.Errorf("%s: the change is %s but has no name to follow it by; set one", what, change.GetState())
		}
	default:
		t.Errorf("%s: the change is %s, want APPLIED, PENDING or APPROVED", what, change.GetState())
	}
}

func disableOneSite(t T, h Harness) {
	sites := newSites(t, h, len(siteIDs))
	sites[0].disable(t, h, "DisableSite", pb.Site_SERVICE_UNSPECIFIED, 1)
	for _, listed := range listSites(h).from(t, "", nil, 0) {
		for _, s := range sites[1:] {
			if s.name == listed.GetName() && s.shown.GetEnabled() != listed.GetEnabled() {
				t.Errorf("DisableSite of %q changes %q", sites[0].name, s.name)
			}
		}
	}
}

func disableAgain(t T, h Harness) {
	s := newSite(t, h)
	for _, what := range []string{"the first DisableSite", "the second", "the third"} {
		s.disable(t, h, what, pb.Site_SERVICE_UNSPECIFIED, 1)
	}
}

func disableWhatIsOff(t T, h Harness) {
	sites := newSites(t, h, 2)
	if len(sites) < 2 {
		t.Logf("not checked: the vendor can hold one site only, which is on")
		return
	}
	sites[1].disable(t, h, "DisableSite of a site that is off", pb.Site_SERVICE_UNSPECIFIED, 0)
}

func disableAnotherService(t T, h Harness) {
	s := newSite(t, h)
	change, err := s.disablingService(pb.Site_FORENSIC_WATERMARKING).in(t.Context(), newSteps())
	if err != nil {
		wantWrites(t, "DisableSite of another service, refused", h, 0)
		if code := apierror.Convert(err).Code; code != codes.InvalidArgument && code != codes.FailedPrecondition {
			t.Errorf("DisableSite of another service: %v, want INVALID_ARGUMENT, "+
				"or FAILED_PRECONDITION if the site lacks it", err)
		}
	} else if got := change.(*pb.StatusChange).GetService(); got != pb.Site_FORENSIC_WATERMARKING {
		t.Errorf("DisableSite of forensic watermarking changes %s", got)
	}
	h = countFromNow(h)
	s.disable(t, h, "DisableSite of DRM", pb.Site_DRM, 1)
}
