package adaptertest

import (
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

var licensePromises = []Promise{
	{"a row shows what the vendor holds", needs("ListLicenses"), rowsAsHeld},
	{"a site shows its own rows only", needs("ListLicenses"), ownRowsOnly},
	{"licenses come newest first", needs("ListLicenses"), comeNewestFirst},
	{"a site without rows has an empty list", needs("ListLicenses"), noRows},
	{"the licenses of an unknown site are NOT_FOUND", needs("ListLicenses"),
		notFound(func(t T, h Harness) []proto.Message {
			return []proto.Message{&pb.ListLicensesRequest{Parent: newUnknownSite(t, h).name}}
		})},
}

// licenses is the list of the site's licenses under a filter.
func (s *site) licenses(filter *pb.LicenseFilter) listing[*pb.License] {
	return listing[*pb.License]{s.Harness, &pb.ListLicensesRequest{Parent: s.name, Filter: filter}}
}

// check demands the rows that the filter chooses, with each of these page sizes.
func (s *site) check(t T, filter *pb.LicenseFilter, sizes ...int32) {
	t.Helper()
	s.licenses(filter).wantRows(t, s.held(filter), sizes...)
}

// inTurn demands the rows that the filter chooses, with these page sizes in turn.
func (s *site) inTurn(t T, filter *pb.LicenseFilter, sizes ...int32) []*pb.License {
	t.Helper()
	rows := s.licenses(filter).from(t, "", nil, sizes...)
	sameRows(t, fmt.Sprintf("ListLicenses with page sizes %d", sizes), rows, s.held(filter))
	return rows
}

func rowsAsHeld(t T, h Harness) {
	s := newSite(t, h)
	for drm := pb.License_WIDEVINE; drm <= pb.License_NCG; drm++ {
		for status := pb.License_SUCCESS; status <= pb.License_FAILURE; status++ {
			content := fmt.Sprintf("Content/%d & %d", drm, status)
			row := license(content, midnight.Add(time.Duration(drm)*time.Hour))
			row.DrmType, row.Status = drm, status
			if status == pb.License_FAILURE {
				row.ErrorCode = "7011"
			}
			row.UserId, row.DeviceId = fmt.Sprintf("viewer %d", drm), fmt.Sprintf("device-%d", status)
			row.DeviceModel = "iPhone 15 프로"
			row.Platform, row.IntegrationType = "iOS", "gateway"
			s.put(row)
		}
	}
	if len(s.rows) == 0 {
		t.Fatalf("the harness can hold no licenses: Licenses.Show returns nil for each; let it show one")
	}
	s.check(t, nil, 0)
}

func ownRowsOnly(t T, h Harness) {
	sites := newSites(t, h, 4)
	for i, s := range sites {
		s.put(license(fmt.Sprintf("content-%d", i), midnight), license("shared", midnight))
	}
	for _, s := range sites {
		s.check(t, nil, 0)
	}
}

func comeNewestFirst(t T, h Harness) {
	s := newSite(t, h)
	s.put(history(60)...)
	for _, size := range []int32{7, 100} {
		rows := s.licenses(nil).from(t, "", nil, size)
		if len(rows) == 0 {
			t.Fatalf("ListLicenses gives no rows, and the vendor holds %d", len(s.rows))
		}
		newestFirst(t, fmt.Sprintf("ListLicenses with page_size %d", size), rows)
		if got, want := rows[0].GetCreateTime().AsTime(), midnight; !got.Equal(want) {
			t.Errorf("the first row is of %s, and the newest of %s", got, want)
		}
	}
}

func noRows(t T, h Harness) {
	s := newSite(t, h)
	s.licenses(nil).wantRows(t, nil, 0)
	s.put(history(9)...)
	s.licenses(&pb.LicenseFilter{ContentId: "another"}).wantRows(t, nil, 0)
}
