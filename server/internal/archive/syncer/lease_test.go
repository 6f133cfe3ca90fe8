package syncer_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/server/internal/archive/archivetest"
	"github.com/drmhub/drmhub/server/internal/archive/syncer"
	"github.com/drmhub/drmhub/server/internal/store"
	"github.com/drmhub/drmhub/server/internal/store/storetest"
	"github.com/drmhub/drmhub/server/internal/vendors"
)

// TestOneReplicaMakesThePasses runs two replicas on one store and one archive.
func TestOneReplicaMakesThePasses(t *testing.T) {
	db := storetest.Open(t, store.Memory)
	first, second := syncer.NewLeases(db), syncer.NewLeases(db)
	a, v := newAccount("a", "s")
	blocks := make(chan struct{})
	a.set(nil, blocks)
	engine := archivetest.NewMemory()
	registry, err := vendors.New(v)
	if err != nil {
		t.Fatal(err)
	}
	replica := func(leases *syncer.Leases) *syncer.Syncer {
		return syncer.New(syncer.Options{
			Vendors: registry, Sites: sitesOf, Engine: engine, Leases: leases, Settings: settings,
			Log: slog.New(slog.DiscardHandler),
		})
	}
	one, two := replica(first), replica(second)
	ended := make(chan error, 1)
	go func() { ended <- one.Sync(t.Context(), v, "vendors/a/sites/s") }()
	<-a.reads
	a.take("vendors/a/sites/s")
	short, cancel := context.WithTimeout(t.Context(), 600*time.Millisecond)
	defer cancel()
	if e := apierror.Convert(two.Sync(short, v, "vendors/a/sites/s")); e.Code != codes.DeadlineExceeded {
		t.Errorf("the second replica did not wait: %v", e)
	}
	if len(a.take("vendors/a/sites/s")) != 0 {
		t.Error("both replicas read the site at the same time")
	}
	a.set(nil, nil)
	close(blocks)
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if err := two.Sync(t.Context(), v, "vendors/a/sites/s"); err != nil {
		t.Errorf("once the first replica has ended its pass: %v", err)
	}
}
