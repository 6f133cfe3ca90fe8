package syncer_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/archive"
	"github.com/drmhub/drmhub/server/internal/archive/archivetest"
	"github.com/drmhub/drmhub/server/internal/archive/syncer"
	"github.com/drmhub/drmhub/server/internal/vendors"
)

// lines is a log that tests read while it is written.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// startSyncer starts the passes over these vendors, on an archive.
func startSyncer(
	t *testing.T, engine archive.Engine, leases *syncer.Leases, all ...vendors.Vendor,
) (*syncer.Syncer, *vendors.Registry, *lines) {
	t.Helper()
	registry, err := vendors.New(all...)
	if err != nil {
		t.Fatal(err)
	}
	log := &lines{}
	s := syncer.New(syncer.Options{
		Vendors: registry, Sites: sitesOf, Engine: engine, Leases: leases, Settings: settings,
		Log: slog.New(slog.NewTextHandler(log, nil)),
	})
	s.Start()
	return s, registry, log
}

func TestPassesBeginAtOnceAndComeAtTheirInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, v := newAccount("a", "s", "t")
		plain := vendors.Vendor{ID: "plain", Adapter: plainAdapter{}}
		s, registry, _ := startSyncer(t, archivetest.NewMemory(), nil, v, plain)
		for _, row := range []string{"vendors/a/sites/s", "vendors/a/sites/t"} {
			a.Add(0, archive.Row{Site: row, Second: time.Now().Unix() - 200*days})
			a.Add(0, archive.Row{Site: row, Second: time.Now().Unix() - 7200})
		}
		time.Sleep(10 * time.Second)
		if got := a.take("vendors/a/sites/t"); len(got) == 0 || got[0] > 3*time.Second {
			t.Errorf("first passes at %v", got)
		}
		time.Sleep(time.Hour)
		if got := a.take("vendors/a/sites/s"); len(got) < 11 || len(got) > 25 {
			t.Errorf("%d reads in an hour: %v", len(got), got)
		}
		if lags := s.Lags(); len(lags) != 2 || lags["vendors/a/sites/s"] > 6*time.Minute {
			t.Errorf("%v", lags)
		}
		// A site disappears, a new one comes, and then the vendor leaves.
		a.take("vendors/a/sites/t")
		a.setSites("vendors/a/sites/s", "vendors/a/sites/u")
		time.Sleep(11 * time.Minute)
		a.take("vendors/a/sites/t")
		time.Sleep(time.Hour)
		if len(a.take("vendors/a/sites/t")) > 0 || len(a.take("vendors/a/sites/u")) == 0 || len(s.Lags()) != 2 {
			t.Errorf("the sites after a change: %v", s.Lags())
		}
		if err := registry.Replace([]vendors.Vendor{plain}, func([]string) error { return nil }); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		a.take("vendors/a/sites/s")
		time.Sleep(time.Hour)
		if len(a.take("vendors/a/sites/s")) > 0 {
			t.Error("a vendor that is gone is still read")
		}
		s.Close()
	})
}

func TestSlowPassesComeAtTheirInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, v := newAccount("a", "s")
		a.slow = time.Minute
		for at := time.Now().Unix() - 100*days; at < time.Now().Unix(); at += hour {
			a.Add(0, archive.Row{Site: "vendors/a/sites/s", Second: at})
		}
		s, _, _ := startSyncer(t, archivetest.NewMemory(), nil, v)
		time.Sleep(time.Hour) // The backfill takes some passes.
		a.take("vendors/a/sites/s")
		time.Sleep(time.Hour)
		if got := a.take("vendors/a/sites/s"); len(got) < 11 || len(got) > 13 {
			t.Errorf("%d reads in an hour: %v", len(got), got)
		}
		s.Close()
	})
}

func TestAShorterIntervalCountsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, v := newAccount("a", "s")
		s, _, _ := startSyncer(t, archivetest.NewMemory(), nil, v)
		day := settings
		day.Interval = 24 * time.Hour
		s.Configure(day)
		time.Sleep(time.Hour)
		if a.take("vendors/a/sites/s"); len(s.Lags()) != 1 {
			t.Fatal("the site is not known")
		}
		s.Configure(settings)
		time.Sleep(time.Hour)
		if got := a.take("vendors/a/sites/s"); len(got) < 11 {
			t.Errorf("%d reads in an hour: %v", len(got), got)
		}
		s.Close()
	})
}

func TestAVendorThatFailsIsLoggedAndShown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, v := newAccount("a", "s")
		down := apierror.New(codes.Unavailable, pb.ErrorReason_VENDOR_UNAVAILABLE, "it is down")
		a.set(down, nil)
		engine := archivetest.NewMemory()
		s, _, log := startSyncer(t, engine, nil, v)
		time.Sleep(time.Hour)
		site, err := engine.Site(t.Context(), "vendors/a/sites/s")
		f := site.State.Failure
		if err != nil || f == nil || f.Message != "it is down" || f.Reason != "VENDOR_UNAVAILABLE" {
			t.Errorf("%v, %+v", err, f)
		}
		if n := strings.Count(log.String(), "could not be brought up to date"); n != 1 {
			t.Errorf("the failure is logged %d times", n)
		}
		if lag := s.Lags()["vendors/a/sites/s"]; lag < 50*time.Minute {
			t.Errorf("a site that nobody has read is %v behind", lag)
		}
		a.set(nil, nil)
		time.Sleep(10 * time.Minute)
		site, _ = engine.Site(t.Context(), "vendors/a/sites/s")
		if !strings.Contains(log.String(), "up to date again") || site.State.Failure != nil {
			t.Errorf("after the failure: %+v\n%s", site.State, log)
		}
		s.Close()
	})
}

func TestAStopEndsAPass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, v := newAccount("a", "s")
		a.set(nil, make(chan struct{}))
		engine := archivetest.NewMemory()
		s, _, _ := startSyncer(t, engine, nil, v)
		time.Sleep(time.Minute)
		began := time.Now()
		s.Close()
		if took := time.Since(began); took > time.Second {
			t.Errorf("the stop takes %v", took)
		}
		if site, _ := engine.Site(t.Context(), "vendors/a/sites/s"); site.State.Failure != nil {
			t.Errorf("a stop counts as a failure of the vendor: %+v", site.State.Failure)
		}
	})
}

func TestSyncWaitsForAPassAndMakesItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, v := newAccount("a", "s")
		blocks := make(chan struct{})
		a.set(nil, blocks)
		engine := archivetest.NewMemory()
		s, _, _ := startSyncer(t, engine, nil, v)
		time.Sleep(10 * time.Second)
		ended := make(chan error, 1)
		go func() { ended <- s.Sync(t.Context(), v, "vendors/a/sites/s") }()
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if e := apierror.Convert(s.Sync(short, v, "vendors/a/sites/s")); e.Code != codes.DeadlineExceeded {
			t.Errorf("a call whose time is over returns %v", e)
		}
		if len(ended) != 0 || len(a.take("vendors/a/sites/s")) != 1 {
			t.Error("Sync did not wait for the pass that was running")
		}
		a.Add(0, archive.Row{Site: "vendors/a/sites/s", Second: time.Now().Unix(), Content: "new"})
		a.set(nil, nil)
		close(blocks)
		if err := <-ended; err != nil || len(a.take("vendors/a/sites/s")) == 0 {
			t.Errorf("Sync made no pass of its own: %v", err)
		}
		if site, _ := engine.Site(t.Context(), "vendors/a/sites/s"); site.Rows != 1 {
			t.Errorf("%d rows", site.Rows)
		}
		a.set(apierror.NotFound("no such site"), nil)
		if e := apierror.Convert(s.Sync(t.Context(), v, "vendors/a/sites/s")); e.Code != codes.NotFound {
			t.Errorf("the error of the pass is %v", e)
		}
		s.Close()
	})
}
