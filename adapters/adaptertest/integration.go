package adaptertest

import (
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/drmhub/drmhub/adapters"
	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

var integrationPromises = []Promise{
	{"GetIntegration with view FULL shows what the vendor holds", needs(integrationGetter), fullIntegration},
	{"GetIntegration with another view shows all but the values of credentials", needs(integrationGetter), basicIntegration},
	{"GetIntegration of an unknown site is NOT_FOUND", needs(integrationGetter), integrationOfUnknownSite},
	{"UpdateIntegration changes what its mask names, and nothing else", needs(integrationUpdater), updatesWhatTheMaskNames},
	{"UpdateIntegration refuses a token_duration of parts of a second", needs(integrationUpdater), wholeSeconds},
}

var integrationWrites = []write{{
	needs: needs(integrationUpdater),
	prepare: func(t T, h Harness) *attempt {
		s := newSite(t, h)
		wanted := callbacks("https://shop.example/license?from=drmhub&x=1", "https://shop.example/pack", 90*time.Minute)
		return &attempt{s.updating(wanted, allSettings...), wanting(func(t T, what string, got *pb.Integration) {
			if got.GetLicenseCallbackUrl() != wanted.GetLicenseCallbackUrl() || got.GetPackageCallbackUrl() != wanted.GetPackageCallbackUrl() ||
				!proto.Equal(got.GetTokenDuration(), wanted.GetTokenDuration()) || got.GetName() != s.name+"/integration" {
				t.Errorf("%s: the integration is %v, want the settings of %v", what, withoutValues(got), wanted)
			}
			wantNoValues(t, what, got)
		})}
	},
	ofNothing: func(t T, h Harness) call {
		return newUnknownSite(t, h).updating(callbacks("https://shop.example", "", 0), "license_callback_url")
	},
	what: "site",
}}

// allSettings are the fields that can be changed.
var allSettings = []string{"license_callback_url", "package_callback_url", "token_duration"}

func callbacks(license, pack string, token time.Duration) *pb.Integration {
	return &pb.Integration{LicenseCallbackUrl: license, PackageCallbackUrl: pack, TokenDuration: durationpb.New(token)}
}

func (s *site) updating(wanted *pb.Integration, mask ...string) call {
	wanted = proto.CloneOf(wanted)
	wanted.Name = s.name + "/integration"
	return typed(s.Adapter.(adapters.IntegrationUpdater).UpdateIntegration, &pb.UpdateIntegrationRequest{
		Integration: wanted, UpdateMask: &fieldmaskpb.FieldMask{Paths: mask},
	})
}

// integration is what the vendor holds, as GetIntegration must show it.
func (s *site) integration() *pb.Integration {
	held := s.Integration(s.id)
	held.Name = s.name + "/integration"
	return held
}

// withoutValues is an integration as it may be shown to anybody, and in the text of a failing test.
func withoutValues(i *pb.Integration) *pb.Integration {
	i = proto.CloneOf(i)
	for _, c := range i.GetCredentials() {
		c.Redacted, c.Value = c.GetRedacted() || c.GetValue() != "", ""
	}
	return i
}

func wantNoValues(t T, what string, i *pb.Integration) {
	t.Helper()
	for _, c := range i.GetCredentials() {
		if c.GetValue() != "" {
			t.Errorf("%s: the value of %s is shown", what, c.GetId())
		}
	}
}

func (s *site) getIntegration(t T, view pb.Integration_View) *pb.Integration {
	t.Helper()
	req := &pb.GetIntegrationRequest{Name: s.name + "/integration", View: view}
	got, err := s.Adapter.(adapters.IntegrationGetter).GetIntegration(t.Context(), req)
	if err != nil {
		t.Fatalf("GetIntegration, view %s: %v", view, err)
	}
	return got
}

func fullIntegration(t T, h Harness) {
	s := newSite(t, h)
	held := s.integration()
	if len(held.GetCredentials()) == 0 {
		t.Errorf("the harness's Integration has no credentials, so nobody can see whether they are shown")
	}
	if got := s.getIntegration(t, pb.Integration_FULL); !proto.Equal(got, held) {
		t.Errorf("GetIntegration gives %v, and the vendor holds %v (their values may differ too)", withoutValues(got), withoutValues(held))
	}
}

func basicIntegration(t T, h Harness) {
	s := newSite(t, h)
	for _, view := range []pb.Integration_View{pb.Integration_VIEW_UNSPECIFIED, pb.Integration_BASIC} {
		got, want := s.getIntegration(t, view), withoutValues(s.integration())
		wantNoValues(t, view.String(), got)
		if !proto.Equal(withoutValues(got), want) {
			t.Errorf("GetIntegration, view %s, gives %v, want %v", view, withoutValues(got), want)
		}
	}
}

func integrationOfUnknownSite(t T, h Harness) {
	s := newUnknownSite(t, h)
	req := &pb.GetIntegrationRequest{Name: s.name + "/integration"}
	_, err := h.Adapter.(adapters.IntegrationGetter).GetIntegration(t.Context(), req)
	wantError(t, "GetIntegration", err, codes.NotFound, pb.ErrorReason_RESOURCE_NOT_FOUND)
}

func updatesWhatTheMaskNames(t T, h Harness) {
	s := newSite(t, h)
	for _, c := range []struct {
		set  *pb.Integration
		mask []string
	}{
		{callbacks("https://a.example", "https://b.example", time.Minute), allSettings},
		{callbacks("https://c.example", "https://d.example", time.Hour), allSettings[:1]},
		{callbacks("https://e.example", "https://f.example", time.Hour), allSettings[1:2]},
		{callbacks("https://g.example", "https://h.example", time.Hour), allSettings[2:]},
		{callbacks("", "", time.Second), allSettings[:2]}, // an empty address takes it away
	} {
		want := s.integration()
		for _, field := range c.mask {
			f := want.ProtoReflect().Descriptor().Fields().ByTextName(field)
			want.ProtoReflect().Set(f, c.set.ProtoReflect().Get(f))
		}
		answer, err := s.updating(c.set, c.mask...).in(t.Context(), newSteps())
		if err != nil {
			t.Fatalf("UpdateIntegration of %q: %v", c.mask, err)
		}
		if got := s.integration(); !proto.Equal(got, want) {
			t.Errorf("UpdateIntegration of %q makes it %v, want %v", c.mask, withoutValues(got), withoutValues(want))
		}
		if got := answer.(*pb.Integration); !proto.Equal(withoutValues(got), withoutValues(want)) {
			t.Errorf("UpdateIntegration of %q answers %v, want %v", c.mask, withoutValues(got), withoutValues(want))
		}
	}
}

func wholeSeconds(t T, h Harness) {
	s := newSite(t, h)
	_, err := s.updating(callbacks("", "", 1500*time.Millisecond), "token_duration").in(t.Context(), newSteps())
	wantViolations(t, "1.5s", err, "integration.token_duration")
	wantWrites(t, "1.5s", h, 0)
}

// wantViolations demands INVALID_ARGUMENT for these fields, and no others.
func wantViolations(t T, what string, err error, fields ...string) {
	t.Helper()
	if err == nil {
		t.Errorf("%s: no error, want INVALID_ARGUMENT for %q", what, fields)
		return
	}
	e := wantError(t, what, err, codes.InvalidArgument, pb.ErrorReason_REQUEST_INVALID)
	wanted, got := map[string]bool{}, map[string]bool{}
	for _, f := range fields {
		wanted[f] = true
	}
	for _, v := range e.Violations {
		got[v.GetField()] = true
	}
	for f := range wanted {
		if !got[f] {
			t.Errorf("%s: no field violation for %s in %v", what, f, apierror.Convert(err).Violations)
		}
	}
	for f := range got {
		if !wanted[f] {
			t.Errorf("%s: a field violation for %s, which is sound", what, f)
		}
	}
}
