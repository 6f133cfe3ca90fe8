package ncp_test

import (
	"testing"
	"time"

	"github.com/drmhub/drmhub/adapters/adaptertest/listtest"
	"github.com/drmhub/drmhub/adapters/ncp"
	"github.com/drmhub/drmhub/adapters/ncp/emulator"
	"github.com/drmhub/drmhub/adapters/twin"
	"github.com/drmhub/drmhub/adapters/upstream"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// busySite returns a site of a twin with n licenses, of which one second has a crowd.
func busySite(n, crowd int, assumed emulator.Assumptions) (*listtest.Site, *emulator.Emulator) {
	vendor := emulator.New(emulator.Options{Assumptions: assumed})
	vendor.PutSites(emulator.Site{SiteID: "DEMO", SiteName: "Demo_site", Enabled: true})
	return listtest.NewSite(n, crowd, func(at time.Time, contents []string) {
		all := make([]emulator.License, len(contents))
		for i, content := range contents {
			all[i] = emulator.License{ContentID: content, DRMType: "FairPlay", CreatedTime: at}
		}
		vendor.PutLicenses("DEMO", all...)
	}), vendor
}

func TestEachRowOfALongListComesOnceWhileRowsArrive(t *testing.T) {
	t.Parallel()
	n := listtest.LongList()
	for name, c := range map[string]struct {
		size      func(got int) int32 // after so many rows
		crowd     int
		exclusive bool // of endTime
		arrive    func(*listtest.Site)
	}{
		"1 at three places":          {listtest.OneAtThreePlaces(n), 1200, false, listtest.ByTurns},
		"25, by turns":               {listtest.Always(25), 1200, true, listtest.ByTurns},
		"999, by turns":              {listtest.Always(999), 1200, false, listtest.ByTurns},
		"1000, at newer seconds":     {listtest.Always(1000), 5000, false, listtest.AtNewerSeconds},
		"1000, in the newest second": {listtest.Always(1000), 5000, true, listtest.InTheNewestSecond},
	} {
		t.Run("page_size "+name, func(t *testing.T) {
			t.Parallel()
			site, vendor := busySite(n, c.crowd, emulator.Assumptions{EndExclusive: c.exclusive})
			site.FullPages = true
			a := adapterTo(t, twinConfig(), site.Through(twin.Transport(vendor)))
			site.CheckWhole(t, c.size, c.arrive, a.ListLicenses)
		})
	}
}

// TestOnePlaceIsEnoughForACall reads many pages through a lane in which no request waits.
func TestOnePlaceIsEnoughForACall(t *testing.T) {
	t.Parallel()
	_, vendor := busySite(3000, 10, emulator.Assumptions{})
	account := upstream.NewAccount("acme")
	account.Configure(upstream.Lane{Reads: 1, Writes: 1, Timeout: time.Minute}, upstream.DefaultBreaker())
	a, err := ncp.New("acme", twinConfig(), upstream.Connection{Account: account, Transport: twin.Transport(vendor)})
	if err != nil {
		t.Fatal(err)
	}
	page, err := a.ListLicenses(t.Context(), &pb.ListLicensesRequest{Parent: demo, PageSize: 1000})
	if err != nil || len(page.GetLicenses()) != 1000 {
		t.Errorf("%d licenses, %v", len(page.GetLicenses()), err)
	}
}
