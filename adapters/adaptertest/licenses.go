package adaptertest

import (
	"fmt"
	"time"

	"google.golang.org/grpc/codes"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

var licensePromises = []Promise{
	{"a row shows what the vendor holds", needs(licenseLister), rowsAsHeld},
	{"a site shows its own rows only", needs(licenseLister), ownRowsOnly},
	{"licenses come newest first", needs(licenseLister), comeNewestFirst},
	{"a site without rows has an empty list", needs(licenseLister), noRows},
	{"the licenses of an unknown site are NOT_FOUND", needs(licenseLister), unknownSite},
}

func rowsAsHeld(t T, h Harness) {
	s := newSite(t, h)
	for drm := pb.License_WIDEVINE; drm <= pb.License_NCG; drm++ {
		for status := pb.License_SUCCESS; status <= pb.License_FAILURE; status++ {
			row := license(fmt.Sprintf("Content/%d & %d", drm, status), midnight.Add(time.Duration(drm)*time.Hour))
			row.DrmType, row.Status = drm, status
			if status == pb.License_FAILURE {
				row.ErrorCode = "7011"
			}
			row.UserId, row.DeviceId, row.DeviceModel = fmt.Sprintf("viewer %d", drm), fmt.Sprintf("device-%d", status), "iPhone 15 프로"
			row.Platform, row.IntegrationType = "iOS", "gateway"
			s.put(row)
		}
	}
	if len(s.rows) == 0 {
		t.Fatalf("the harness can hold no licenses: ShowLicense is nil for every row")
	}
	sameRows(t, "ListLicenses", s.list(t, nil, nil, 0), s.held(nil))
}

func ownRowsOnly(t T, h Harness) {
	sites := newSites(t, h, 4)
	for i, s := range sites {
		s.put(license(fmt.Sprintf("content-%d", i), midnight), license("shared", midnight))
	}
	for _, s := range sites {
		sameRows(t, s.name, s.list(t, nil, nil, 0), s.held(nil))
	}
}

func comeNewestFirst(t T, h Harness) {
	s := newSite(t, h)
	s.put(history(60)...)
	for _, size := range []int32{7, 100} {
		rows := s.list(t, nil, nil, size)
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
	if rows := s.list(t, nil, nil, 0); len(rows) != 0 {
		t.Errorf("ListLicenses gives %v, and the site has no rows", rows)
	}
	s.put(history(9)...)
	if rows := s.list(t, &pb.LicenseFilter{ContentId: "another"}, nil, 0); len(rows) != 0 {
		t.Errorf("ListLicenses gives %v, and no row is of that content", rows)
	}
}

func unknownSite(t T, h Harness) {
	_, err := newUnknownSite(t, h).listPage(t.Context(), nil, 0, "")
	wantError(t, "ListLicenses", err, codes.NotFound, pb.ErrorReason_RESOURCE_NOT_FOUND)
}
