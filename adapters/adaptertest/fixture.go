package adaptertest

import (
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/drmhub/drmhub/adapters/names"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// midnight is the time of the suite's rows. Vendors search by days, so mistakes are at the turn of
// a day.
var midnight = time.Date(2024, 3, 1, 0, 0, 0, 0, time.UTC)

// siteIDs are ids of sites. The first ones are for vendors with narrow rules, such as four letters
// and digits. Those with escapes are for vendors that allow anything.
var siteIDs = []string{
	"DEMO", "0AZ9", "TST2", "Demo", "default", "drm-20231101082316-dJDGa", "a/b", "100%", "a%2Fb", "é:@ ü",
}

// site is a site that the vendor holds, with the rows of it.
type site struct {
	Harness
	id, name string
	shown    *pb.Site
	rows     []row
}

// row is a row as the suite seeded it, and as the adapter must show it.
type row struct{ seeded, shown *pb.License }

// newSites adds up to n sites, as many as the vendor can hold. Every other one is enabled, from the
// first on.
func newSites(t T, h Harness, n int) []*site {
	t.Helper()
	var sites []*site
	var seeds []*pb.Site
	for _, id := range siteIDs {
		seed := &pb.Site{
			Name: names.Site.Name(h.Vendor, id), SiteId: id, DisplayName: fmt.Sprintf("Site_%d", len(sites)),
			Enabled: len(sites)%2 == 0,
		}
		if shown := h.Sites.Show(proto.CloneOf(seed)); shown != nil && len(sites) < n {
			sites = append(sites, &site{Harness: h, id: id, name: seed.GetName(), shown: shown})
			seeds = append(seeds, seed)
		}
	}
	if len(sites) == 0 {
		t.Fatalf("the harness can hold no site of %q: Sites.Show returns nil for each; let it show one", siteIDs)
	}
	h.Sites.Put(seeds...)
	return sites
}

// newSite adds one site, which is enabled.
func newSite(t T, h Harness) *site {
	t.Helper()
	return newSites(t, h, 1)[0]
}

// put adds those rows that the vendor can hold.
func (s *site) put(rows ...*pb.License) {
	var arriving []*pb.License
	for _, r := range rows {
		r.Site = s.name
		if shown := s.Licenses.Show(proto.CloneOf(r)); shown != nil {
			shown.Site = s.name
			s.rows = append(s.rows, row{r, shown})
			arriving = append(arriving, proto.CloneOf(r))
		}
	}
	s.Licenses.Put(s.id, arriving...)
}

// held returns what the adapter must show of the rows that the filter chooses.
func (s *site) held(filter *pb.LicenseFilter) []*pb.License {
	var rows []*pb.License
	for _, r := range s.rows {
		if matches(filter, r.seeded) {
			rows = append(rows, r.shown)
		}
	}
	return rows
}

// matches is the contract's meaning of a filter.
func matches(f *pb.LicenseFilter, l *pb.License) bool {
	at := l.GetCreateTime().AsTime()
	return unsetOr(f.GetContentId(), l.GetContentId()) && unsetOr(f.GetDrmType(), l.GetDrmType()) &&
		unsetOr(f.GetUserId(), l.GetUserId()) && unsetOr(f.GetDeviceId(), l.GetDeviceId()) &&
		unsetOr(f.GetDeviceModel(), l.GetDeviceModel()) && unsetOr(f.GetStatus(), l.GetStatus()) &&
		(f.GetStartTime() == nil || !at.Before(f.GetStartTime().AsTime())) &&
		(f.GetEndTime() == nil || at.Before(f.GetEndTime().AsTime()))
}

// unsetOr reports whether a condition is not set, or is the value that a thing has.
func unsetOr[V comparable](condition, has V) bool {
	var unset V
	return condition == unset || condition == has
}

// license is a row of this content, at this time.
func license(contentID string, at time.Time) *pb.License {
	return &pb.License{
		ContentId:       contentID,
		DrmType:         pb.License_WIDEVINE,
		Status:          pb.License_SUCCESS,
		ErrorCode:       "0000",
		UserId:          "viewer",
		DeviceId:        "23abfd802575758cb3bfdc147e819fc6",
		DeviceModel:     "ChromeCDM-Windows-2",
		Platform:        "Windows",
		IntegrationType: "token",
		CreateTime:      timestamppb.New(at),
	}
}

// history returns n rows, oldest first, the newest at midnight. There are five in every second, and
// seven of a content in a row, so that every second has equal rows.
func history(n int) []*pb.License {
	var rows []*pb.License
	for i := range n {
		at := midnight.Add(-time.Duration((n-1-i)/5) * time.Second)
		rows = append(rows, license(fmt.Sprintf("content-%d", i/7), at))
	}
	return rows
}
