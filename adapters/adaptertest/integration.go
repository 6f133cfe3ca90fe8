package adaptertest

import (
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

var integrationPromises = []Promise{
	{"GetIntegration with view FULL shows what the vendor holds", needs("GetIntegration"), fullIntegration},
	{"GetIntegration with another view shows all but the values of credentials",
		needs("GetIntegration"), basicIntegration},
	{"GetIntegration of an unknown site is NOT_FOUND", needs("GetIntegration"),
		notFound(func(t T, h Harness) []proto.Message {
			return []proto.Message{&pb.GetIntegrationRequest{Name: newUnknownSite(t, h).name + "/integration"}}
		})},
	{"UpdateIntegration changes what its mask names, and nothing else",
		needs("UpdateIntegration"), updatesWhatTheMaskNames},
	{"UpdateIntegration refuses a token_duration of parts of a second", needs("UpdateIntegration"), wholeSeconds},
}

var integrationWrites = []write{{
	needs: needs("UpdateIntegration"),
	prepare: func(t T, h Harness) *attempt {
		s := newSite(t, h)
		wanted := callbacks("https://shop.example/license?from=drmhub&x=1", "https://shop.example/pack", 90*time.Minute)
		return &attempt{s.updating(wanted, allSettings...), wanting(func(t T, what string, got *pb.Integration) {
			if !sameFields(got, wanted, allSettings...) || got.GetName() != s.name+"/integration" {
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
	return s.calling(&pb.UpdateIntegrationRequest{
		Integration: wanted, UpdateMask: &fieldmaskpb.FieldMask{Paths: mask},
	})
}

// integration returns what the vendor holds, as GetIntegration must show it.
func (s *site) integration() *pb.Integration {
	held := s.Integration(s.id)
	held.Name = s.name + "/integration"
	return held
}

// withoutValues returns an integration as everybody may see it.
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
	return get[*pb.Integration](t, s.Harness, &pb.GetIntegrationRequest{Name: s.name + "/integration", View: view})
}

func fullIntegration(t T, h Harness) {
	s := newSite(t, h)
	held := s.integration()
	if len(held.GetCredentials()) == 0 {
		t.Errorf("the harness's Integration has no credentials, which this promise needs; add one")
	}
	if got := s.getIntegration(t, pb.Integration_FULL); !proto.Equal(got, held) {
		t.Errorf("GetIntegration returns %v, and the vendor holds %v (their values may differ too)",
			withoutValues(got), withoutValues(held))
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
		{callbacks("", "", time.Second), allSettings[:2]}, // An empty address clears it.
	} {
		want := s.integration()
		copyFields(want, c.set, c.mask...)
		answer, err := s.updating(c.set, c.mask...).in(t.Context(), newSteps())
		if err != nil {
			t.Fatalf("UpdateIntegration of %q: %v", c.mask, err)
		}
		if got := s.integration(); !proto.Equal(got, want) {
			t.Errorf("after UpdateIntegration of %q, the vendor holds %v, want %v",
				c.mask, withoutValues(got), withoutValues(want))
		}
		if got := answer.(*pb.Integration); !proto.Equal(withoutValues(got), withoutValues(want)) {
			t.Errorf("UpdateIntegration of %q returns %v, want %v", c.mask, withoutValues(got), withoutValues(want))
		}
	}
}

func wholeSeconds(t T, h Harness) {
	s := newSite(t, h)
	_, err := s.updating(callbacks("", "", 1500*time.Millisecond), "token_duration").in(t.Context(), newSteps())
	wantViolations(t, "1.5s", err, "integration.token_duration")
	wantWrites(t, "1.5s", h, 0)
}
