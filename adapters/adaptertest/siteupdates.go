package adaptertest

import (
	"maps"
	"slices"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

var siteUpdatePromises = []Promise{
	{"UpdateSite changes what its mask names, and no other site", needs("UpdateSite", "ListSites"), updatesOneSite},
}

var siteUpdateWrites = []write{{
	needs: needs("UpdateSite"),
	hides: true,
	prepare: func(t T, h Harness) *attempt {
		s := newSite(t, h)
		fields := slices.Sorted(maps.Keys(h.SiteUpdates))
		wanted := s.like(0)
		return &attempt{s.updatingSite(wanted, fields...), wanting(func(t T, what string, got *pb.Site) {
			if got.GetName() != s.name || !sameFields(got, wanted, fields...) {
				t.Errorf("%s: the site is %v, want %q of %v", what, got, fields, wanted)
			}
		})}
	},
	ofNothing: func(t T, h Harness) call {
		s := newUnknownSite(t, h)
		return s.updatingSite(s.like(0), slices.Sorted(maps.Keys(h.SiteUpdates))...)
	},
	what: "site",
}}

// like returns a site with the nth of the values that can be given to it.
func (s *site) like(n int) *pb.Site {
	wanted := &pb.Site{Name: s.name}
	for field, values := range s.SiteUpdates {
		setText(wanted, field, values[n])
	}
	return wanted
}

func (s *site) updatingSite(wanted *pb.Site, mask ...string) call {
	return s.calling(&pb.UpdateSiteRequest{Site: wanted, UpdateMask: &fieldmaskpb.FieldMask{Paths: mask}})
}

// sameFields reports whether two messages of a kind have these fields in common.
func sameFields(a, b proto.Message, fields ...string) bool {
	return !slices.ContainsFunc(fields, func(field string) bool {
		return !a.ProtoReflect().Get(fieldOf(a, field)).Equal(b.ProtoReflect().Get(fieldOf(b, field)))
	})
}

// copyFields copies these fields of a message to another one of its kind.
func copyFields(to, from proto.Message, fields ...string) {
	from = proto.CloneOf(from)
	for _, field := range fields {
		if f := fieldOf(to, field); from.ProtoReflect().Has(f) {
			to.ProtoReflect().Set(f, from.ProtoReflect().Get(f))
		} else {
			to.ProtoReflect().Clear(f)
		}
	}
}

func updatesOneSite(t T, h Harness) {
	sites := newSites(t, h, 3)
	s, want := sites[0], listSites(h).from(t, "", nil, 0)
	fields := slices.Sorted(maps.Keys(h.SiteUpdates))
	masks := [][]string{fields}
	for _, field := range fields {
		masks = append(masks, []string{field}, []string{field}) // one value, and then the other
	}
	for i, mask := range masks {
		wanted := s.like(i % 2)
		answer, err := s.updatingSite(wanted, mask...).in(t.Context(), newSteps())
		if err != nil {
			t.Fatalf("UpdateSite of %q: %v", mask, err)
		}
		for _, w := range want {
			if w.GetName() == s.name {
				copyFields(w, wanted, mask...)
			}
			w.UpdateTime = nil
		}
		listed := listSites(h).from(t, "", nil, 0)
		for _, l := range listed {
			l.UpdateTime = nil
			if l.GetName() == s.name && !sameFields(answer, l, append(fields, "name", "site_id", "enabled")...) {
				t.Errorf("UpdateSite of %q returns %v, and ListSites gives %v", mask, answer, l)
			}
		}
		sameRows(t, "after UpdateSite of "+s.name, listed, want)
	}
}
