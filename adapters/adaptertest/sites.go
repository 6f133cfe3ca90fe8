package adaptertest

import (
	"slices"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/drmhub/drmhub/adapters/names"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

var sitePromises = []Promise{
	{"ListSites gives every site exactly once, whatever the page size", needs("ListSites"), everySiteOnce},
	{"ListSites shows a site as the vendor holds it", needs("ListSites"), sitesAsHeld},
	{"a vendor without sites has an empty list", needs("ListSites"), noSites},
	{"GetSite shows what ListSites shows", needs("ListSites", "GetSite"), getSiteAsListed},
	{"GetSite of an unknown site is NOT_FOUND", needs("GetSite"), notFound(func(t T, h Harness) []proto.Message {
		return []proto.Message{&pb.GetSiteRequest{Name: newUnknownSite(t, h).name}}
	})},
}

// listSites is the list of the vendor's sites.
func listSites(h Harness) listing[*pb.Site] {
	return listing[*pb.Site]{h, &pb.ListSitesRequest{Parent: vendorName(h)}}
}

func everySiteOnce(t T, h Harness) {
	var want []string
	for _, s := range newSites(t, h, len(siteIDs)) {
		want = append(want, s.name)
	}
	slices.Sort(want)
	for _, size := range []int32{1, 2, 3, 7, 0, 1000, 5000} {
		var got []string
		for _, s := range listSites(h).all(t, len(want), size) {
			got = append(got, s.GetName())
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("ListSites with page_size %d gives %q, want each of %q once", size, got, want)
		}
	}
}

func sitesAsHeld(t T, h Harness) {
	sites := newSites(t, h, len(siteIDs))
	listed := listSites(h).from(t, "", nil, 0)
	for _, s := range sites {
		i := slices.IndexFunc(listed, func(l *pb.Site) bool { return l.GetName() == s.name })
		if i < 0 {
			t.Errorf("ListSites has no %q", s.name)
			continue
		}
		sameSite(t, "ListSites", listed[i], s.shown)
	}
}

// sameSite compares the fields that want has, and enabled.
func sameSite(t T, what string, got, want *pb.Site) {
	t.Helper()
	if got.GetEnabled() != want.GetEnabled() {
		t.Errorf("%s: the site %q has enabled %t, want %t", what, want.GetName(), got.GetEnabled(), want.GetEnabled())
	}
	want.ProtoReflect().Range(func(field protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		if !got.ProtoReflect().Get(field).Equal(v) {
			has := got.ProtoReflect().Get(field)
			t.Errorf("%s: the site %q has %s %v, want %v", what, want.GetName(), field.Name(), has, v)
		}
		return true
	})
}

func noSites(t T, h Harness) {
	if listed := listSites(h).from(t, "", nil, 0); len(listed) != 0 {
		t.Errorf("ListSites gives %v, and the vendor holds nothing", listed)
	}
}

func getSiteAsListed(t T, h Harness) {
	newSites(t, h, len(siteIDs))
	for _, listed := range listSites(h).from(t, "", nil, 0) {
		same(t, "GetSite", get[*pb.Site](t, h, &pb.GetSiteRequest{Name: listed.GetName()}), listed)
	}
}

// newUnknownSite is a site that the vendor does not hold, beside one that it does. Where it can,
// its name is one that the vendor could hold.
func newUnknownSite(t T, h Harness) *site {
	t.Helper()
	known := newSite(t, h)
	unknown := &site{Harness: h, id: "N0NE"}
	for _, id := range siteIDs {
		seed := &pb.Site{Name: names.Site.Name(h.Vendor, id), SiteId: id, DisplayName: "Site"}
		if id != known.id && h.Sites.Show(seed) != nil {
			unknown.id = id
			break
		}
	}
	unknown.name = names.Site.Name(h.Vendor, unknown.id)
	return unknown
}
