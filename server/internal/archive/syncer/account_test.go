package syncer_test

import (
	"context"
	"sync"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"

	"github.com/drmhub/drmhub/adapters"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/archive/archivetest"
	"github.com/drmhub/drmhub/server/internal/vendors"
)

// An account is a vendor with a license history, as a Syncer sees it.
type account struct {
	archivetest.Vendor
	archivetest.History

	mu     sync.Mutex
	passes map[string][]time.Duration // by site, since the start
	begin  time.Time
	fails  error
	slow   time.Duration // how long a read takes
	blocks chan struct{} // nil: it does not block
	reads  chan struct{} // gets a value for each read
}

// until is the time at which a test begins.
var until = time.Date(2012, 1, 1, 12, 0, 0, 0, time.UTC)

func newAccount(id string, sites ...string) (*account, vendors.Vendor) {
	time.Sleep(time.Until(until)) // The clock of a synctest begins in 2000, which is too early for a row.
	a := &account{
		begin: time.Now(), passes: map[string][]time.Duration{}, reads: make(chan struct{}, 1000),
	}
	a.Vendor = archivetest.Vendor{Now: time.Now, Source: a.History.Source}
	for _, s := range sites {
		a.Sites = append(a.Sites, "vendors/"+id+"/sites/"+s)
	}
	return a, vendors.Vendor{ID: id, Adapter: a}
}

func (a *account) Describe() adapters.Description {
	return adapters.Description{History: &adapters.History{TimeZone: time.UTC}}
}
func (a *account) Check(context.Context) (string, error) { return "", nil }

func (a *account) StreamLicenses(
	req *pb.StreamLicensesRequest, to grpc.ServerStreamingServer[pb.StreamLicensesResponse],
) error {
	a.mu.Lock()
	a.passes[req.GetParent()] = append(a.passes[req.GetParent()], time.Since(a.begin))
	fails, slow, blocks := a.fails, a.slow, a.blocks
	a.mu.Unlock()
	time.Sleep(slow)
	select {
	case a.reads <- struct{}{}:
	default:
	}
	if blocks != nil {
		select {
		case <-blocks:
		case <-to.Context().Done():
			return to.Context().Err()
		}
	}
	if fails != nil {
		return fails
	}
	return a.Vendor.StreamLicenses(req, to)
}

// take returns when the site was read since the last call.
func (a *account) take(site string) []time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	defer delete(a.passes, site)
	return a.passes[site]
}

func (a *account) set(fails error, blocks chan struct{}) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.fails, a.blocks = fails, blocks
}

// setSites changes the vendor's sites while no pass runs.
func (a *account) setSites(sites ...string) {
	synctest.Wait()
	a.mu.Lock()
	defer a.mu.Unlock()
	a.Sites = sites
}

func sitesOf(_ context.Context, v vendors.Vendor) ([]string, error) {
	a := v.Adapter.(*account)
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.Sites, nil
}

// plainAdapter is a vendor without a license history.
type plainAdapter struct{}

func (plainAdapter) Describe() adapters.Description        { return adapters.Description{} }
func (plainAdapter) Check(context.Context) (string, error) { return "", nil }
