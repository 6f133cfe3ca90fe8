package syncer_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/drmhub/drmhub/server/internal/archive"
	"github.com/drmhub/drmhub/server/internal/archive/archivetest"
	"github.com/drmhub/drmhub/server/internal/vendors"
)

// Rows are removed in time, also of a site that gets no passes any more.
func TestOldRowsGoWithoutAPass(t *testing.T) {
	for name, change := range map[string]func(*testing.T, *account, *vendors.Registry){
		"the vendor fails": func(_ *testing.T, a *account, _ *vendors.Registry) { a.set(errors.New("down"), nil) },
		"the site is gone": func(_ *testing.T, a *account, _ *vendors.Registry) { a.setSites() },
		"the vendor is not configured": func(t *testing.T, _ *account, all *vendors.Registry) {
			if err := all.Replace(nil, func([]string) error { return nil }); err != nil {
				t.Error(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const site = "vendors/a/sites/s"
				a, v := newAccount("a", "s")
				for hour := range int64(48) {
					a.Add(0, archive.Row{Site: site, Second: time.Now().Unix() - hour*3600 - 1})
				}
				engine := archivetest.NewMemory()
				s, registry, _ := startSyncer(t, engine, nil, v)
				defer s.Close()
				kept := settings
				kept.Keep = 72 * time.Hour
				s.Configure(kept)
				time.Sleep(time.Minute)
				if known, err := engine.Site(t.Context(), site); known.Rows != 48 || err != nil {
					t.Fatalf("the archive holds %d rows, %v", known.Rows, err)
				}
				change(t, a, registry)
				time.Sleep(48 * time.Hour)
				if known, err := engine.Site(t.Context(), site); known.Rows < 24 || known.Rows > 48 || err != nil {
					t.Errorf("after two days, the archive holds %d rows, %v", known.Rows, err)
				}
				time.Sleep(49 * time.Hour)
				if known, err := engine.Site(t.Context(), site); known.Rows != 0 || err != nil {
					t.Errorf("the archive still holds %d rows, %v", known.Rows, err)
				}
			})
		})
	}
}
