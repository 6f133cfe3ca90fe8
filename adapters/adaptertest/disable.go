package adaptertest

import (
	"context"

	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters"
	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/mutation"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

var disablePromises = []Promise{
	{"DisableSite leaves other sites as they are", needs(siteDisabler, siteLister), disableOneSite},
	{"DisableSite asked for again sends nothing", needs(siteDisabler), disableAgain},
	{"DisableSite of a site that is off sends nothing", needs(siteDisabler), disableWhatIsOff},
	{"DisableSite of another service is refused, or is of that service", needs(siteDisabler), disableAnotherService},
}

var disableWrites = []write{{
	needs: needs(siteDisabler),
	prepare: func(t T, h Harness) *attempt {
		s := newSite(t, h)
		return &attempt{s.disabling(), wanting(s.wantDisabled)}
	},
	ofNothing: func(t T, h Harness) call { return newUnknownSite(t, h).disabling() },
	what:      "site",
}}

func (s *site) disabling() call {
	return typed(s.Adapter.(adapters.SiteDisabler).DisableSite, &pb.DisableSiteRequest{Name: s.name, Message: "The contract has ended."})
}

// disable switches the site off, as the mutation that log is of.
func (s *site) disable(ctx context.Context, log *steps) (*pb.StatusChange, error) {
	return s.disableService(ctx, log, pb.Site_SERVICE_UNSPECIFIED)
}

func (s *site) disableService(ctx context.Context, log *steps, service pb.Site_Service) (*pb.StatusChange, error) {
	req := &pb.DisableSiteRequest{Name: s.name, Service: service, Message: "The contract has ended."}
	return s.Adapter.(adapters.SiteDisabler).DisableSite(mutation.NewContext(ctx, log), req)
}

// wantDisabled demands an answer that says how the site is, or will be, off.
func (s *site) wantDisabled(t T, what string, change *pb.StatusChange) {
	t.Helper()
	s.wantChange(t, what, change, pb.StatusChange_SUSPEND)
}

func (s *site) wantDisabledNow(t T, what string, change *pb.StatusChange, err error) {
	t.Helper()
	if err != nil {
		t.Errorf("%s: %v", what, err)
		return
	}
	s.wantDisabled(t, what, change)
}

// wantChange demands an answer that says how a change was made, or will be.
func (s *site) wantChange(t T, what string, change *pb.StatusChange, kind pb.StatusChange_Type) {
	t.Helper()
	if change.GetSite() != s.name || change.GetService() != pb.Site_DRM || change.GetType() != kind {
		t.Errorf("%s: the change is %v, want a %s of DRM for %q", what, change, kind, s.name)
	}
	switch site := change.GetAppliedSite(); change.GetState() {
	case pb.StatusChange_APPLIED:
		if site.GetName() != s.name || kind == pb.StatusChange_SUSPEND && site.GetEnabled() || kind == pb.StatusChange_RESUME && !site.GetEnabled() {
			t.Errorf("%s: the change is APPLIED, and the site was read back as %v", what, site)
		}
	case pb.StatusChange_PENDING, pb.StatusChange_APPROVED:
		if change.GetName() == "" {
			t.Errorf("%s: the change is %s and has no name, so nobody can follow it", what, change.GetState())
		}
	default:
		t.Errorf("%s: the change is %s, want APPLIED, PENDING or APPROVED", what, change.GetState())
	}
}

func disableOneSite(t T, h Harness) {
	sites := newSites(t, h, len(siteIDs))
	if _, err := sites[0].disable(t.Context(), newSteps()); err != nil {
		t.Fatalf("DisableSite: %v", err)
	}
	for _, listed := range listSites(t, h, 0) {
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
		change, err := s.disable(t.Context(), newSteps())
		s.wantDisabledNow(t, what, change, err)
		wantWrites(t, what, h, 1)
	}
}

func disableWhatIsOff(t T, h Harness) {
	sites := newSites(t, h, 2)
	if len(sites) < 2 {
		t.Logf("nothing to see: the vendor can hold one site only, which is on")
		return
	}
	s := sites[1]
	change, err := s.disable(t.Context(), newSteps())
	s.wantDisabledNow(t, "DisableSite of a site that is off", change, err)
	wantWrites(t, "DisableSite of a site that is off", h, 0)
}

func disableAnotherService(t T, h Harness) {
	s := newSite(t, h)
	change, err := s.disableService(t.Context(), newSteps(), pb.Site_FORENSIC_WATERMARKING)
	if err != nil {
		wantWrites(t, "DisableSite of another service, refused", h, 0)
		if code := apierror.Convert(err).Code; code != codes.InvalidArgument && code != codes.FailedPrecondition {
			t.Errorf("DisableSite of another service: %v, want INVALID_ARGUMENT, or FAILED_PRECONDITION where the site lacks it", err)
		}
	} else if change.GetService() != pb.Site_FORENSIC_WATERMARKING {
		t.Errorf("DisableSite of forensic watermarking changes %s", change.GetService())
	}
	change, err = s.disableService(t.Context(), newSteps(), pb.Site_DRM)
	s.wantDisabledNow(t, "DisableSite of DRM", change, err)
}
