// Package syncer keeps the archive up to date. It makes passes over the sites of all vendors that
// show a license history.
//
// A pass first reads the head: the time in which late rows may still come. Its rows are stored, and
// read again by the next pass. Below the head, the pass fills the holes between the spans that are
// final, from the newest one down. A part of a hole becomes final in the same commit as its rows.
// So a pass may be killed anywhere, and repeated.
package syncer

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/drmhub/drmhub/adapters"
	"github.com/drmhub/drmhub/server/internal/archive"
	"github.com/drmhub/drmhub/server/internal/vendors"
)

// Options are what a Syncer works with.
type Options struct {
	Vendors *vendors.Registry
	// Sites returns the names of all sites of a vendor.
	Sites  func(context.Context, vendors.Vendor) ([]string, error)
	Engine archive.Engine
	// Leases keep two replicas from making a pass of the same site. nil means that there is one
	// replica.
	Leases   *Leases
	Settings Settings
	Log      *slog.Logger
}

// A Syncer makes the passes of all sites. Start starts it.
type Syncer struct {
	Options
	settings atomic.Pointer[Settings]
	end      context.CancelFunc
	ended    chan struct{}

	mu    sync.Mutex
	sites map[string]*site
}

// A site is what this process knows of a site.
type site struct {
	name  string
	turn  chan struct{} // holds a token while a pass of the site runs
	pass  Pass          // belongs to the one who has the turn, as do the two below
	swept time.Time     // when rows were last forgotten
	keep  time.Duration // how old they were

	// The fields below belong to the Syncer's lock.
	since   time.Time // when this process learned of the site
	due     time.Time
	listed  bool
	head    int64     // see archive.State
	open    bool      // something is still to be read
	passed  bool      // this process has made a pass
	ended   time.Time // when its last one ended
	failing bool      // the last one failed
}

// New returns a Syncer that makes a pass only when Sync asks for one, until Start.
func New(o Options) *Syncer {
	s := &Syncer{Options: o, sites: map[string]*site{}}
	s.Configure(o.Settings)
	return s
}

// Start starts the passes.
func (s *Syncer) Start() {
	ctx, end := context.WithCancel(context.Background())
	s.end, s.ended = end, make(chan struct{})
	go s.run(ctx)
}

// Configure changes the settings of later passes. A shorter interval counts from now on, also for
// passes that were to come later.
func (s *Syncer) Configure(settings Settings) {
	s.settings.Store(&settings)
	s.mu.Lock()
	defer s.mu.Unlock()
	latest := time.Now().Add(settings.Interval)
	for _, one := range s.sites {
		if one.due.After(latest) {
			one.due = latest
		}
	}
}

// Current returns the settings of passes that begin now.
func (s *Syncer) Current() Settings { return *s.settings.Load() }

// Close ends the passes, and blocks until the last one has ended.
func (s *Syncer) Close() {
	if s.end != nil {
		s.end()
		<-s.ended
	}
}

// site returns what is known of a site.
func (s *Syncer) site(name string) *site {
	s.mu.Lock()
	defer s.mu.Unlock()
	one := s.sites[name]
	if one == nil {
		one = &site{name: name, turn: make(chan struct{}, 1), since: time.Now()}
		s.sites[name] = one
	}
	return one
}

// streamer returns what reads the license history of a vendor. It reports whether the vendor shows
// one.
func streamer(v vendors.Vendor) (adapters.LicenseStreamer, bool) {
	return adapters.As[adapters.LicenseStreamer](v.Adapter)
}
