package adaptertest

import (
	"context"
	"errors"
	"sync"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"github.com/drmhub/drmhub/adapters"
	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/mutation"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

var disablePromises = []Promise{
	{"DisableSite takes effect once, and says what became of it", needs(siteDisabler), disableTakesEffect},
	{"DisableSite leaves other sites as they are", needs(siteDisabler, siteLister), disableOneSite},
	{"DisableSite that has succeeded is answered from its record", needs(siteDisabler), disableFromRecord},
	{"DisableSite asked for again sends nothing", needs(siteDisabler), disableAgain},
	{"DisableSite of a site that is off sends nothing", needs(siteDisabler), disableWhatIsOff},
	{"DisableSite of another service is refused, or is of that service", needs(siteDisabler), disableAnotherService},
	{"DisableSite of an unknown site is NOT_FOUND", needs(siteDisabler), disableUnknownSite},
	{"DisableSite for a caller who has gone sends nothing", needs(siteDisabler), disableForNobody},
	{"DisableSite outside of a mutation sends nothing", needs(siteDisabler), disableOutsideOfMutation},
	{"DisableSite whose answer is lost has an unknown outcome, and settles with one effect", needs(siteDisabler), settlesAfter(AnswerLost)},
	{"DisableSite whose answer cannot be read has an unknown outcome, and settles with one effect", needs(siteDisabler), settlesAfter(AnswerGarbled)},
	{"DisableSite that is cut before its effect has an unknown outcome, and settles with one effect", needs(siteDisabler), settlesAfter(CutBeforeEffect)},
	{"DisableSite whose outcome cannot be read back stays unknown", needs(siteDisabler), staysUnknown},
	{"DisableSite that had no effect is not sent when nobody asks again", needs(siteDisabler), settlesWithoutEffect},
	{"DisableSite that the vendor refuses has a definite outcome", needs(siteDisabler), disableIsRefused},
}

// steps is a mutation's log that tells whether a write was left unsettled.
type steps struct {
	*mutation.Memory
	settling bool

	mu    sync.Mutex
	names map[string]bool
}

func newSteps() *steps { return &steps{Memory: mutation.NewMemory(), names: map[string]bool{}} }

// Put keeps the step's name too.
func (s *steps) Put(ctx context.Context, step string, r mutation.Record) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.names[step] = true
	return s.Memory.Put(ctx, step, r)
}

// Settling tells whether nobody asked again.
func (s *steps) Settling() bool { return s.settling }

// unsettled tells whether a write may have taken effect and nobody knows.
func (s *steps) unsettled() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for step := range s.names {
		if s.Get(step).State == mutation.Sent {
			return true
		}
	}
	return false
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
func (s *site) wantDisabled(t T, what string, change *pb.StatusChange, err error) {
	t.Helper()
	if err != nil {
		t.Errorf("%s: %v", what, err)
		return
	}
	if change.GetSite() != s.name || change.GetService() != pb.Site_DRM || change.GetType() != pb.StatusChange_SUSPEND {
		t.Errorf("%s: the change is %v, want a SUSPEND of DRM for %q", what, change, s.name)
	}
	switch site := change.GetAppliedSite(); change.GetState() {
	case pb.StatusChange_APPLIED:
		if site.GetName() != s.name || site.GetEnabled() {
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

// wantWrites demands that so many writes have taken effect.
func wantWrites(t T, what string, h Harness, n int) {
	t.Helper()
	if got := h.Writes(); got != n {
		t.Errorf("%s: %d writes have taken effect at the vendor, want %d", what, got, n)
	}
}

func disableTakesEffect(t T, h Harness) {
	s, log := newSite(t, h), newSteps()
	change, err := s.disable(t.Context(), log)
	s.wantDisabled(t, "DisableSite", change, err)
	wantWrites(t, "DisableSite", h, 1)
	if log.unsettled() {
		t.Errorf("DisableSite succeeds, and its log says that a write is unsettled")
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

func disableFromRecord(t T, h Harness) {
	s, log := newSite(t, h), newSteps()
	first, err := s.disable(t.Context(), log)
	if err != nil {
		t.Fatalf("DisableSite: %v", err)
	}
	second, err := s.disable(t.Context(), log)
	if err != nil || !proto.Equal(first, second) {
		t.Errorf("run again, DisableSite answers %v, %v; first it answered %v", second, err, first)
	}
	wantWrites(t, "run again", h, 1)
}

func disableAgain(t T, h Harness) {
	s := newSite(t, h)
	for _, what := range []string{"the first DisableSite", "the second", "the third"} {
		change, err := s.disable(t.Context(), newSteps())
		s.wantDisabled(t, what, change, err)
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
	s.wantDisabled(t, "DisableSite of a site that is off", change, err)
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
	s.wantDisabled(t, "DisableSite of DRM", change, err)
}

func disableUnknownSite(t T, h Harness) {
	log := newSteps()
	_, err := newUnknownSite(t, h).disable(t.Context(), log)
	wantError(t, "DisableSite", err, codes.NotFound, pb.ErrorReason_RESOURCE_NOT_FOUND)
	wantWrites(t, "DisableSite of an unknown site", h, 0)
	if log.unsettled() {
		t.Errorf("DisableSite is NOT_FOUND, and its log says that a write is unsettled")
	}
}

func disableForNobody(t T, h Harness) {
	s := newSite(t, h)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.disable(ctx, newSteps())
	wantError(t, "DisableSite", err, codes.Canceled, pb.ErrorReason_CALL_CANCELLED)
	wantWrites(t, "DisableSite for a caller who has gone", h, 0)
}

func disableOutsideOfMutation(t T, h Harness) {
	s := newSite(t, h)
	if _, err := h.Adapter.(adapters.SiteDisabler).DisableSite(t.Context(), &pb.DisableSiteRequest{Name: s.name}); err == nil {
		t.Errorf("DisableSite succeeds without mutation.NewContext, so its write stands in no mutation.Do")
	}
	wantWrites(t, "DisableSite outside of a mutation", h, 0)
}

// settlesAfter checks that after this fault the outcome is unknown, and that running the method again finds it out.
func settlesAfter(fault WriteFault) func(T, Harness) {
	return func(t T, h Harness) {
		s, log := newSite(t, h), newSteps()
		h.FailWrites(fault, 1)
		_, err := s.disable(t.Context(), log)
		wantError(t, "DisableSite", err, codes.Unknown, pb.ErrorReason_OUTCOME_UNKNOWN)
		if !log.unsettled() {
			t.Errorf("the outcome is unknown, and the log does not say so")
		}
		change, err := s.disable(t.Context(), log)
		s.wantDisabled(t, "DisableSite, run again", change, err)
		wantWrites(t, "DisableSite, run again", h, 1)
		if log.unsettled() {
			t.Errorf("DisableSite, run again, succeeds, and its log says that a write is unsettled")
		}
	}
}

func staysUnknown(t T, h Harness) {
	s, log := newSite(t, h), newSteps()
	h.FailWrites(AnswerLost, 1)
	_, err := s.disable(t.Context(), log)
	wantError(t, "DisableSite", err, codes.Unknown, pb.ErrorReason_OUTCOME_UNKNOWN)
	h.FailReads(Down)
	_, err = s.disable(t.Context(), log)
	wantError(t, "DisableSite, run again while the vendor is down", err, codes.Unknown, pb.ErrorReason_OUTCOME_UNKNOWN)
	h.FailReads(Healthy)
	change, err := s.disable(t.Context(), log)
	s.wantDisabled(t, "DisableSite, run again", change, err)
	wantWrites(t, "DisableSite, run again", h, 1)
}

func settlesWithoutEffect(t T, h Harness) {
	s, log := newSite(t, h), newSteps()
	h.FailWrites(CutBeforeEffect, 1)
	_, err := s.disable(t.Context(), log)
	wantError(t, "DisableSite", err, codes.Unknown, pb.ErrorReason_OUTCOME_UNKNOWN)
	log.settling = true
	if _, err := s.disable(t.Context(), log); !errors.Is(err, mutation.ErrNoEffect) {
		t.Errorf("settled: %v, want %v", err, mutation.ErrNoEffect)
	}
	wantWrites(t, "settled", h, 0)
}

func disableIsRefused(t T, h Harness) {
	s, log := newSite(t, h), newSteps()
	h.FailWrites(Refused, 1)
	for _, what := range []string{"DisableSite", "DisableSite, run again"} {
		_, err := s.disable(t.Context(), log)
		wantError(t, what, err, codes.FailedPrecondition, pb.ErrorReason_VENDOR_REJECTED)
		wantWrites(t, what, h, 0)
		if log.unsettled() {
			t.Errorf("%s is refused, and its log says that a write is unsettled", what)
		}
	}
}
