package syncer

import (
	"cmp"
	"context"
	"errors"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters"
	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/archive"
)

const (
	// defaultChunk is how many rows a commit takes.
	defaultChunk = 4000
	// maxSkew bounds how far the clock of this machine may be ahead of the vendor's.
	maxSkew = 30 * time.Second
	// leastKept is how long a vendor is taken to show a row, if nobody knows for how long it does.
	leastKept = 24 * time.Hour
	day       = 24 * 60 * 60
)

// Settings are the settings of the passes.
type Settings struct {
	// Interval is the time between two passes of a site.
	Interval time.Duration
	// Lag is how long after its time a row can appear.
	Lag time.Duration
	// Backfill is how far the archive reaches back, unless a caller asks for more.
	Backfill time.Duration
	// Keep is how long a row is kept.
	Keep time.Duration
	// Again is the time until the next pass of a site of which something is still to be read. 0
	// means Interval. A vendor that cuts its responses for a while is less likely to do so in both
	// passes if they lie apart.
	Again time.Duration
}

// A Pass reads what a vendor shows of one site, and stores it. It can end at any point. Run it
// again and again: it remembers what it has read in vain.
type Pass struct {
	Engine   archive.Engine
	Vendor   adapters.LicenseStreamer
	History  adapters.History
	Site     string
	Settings Settings
	// Budget bounds how many messages the pass reads to fill holes. 0 means no bound.
	Budget int
	// Chunk is how many rows a commit takes at least. 0 means 4000.
	Chunk int
	// Hold returns an error if the pass may not write any more, because another replica makes the
	// passes of the site now. It is called before each commit. nil means always.
	Hold func(context.Context) error
	// Now is the time. nil means time.Now.
	Now func() time.Time

	// Eager makes the pass read the holes again that could not be filled a short time ago.
	Eager bool

	// tries are the holes that earlier runs of this pass have read in vain. heard is the Asked of
	// these runs.
	tries map[int64]*try
	heard int64
}

// A try is a hole that could not be filled: it is read again after a pause that grows.
type try struct {
	times int
	next  time.Time
}

// Run makes the pass. more reports whether holes are left that another pass can fill. The state of
// the site says why a pass has failed.
func (p *Pass) Run(ctx context.Context) (more bool, err error) {
	r := &run{Pass: p, began: p.now()}
	if r.site, err = p.Engine.Site(ctx, p.Site); err != nil {
		return false, err
	}
	r.state = r.site.State
	r.state.Hear()
	if p.tries == nil || p.heard != r.state.Heard { // A caller who asks for more does not wait for a pause.
		p.tries, p.heard = map[int64]*try{}, r.state.Heard
	}
	zone := p.History.TimeZone
	if zone == nil {
		zone = time.UTC
	}
	if r.site.Zone == nil || r.site.Zone.String() != zone.String() {
		if err := p.Engine.SetZone(ctx, p.Site, zone); err != nil {
			return false, err
		}
	}
	err = r.read(ctx)
	if ctx.Err() != nil || errors.Is(err, errLost) {
		return r.more, cmp.Or(err, ctx.Err()) // It says nothing about the vendor.
	}
	return r.more, r.note(ctx, err)
}

func (p *Pass) now() time.Time {
	if p.Now == nil {
		return time.Now()
	}
	return p.Now()
}

// A run is one pass under way.
type run struct {
	*Pass
	began  time.Time
	site   archive.Site  // with the spans that this pass has added
	state  archive.State // what the pass will note
	newest int64         // the second up to which the vendor's rows were seen; 0 before the first response
	more   bool          // the budget is used up
	used   int           // messages
	filled int64         // seconds of history
	// doubt is whether the vendor's response was not believed. The next pass may believe it.
	doubt bool
}

// read reads the head, and then the holes from the newest on.
func (r *run) read(ctx context.Context) error {
	floor := r.Settings.floor(r.state, r.began)
	lo := floor
	var below *archive.Span
	if n := len(r.site.Spans); n > 0 {
		below = &r.site.Spans[n-1]
		lo = max(floor, below.To)
		if below.To < floor {
			below = nil
		}
	}
	top := &walk{run: r, lo: lo, below: below, top: true}
	if err := top.do(ctx); err != nil {
		return err
	}
	tried := map[int64]bool{lo: true}
	for !r.more {
		hole, below, ok := r.nextHole(floor, tried)
		if !ok {
			return nil
		}
		tried[hole.From] = true
		w := &walk{run: r, lo: hole.From, hi: hole.To, end: hole.To, below: below}
		if err := w.do(ctx); err != nil {
			return err
		}
	}
	return nil
}

// nextHole returns the newest hole that this pass has not tried, and the span below it.
func (r *run) nextHole(floor int64, tried map[int64]bool) (hole archive.Span, below *archive.Span, ok bool) {
	top := r.newest - r.Settings.lag()
	if n := len(r.site.Spans); n > 0 {
		top = max(top, r.site.Spans[n-1].To)
	}
	for _, hole := range holes(r.site.Spans, archive.Span{From: floor, To: top}) {
		below, key := (*archive.Span)(nil), int64(0)
		for _, s := range r.site.Spans {
			if s.To == hole.From {
				below, key = &s, s.To
			}
		}
		t := r.tries[key]
		if tried[hole.From] || t != nil && r.began.Before(t.next) && !r.Eager {
			continue
		}
		return hole, below, true
	}
	return archive.Span{}, nil, false
}

// vain notes that a hole could not be filled now.
func (r *run) vain(key int64) {
	t := r.tries[key]
	if t == nil {
		t = &try{}
		r.tries[key] = t
	}
	if t.times > 0 { // The next pass tries once more.
		t.next = r.began.Add(min(r.Settings.Interval<<min(t.times, 10), 24*time.Hour))
	}
	t.times++
}

// fill makes a range final.
func (r *run) fill(ctx context.Context, s archive.Span, rows []archive.Row) error {
	if s.From >= s.To {
		return nil
	}
	if err := r.replace(ctx, archive.Replacement{Site: r.Site, Span: s, Rows: rows, Final: true}); err != nil {
		return err
	}
	r.filled += s.To - s.From
	r.site.Spans = join(r.site.Spans, s)
	return nil
}

func (r *run) replace(ctx context.Context, what archive.Replacement) error {
	if r.Hold != nil {
		if err := r.Hold(ctx); err != nil {
			return err
		}
	}
	_, err := r.Engine.Replace(ctx, what)
	return err
}

// kept returns the second from which on the vendor is known to show all rows at this moment.
func (r *run) kept() int64 {
	return r.now().Add(-cmp.Or(r.History.Retention, leastKept)).Unix() + 1
}

// note stores how the pass ended, and returns its error.
func (r *run) note(ctx context.Context, failed error) error {
	now, s := r.now(), r.state
	if !r.doubt {
		s.Refused = 0
	}
	s.Failure = nil
	if failed != nil {
		e := apierror.Convert(failed)
		s.Failure = &archive.Failure{
			Code: int32(e.Code), Reason: e.Reason.String(), Message: e.Message, Time: now,
		}
	} else {
		s.LastSync, s.Head = now, r.newest
	}
	s.Next = now.Add(r.Settings.Interval)
	s.Fill = addFill(s.Fill, r.filled, now.Sub(r.began))
	return cmp.Or(failed, r.setState(ctx, s))
}

// setState stores what a pass has noted, unless another replica makes the passes of the site now.
func (p *Pass) setState(ctx context.Context, state archive.State) error {
	if p.Hold != nil {
		if err := p.Hold(ctx); err != nil {
			return err
		}
	}
	return p.Engine.SetState(ctx, p.Site, state)
}

// addFill adds a pass to what the end of the backfill is estimated from. Newer passes count more.
func addFill(f archive.Fill, seconds int64, took time.Duration) archive.Fill {
	if seconds <= 0 {
		return f
	}
	if f.Took > 10*time.Minute {
		f.Seconds, f.Took = f.Seconds/2, f.Took/2
	}
	return archive.Fill{Seconds: f.Seconds + seconds, Took: f.Took + max(took, time.Millisecond)}
}

// errList returns the error of a list that contradicts itself or what is stored.
func errList(format string, args ...any) error {
	return apierror.New(codes.Internal, pb.ErrorReason_VENDOR_RESPONSE_INVALID, format, args...)
}
