package adaptertest

import (
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/drmhub/drmhub/adapters/names"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// midnight is the turn of a day at which the suite's rows stand: vendors search by days, so that is
// where mistakes are.
var midnight = time.Date(2024, 3, 1, 0, 0, 0, 0, time.UTC)

// siteIDs are what vendors call sites. The first ones are for vendors with narrow rules, such as
// four letters and digits; those with escapes are for vendors that allow anything.
var siteIDs = []string{"DEMO", "0AZ9", "TST2", "Demo", "default", "drm-20231101082316-dJDGa", "a/b", "100%", "a%2Fb", "é:@ ü"}

// site is a site that the vendor holds, with the rows of it.
type site struct {
	Harness
	id, name string
	shown    *pb.Site
	rows     []row
}

// row is a row as the suite seeded it, and as the adapter must show it.
type row struct{ seeded, shown *pb.License }

// newSites lets the vendor hold up to n sites, as many as it can. Every other one is enabled, the
// first one is.
func newSites(t T, h Harness, n int) []*site {
	t.Helper()
	var sites []*site
	var seeds []*pb.Site
	for _, id := range siteIDs {
		seed := &pb.Site{Name: names.Site.Name(h.Vendor, id), SiteId: id, DisplayName: fmt.Sprintf("Site_%d", len(sites)), Enabled: len(sites)%2 == 0}
		if shown := h.Sites.Show(proto.CloneOf(seed)); shown != nil && len(sites) < n {
			sites = append(sites, &site{Harness: h, id: id, name: seed.GetName(), shown: shown})
			seeds = append(seeds, seed)
		}
	}
	if len(sites) == 0 {
		t.Fatalf("the harness can hold no site of %q: Sites.Show returns nil for each", siteIDs)
	}
	h.Sites.Put(seeds...)
	return sites
}

// newSite lets the vendor hold one site, which is enabled.
func newSite(t T, h Harness) *site {
	t.Helper()
	return newSites(t, h, 1)[0]
}

// put lets rows arrive that the vendor can hold.
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

// held is what the adapter must show of the rows that the vendor holds and the filter chooses.
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
	return (f.GetContentId() == "" || f.GetContentId() == l.GetContentId()) &&
		(f.GetDrmType() == 0 || f.GetDrmType() == l.GetDrmType()) &&
		(f.GetUserId() == "" || f.GetUserId() == l.GetUserId()) &&
		(f.GetDeviceId() == "" || f.GetDeviceId() == l.GetDeviceId()) &&
		(f.GetDeviceModel() == "" || f.GetDeviceModel() == l.GetDeviceModel()) &&
		(f.GetStatus() == 0 || f.GetStatus() == l.GetStatus()) &&
		(f.GetStartTime() == nil || !at.Before(f.GetStartTime().AsTime())) &&
		(f.GetEndTime() == nil || at.Before(f.GetEndTime().AsTime()))
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

// history is n rows, oldest first, the newest at midnight: five in every second and seven of a
// content in a row, so that every second holds equal rows.
func history(n int) []*pb.License {
	var rows []*pb.License
	for i := range n {
		at := midnight.Add(-time.Duration((n-1-i)/5) * time.Second)
		rows = append(rows, license(fmt.Sprintf("content-%d", i/7), at))
	}
	return rows
}
