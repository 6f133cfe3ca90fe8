package syncer

import (
	"context"
	"errors"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/archive"
	"github.com/drmhub/drmhub/server/internal/vendors"
)

// leasePoll is how often Sync looks whether another replica has ended its pass.
const leasePoll = 250 * time.Millisecond

// errElsewhere is the error of a pass that another replica makes.
var errElsewhere = errors.New("another replica makes a pass of the site")

// scheduled makes a pass that is due. It reports whether the next one is due at once. A pass that
// another replica has made since counts.
func (s *Syncer) scheduled(ctx context.Context, v vendors.Vendor, one *site) (more bool) {
	known, err := s.Engine.Site(ctx, one.name)
	if err == nil {
		s.note(one, known)
		if s.madeElsewhere(one, known.State.Next) {
			return false
		}
	}
	more, err = s.leased(ctx, v, one, false)
	if ctx.Err() == nil && !errors.Is(err, errElsewhere) && !errors.Is(err, errLost) {
		s.log(ctx, one, err)
	}
	return more && err == nil
}

// Sync waits for a running pass of a site, and makes another one.
func (s *Syncer) Sync(ctx context.Context, v vendors.Vendor, name string) error {
	one := s.site(name)
	select {
	case one.turn <- struct{}{}:
	case <-ctx.Done():
		return apierror.FromContext(ctx)
	}
	defer func() { <-one.turn }()
	for {
		_, err := s.leased(ctx, v, one, true)
		if err == nil || !errors.Is(err, errElsewhere) && !errors.Is(err, errLost) {
			return err
		}
		select {
		case <-time.After(leasePoll):
		case <-ctx.Done():
			return apierror.FromContext(ctx)
		}
	}
}

// leased makes a pass with the lease of the site.
func (s *Syncer) leased(ctx context.Context, v vendors.Vendor, one *site, eager bool) (more bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, maxPass)
	defer cancel()
	one.pass.Hold = nil
	if s.Leases != nil {
		lease, err := s.Leases.take(ctx, one.name)
		if err != nil {
			return false, err
		}
		if lease == nil {
			return false, errElsewhere
		}
		renewing, stop := context.WithCancel(ctx)
		renewed := make(chan struct{})
		go func() {
			defer close(renewed)
			lease.keep(renewing)
		}()
		defer func() {
			stop()
			<-renewed
			ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTime)
			defer cancel()
			_ = lease.end(ending) // Otherwise it ends by itself.
		}()
		one.pass.Hold = lease.check
	}
	return s.makePass(ctx, v, one, eager)
}

// makePass makes a pass, and what is due beside it.
func (s *Syncer) makePass(ctx context.Context, v vendors.Vendor, one *site, eager bool) (more bool, err error) {
	vendor, ok := streamer(v)
	if !ok {
		return false, apierror.New(codes.Unimplemented, pb.ErrorReason_CAPABILITY_NOT_SUPPORTED,
			"nothing was read: vendor %q shows no license history", v.ID).With(apierror.Vendor, v.ID)
	}
	p := &one.pass
	p.Engine, p.Site, p.Vendor = s.Engine, one.name, vendor
	p.Settings, p.Budget, p.Eager = s.Current(), budget, eager
	if h := v.Adapter.Describe().History; h != nil {
		p.History = *h
	}
	more, err = p.Run(ctx)
	s.mu.Lock()
	one.ended = time.Now()
	s.mu.Unlock()
	if err != nil {
		return more, err
	}
	if err := s.sweep(ctx, one); err != nil {
		return more, err
	}
	if !more {
		if err := p.CheckIfDue(ctx); err != nil {
			return more, err
		}
	}
	known, err := s.Engine.Site(ctx, one.name)
	if err == nil {
		s.note(one, known)
	}
	return more, err
}

// madeElsewhere reports whether another replica has made a pass of a site since this process has,
// so that none is due. next is when the next one is due by the state. The first pass of a process
// is made without a look at that.
func (s *Syncer) madeElsewhere(one *site, next time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	settings, left := s.Current(), time.Until(next)
	others := next.Add(-settings.Interval).After(one.ended)
	soon := left > settings.Interval/10 && left <= settings.Interval // A longer one was of another setting.
	return one.passed && others && soon && settings.Again == 0
}

// note remembers what a pass has noted.
func (s *Syncer) note(one *site, known archive.Site) {
	open := s.Current().Remaining(known, time.Now()) > 0
	s.mu.Lock()
	defer s.mu.Unlock()
	one.head, one.open = known.State.Head, open
}

// log says that the passes of a site begin to fail, and that they work again.
func (s *Syncer) log(ctx context.Context, one *site, err error) {
	s.mu.Lock()
	failed := one.failing
	one.failing, one.passed = err != nil, true
	s.mu.Unlock()
	switch {
	case err == nil && failed:
		s.Log.InfoContext(ctx, "the archive is kept up to date again", "site", one.name)
	case err != nil && !failed:
		e := apierror.Convert(err)
		s.Log.WarnContext(ctx, "the archive could not be brought up to date: GetArchive shows more, and the next "+
			"success is logged", "site", one.name, "reason", e.Reason.String(), "error", e.Message)
	}
}

// Backfill makes the archive of a site reach back to a second. A pass does the work later.
func (s *Syncer) Backfill(ctx context.Context, v vendors.Vendor, name string, since int64) error {
	if _, ok := streamer(v); !ok {
		return apierror.New(codes.Unimplemented, pb.ErrorReason_CAPABILITY_NOT_SUPPORTED,
			"nothing was changed: vendor %q shows no license history", v.ID).With(apierror.Vendor, v.ID)
	}
	known, err := s.Engine.Site(ctx, name)
	if err != nil {
		return err
	}
	if known.Zone == nil {
		zone := time.UTC
		if h := v.Adapter.Describe().History; h != nil && h.TimeZone != nil {
			zone = h.TimeZone
		}
		if err := s.Engine.SetZone(ctx, name, zone); err != nil {
			return err
		}
	}
	if err := s.Engine.SetSince(ctx, name, since); err != nil {
		return err
	}
	one := s.site(name)
	s.mu.Lock()
	defer s.mu.Unlock()
	one.due, one.passed = time.Now(), false
	return nil
}

// Lags returns how old the newest reading of each site is. For a site that nobody has read, it is
// the time since this process knows the site.
func (s *Syncer) Lags() map[string]time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	lags := map[string]time.Duration{}
	for name, one := range s.sites {
		switch {
		case !one.listed:
		case one.head == 0:
			lags[name] = time.Since(one.since)
		default:
			lags[name] = max(0, time.Since(time.Unix(one.head, 0)))
		}
	}
	return lags
}
