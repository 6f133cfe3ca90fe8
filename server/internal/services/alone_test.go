package services_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/drmhub/drmhub/adapters/adaptertest"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/vendors"
)

func TestAVendorThatIsAloneHasAllTheTimeAtEachPage(t *testing.T) {
	alone, quick := configured("a", slowLister{}), holding("b", "s", 2).configured()
	for name, c := range map[string]struct {
		parent  string
		size    int32
		vendors []vendors.Vendor
	}{
		"the only one":               {"vendors/-/sites/s", 2, []vendors.Vendor{alone}},
		"the only capable":           {"vendors/-/sites/s", 2, []vendors.Vendor{configured("b", bare{}), alone}},
		"the only one with any site": {"vendors/-/sites/-", 2, []vendors.Vendor{alone}},
		"pages of one row":           {"vendors/-/sites/-", 1, []vendors.Vendor{alone}},
		"any site of one":            {"vendors/a/sites/-", 2, []vendors.Vendor{alone, configured("b", slowLister{})}},
		"the last one":               {"vendors/-/sites/-", 2, []vendors.Vendor{quick, alone}},
	} {
		synctest.Test(t, func(t *testing.T) {
			conn, _ := serve(t, c.vendors...)
			req := &pb.ListLicensesRequest{Parent: c.parent, PageSize: c.size}
			for range 4 {
				page, err := list(t.Context(), conn, req)
				if err != nil || len(page.GetLicenses()) == 0 || page.GetUnreachable() != nil {
					t.Fatalf("%s, with the token %q: %v, %v", name, req.GetPageToken(), page, err)
				}
				req.PageToken = page.GetNextPageToken()
			}
		})
	}
}

// A vendor that was alone is not alone once the configuration has another one.
func TestAVendorThatWasAloneDoesNotKeepTheRowsOfANewOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := holding("a", "s", 3)
		before, _ := serve(t, a.configured())
		req := &pb.ListLicensesRequest{Parent: "vendors/-/sites/-", PageSize: 2}
		first, err := list(t.Context(), before, req)
		if err != nil {
			t.Fatal(err)
		}
		a.FailReads(adaptertest.Stalled)
		after, _ := serve(t, a.configured(), holding("b", "s", 2).configured())
		req.PageToken = first.GetNextPageToken()
		page, err := list(t.Context(), after, req)
		if err != nil || len(page.GetLicenses()) != 2 || page.GetUnreachable() == nil {
			t.Errorf("%v, %v", page, err)
		}
	})
}

// slowLister is an adapter that needs more than a part of the usual time for each page.
type slowLister struct{ bare }

func (slowLister) ListLicenses(ctx context.Context, _ *pb.ListLicensesRequest) (*pb.ListLicensesResponse, error) {
	select {
	case <-time.After(20 * time.Second):
		return &pb.ListLicensesResponse{Licenses: []*pb.License{{}}, NextPageToken: "more"}, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// A vendor that is alone may need more than a part of the time to name its sites. If it needs all
// of it, the error says so.
func TestAVendorThatIsAloneHasAllTheTimeToNameItsSites(t *testing.T) {
	for naming, want := range map[time.Duration]string{12 * time.Second: "", time.Hour: "within 27s"} {
		synctest.Test(t, func(t *testing.T) {
			slow := slowNamer{stalling: stallingBelow{bare{}, []string{"s"}}, naming: naming}
			conn, _ := serve(t, configured("a", slow))
			page, err := list(t.Context(), conn, &pb.ListLicensesRequest{Parent: "vendors/-/sites/-"})
			switch {
			case want == "" && (err != nil || len(page.GetLicenses()) != 1):
				t.Errorf("naming takes %v: %v, %v", naming, page, err)
			case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
				t.Errorf("naming takes %v: %v, want %q", naming, err, want)
			}
		})
	}
}

// slowNamer is an adapter that needs its time to name its sites, and as much for a page.
type slowNamer struct {
	bare
	stalling stallingBelow
	naming   time.Duration
}

func (s slowNamer) SiteNames(ctx context.Context) ([]string, error) {
	select {
	case <-time.After(s.naming):
		return s.stalling.SiteNames(ctx)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (s slowNamer) ListLicenses(ctx context.Context, _ *pb.ListLicensesRequest) (*pb.ListLicensesResponse, error) {
	select {
	case <-time.After(s.naming):
		return &pb.ListLicensesResponse{Licenses: []*pb.License{{}}}, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
