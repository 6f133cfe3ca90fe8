package syncer

import (
	"context"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/upstream"
	"github.com/drmhub/drmhub/internal/panics"
	"github.com/drmhub/drmhub/server/internal/vendors"
)

const (
	// lookEvery is how often the Syncer looks for what is due.
	lookEvery = time.Second
	// budget is how many messages a pass reads to fill holes. A message is a page of the vendor or
	// several.
	budget = 50
	// maxPass bounds one pass.
	maxPass = 10 * time.Minute
	// endTime bounds the release of a lease.
	endTime = 2 * time.Second
)

// run starts the passes of each vendor, one at a time for each.
func (s *Syncer) run(ctx context.Context) {
	defer close(s.ended)
	var working sync.WaitGroup
	defer working.Wait()
	busy := map[string]*sync.Mutex{}
	listed := map[string]time.Time{}
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	working.Go(func() { s.sweepNowAndThen(ctx) })
	for {
		for _, v := range s.Vendors.All() {
			if _, ok := streamer(v); !ok {
				continue
			}
			one := busy[v.ID]
			if one == nil {
				one = &sync.Mutex{}
				busy[v.ID] = one
			}
			if !one.TryLock() {
				continue
			}
			list := time.Since(listed[v.ID]) >= s.Current().Interval
			if list {
				listed[v.ID] = time.Now()
			}
			working.Go(func() {
				defer one.Unlock()
				s.round(ctx, v, list)
			})
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			return
		}
	}
}

// round makes the passes of a vendor that are due.
func (s *Syncer) round(ctx context.Context, v vendors.Vendor, list bool) {
	ctx = upstream.Background(ctx)
	if p := panics.Catch(func() {
		if list {
			s.list(ctx, v)
		}
		for ctx.Err() == nil {
			next := s.nextDue(v)
			if next == nil {
				return
			}
			s.turn(ctx, v, next)
		}
	}); p != nil {
		s.Log.ErrorContext(ctx, "a pass over a license history panicked", "vendor", v.ID, "panic", p.Error())
	}
}

// list asks the vendor for its sites. A site that is gone gets no more passes. If the vendor cannot
// be asked, the sites are those that are known.
func (s *Syncer) list(ctx context.Context, v vendors.Vendor) {
	named, err := s.Sites(ctx, v)
	if ctx.Err() != nil {
		return
	}
	if err != nil {
		s.Log.WarnContext(ctx, "the sites of a vendor cannot be listed: the archive goes on with those that it knows",
			"vendor", v.ID, "error", apierror.Convert(err).Message)
		all, _ := s.Engine.Sites(ctx)
		for _, one := range all {
			if strings.HasPrefix(one.Name, v.Name()+"/") {
				named = append(named, one.Name)
			}
		}
	}
	for _, name := range named {
		s.site(name)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, one := range s.sites {
		if !strings.HasPrefix(name, v.Name()+"/") || err != nil && one.listed {
			continue
		}
		present := slices.Contains(named, name)
		if present && !one.listed {
			one.due = time.Now()
		}
		one.listed = present
	}
}

// nextDue returns the site of a vendor that is due for the longest time, or nil.
func (s *Syncer) nextDue(v vendors.Vendor) (next *site) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, one := range s.sites {
		if !one.listed || !strings.HasPrefix(name, v.Name()+"/") || time.Now().Before(one.due) {
			continue
		}
		if next == nil || one.due.Before(next.due) {
			next = one
		}
	}
	return next
}

// turn makes a pass of a site that is due, unless another one runs here or elsewhere.
func (s *Syncer) turn(ctx context.Context, v vendors.Vendor, one *site) {
	began, more := time.Now(), false
	select {
	case one.turn <- struct{}{}:
		more = s.scheduled(ctx, v, one)
		<-one.turn
	default: // SyncArchive makes one.
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if one.due.After(began) { // A backfill was asked for meanwhile.
		return
	}
	settings := s.Current() // They may have changed meanwhile.
	interval := settings.Interval
	again := began.Add(interval - interval/20 + rand.N(interval/10+1)) //nolint:gosec // It spreads the passes.
	if one.open && !one.failing && settings.Again > 0 {
		again = time.Now().Add(settings.Again)
	}
	if more {
		again = time.Now()
	}
	one.due = again
}
