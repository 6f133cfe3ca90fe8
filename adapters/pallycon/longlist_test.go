package pallycon_test

import (
	"testing"
	"time"

	"github.com/drmhub/drmhub/adapters/adaptertest/listtest"
	"github.com/drmhub/drmhub/adapters/pallycon/emulator"
	"github.com/drmhub/drmhub/adapters/twin"
)

func TestEachRowOfALongListComesOnceWhileRowsArrive(t *testing.T) {
	t.Parallel()
	n := listtest.LongList()
	for name, c := range map[string]struct {
		size   func(got int) int32 // after so many rows
		crowd  int
		arrive func(*listtest.Site)
	}{
		"1 at three places":          {listtest.OneAtThreePlaces(n), 1200, listtest.ByTurns},
		"25, at newer seconds":       {listtest.Always(25), 1200, listtest.AtNewerSeconds},
		"25, in the newest second":   {listtest.Always(25), 1200, listtest.InTheNewestSecond},
		"999, by turns":              {listtest.Always(999), 1200, listtest.ByTurns},
		"1000, at newer seconds":     {listtest.Always(1000), 1200, listtest.AtNewerSeconds},
		"1000, in the newest second": {listtest.Always(1000), 1200, listtest.InTheNewestSecond},
	} {
		t.Run("page_size "+name, func(t *testing.T) {
			t.Parallel()
			vendor := emulator.New(emulator.Options{})
			vendor.PutSites(emulator.Site{SiteID: "DEMO", Products: []emulator.Product{
				{ServiceCode: emulator.ServiceDRM, StatusCode: emulator.StateInService},
			}})
			site := listtest.NewSite(n, c.crowd, func(at time.Time, contents []string) {
				all := make([]emulator.License, len(contents))
				for i, content := range contents {
					// short, and alike in all else
					all[i] = emulator.License{CID: content, DRMType: "NCG", RegTime: at}
				}
				vendor.PutLicenses("DEMO", all...)
			})
			a := adapterTo(t, twinConfig(), site.Through(twin.Transport(vendor)))
			site.CheckWhole(t, c.size, c.arrive, a.ListLicenses)
		})
	}
}
