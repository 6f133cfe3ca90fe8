package syncer_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/drmhub/drmhub/server/internal/archive"
	"github.com/drmhub/drmhub/server/internal/archive/archivetest"
	"github.com/drmhub/drmhub/server/internal/archive/syncer"
)

func TestABackfillReachesBackFurther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, v := newAccount("a", "s")
		now := time.Now().Unix()
		for day := range int64(200) {
			a.Add(0, archive.Row{Site: "vendors/a/sites/s", Second: now - day*days - 3600})
		}
		engine := archivetest.NewMemory()
		s, _, _ := startSyncer(t, engine, nil, v)
		time.Sleep(time.Minute)
		if err := s.Backfill(t.Context(), v, "vendors/a/sites/s", now-150*days); err != nil {
			t.Fatal(err)
		}
		site, _ := engine.Site(t.Context(), "vendors/a/sites/s")
		if left := settings.Remaining(site, time.Now()); left < 59*24*time.Hour {
			t.Errorf("%v remain", left)
		}
		time.Sleep(time.Minute)
		site, _ = engine.Site(t.Context(), "vendors/a/sites/s")
		if site.Rows != 150 || len(site.Spans) != 1 || site.Spans[0].From != now-150*days ||
			settings.Remaining(site, time.Now()) != 0 {
			t.Errorf("%d rows, %v", site.Rows, site.Spans)
		}
		kept := settings
		kept.Keep = 30 * 24 * time.Hour
		s.Configure(kept)
		time.Sleep(10 * time.Minute)
		site, _ = engine.Site(t.Context(), "vendors/a/sites/s")
		if site.Rows > 31 || site.Spans[0].From < now-30*days {
			t.Errorf("after another archive.keep: %d rows, %v", site.Rows, site.Spans)
		}
		s.Close()
	})
}

// The pass has read the state before, and writes its own at its end. Another replica asks
// meanwhile.
func TestABackfillDuringAPassIsNotForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, v := newAccount("a", "s")
		now := time.Now().Unix()
		for day := range int64(200) {
			if day < 50 || day > 120 { // Passes find nothing before, and take it for the end.
				a.Add(0, archive.Row{Site: "vendors/a/sites/s", Second: now - day*days - 3600})
			}
		}
		engine := archivetest.NewMemory()
		s, registry, _ := startSyncer(t, engine, nil, v)
		time.Sleep(24 * time.Hour)
		site, _ := engine.Site(t.Context(), "vendors/a/sites/s")
		if site.Rows != 50 || site.State.Oldest == 0 || settings.Remaining(site, time.Now()) != 0 {
			t.Fatalf("%d rows, %+v", site.Rows, site.State)
		}
		blocks := make(chan struct{})
		a.set(nil, blocks)
		ended := make(chan error, 1)
		go func() { ended <- s.Sync(t.Context(), v, "vendors/a/sites/s") }()
		synctest.Wait()
		other := syncer.New(syncer.Options{Vendors: registry, Sites: sitesOf, Engine: engine, Settings: settings})
		if err := other.Backfill(t.Context(), v, "vendors/a/sites/s", now-180*days); err != nil {
			t.Fatal(err)
		}
		a.set(nil, nil)
		close(blocks)
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
		site, _ = engine.Site(t.Context(), "vendors/a/sites/s")
		if left := settings.Remaining(site, time.Now()); left < 100*24*time.Hour {
			t.Errorf("%v remain", left)
		}
		time.Sleep(30 * time.Minute)
		if site, _ = engine.Site(t.Context(), "vendors/a/sites/s"); site.Rows != 109 {
			t.Errorf("%d rows, %v, %+v", site.Rows, site.Spans, site.State)
		}
		s.Close()
	})
}
