package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters"
	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/archive"
	"github.com/drmhub/drmhub/server/internal/archive/archivetest"
	"github.com/drmhub/drmhub/server/internal/archive/clickhouse"
	"github.com/drmhub/drmhub/server/internal/archive/sqldb"
	"github.com/drmhub/drmhub/server/internal/archive/syncer"
)

const (
	speed    = 600
	lag      = 600 // seconds; the vendor's rows are late by less
	lateness = 540
	skew     = 20 * time.Second // of the archive's clock, ahead of the vendor's
	// The vendor's time begins at start. The archive reaches back to since.
	start = archivetest.WorldEnd - 86400
	since = start - 2*86400
	kept  = 40 * time.Hour // of the sites that forget, or are forgotten
)

// The sites of the world have these roles, by their place.
const (
	deletes = 1 // single rows
	cuts    = 2
	fails   = 3
	forgets = 4 // as its documents say
	drops   = 5 // without a document
	keeps   = 6 // for a shorter time than the others: the archive forgets its rows
	count   = 7
)

type options struct {
	dsn   string
	kills int
	rows  int
	seed  uint64
}

func (o options) newWorld() *archivetest.World {
	return archivetest.NewWorld(archivetest.Size{
		Rows: o.rows * 4 / 3, Days: 4, Sites: count, Users: 3000, Contents: 200,
	})
}

func (o options) open(ctx context.Context) (archive.Engine, error) {
	if strings.HasPrefix(o.dsn, "clickhouse:") {
		return clickhouse.Open(ctx, o.dsn)
	}
	return sqldb.Open(ctx, o.dsn)
}

// A child is a process that makes passes until it is killed, or until it has caught up.
type child struct {
	options
	is    bool
	began int64
	point int
	kill  int              // the number of the kill
	until int64            // the archive must be complete up to a lag before it; 0 means to go on
	clock func() time.Time // nil means that the vendor's time runs

	world  *archivetest.World
	source archivetest.Source
	passes []syncer.Pass // by site
	out    io.Writer
	seen   *seen
}

// now is the vendor's time.
func (c *child) now() time.Time {
	if c.clock != nil {
		return c.clock()
	}
	return time.Unix(start, 0).Add(time.Since(time.Unix(0, c.began)) * speed)
}

func (c *child) run(ctx context.Context, out io.Writer) (err error) {
	engine, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, engine.Close()) }()
	points.die.Store(int64(c.point))
	c.out, c.seen = out, newSeen()
	if err := c.prepare(ctx, engine); err != nil {
		return err
	}
	fmt.Fprintln(out, "ready")
	if err := c.change(ctx, engine); err != nil {
		return err
	}
	for done := false; !done; {
		if done, err = c.round(ctx, engine); err != nil {
			return err
		}
		fmt.Fprintln(out, "points", points.passed.Load())
	}
	return c.passes[deletes].Check(ctx)
}

// prepare makes the vendor, and the passes over its sites. The archive shall reach back to since.
func (c *child) prepare(ctx context.Context, engine archive.Engine) error {
	c.world = c.newWorld()
	c.source = deleting(c.world.Sites[deletes], archivetest.Late(c.world, lateness))
	for i, name := range c.world.Sites {
		p := syncer.Pass{
			Engine: counting{engine}, Vendor: c.vendor(i), Site: name, Budget: 8, Chunk: 1000,
			History: adapters.History{TimeZone: zoneOf(i)},
			Settings: syncer.Settings{
				Interval: time.Minute, Lag: lag * time.Second, Backfill: time.Hour, Keep: 9000 * time.Hour,
			},
			Now: func() time.Time { return c.now().Add(skew) },
		}
		switch i {
		case forgets:
			p.History.Retention = kept
		case keeps:
			p.Settings.Keep = kept
		}
		c.passes = append(c.passes, p)
		site, err := engine.Site(ctx, name)
		if err != nil {
			return err
		}
		if site.State.Since != 0 {
			continue
		}
		if err := engine.SetZone(ctx, name, zoneOf(i)); err != nil {
			return err
		}
		if err := engine.SetSince(ctx, name, since); err != nil {
			return err
		}
	}
	return nil
}

// round makes a pass over each site, and reports whether all have caught up.
func (c *child) round(ctx context.Context, engine archive.Engine) (done bool, err error) {
	done = c.until > 0
	for i := range c.passes {
		p := &c.passes[i]
		if _, err := p.Run(ctx); err != nil && (c.until > 0 || !vendors(err)) {
			return false, fmt.Errorf("%s: %w", p.Site, err)
		}
		site, err := engine.Site(ctx, p.Site)
		if err != nil {
			return false, err
		}
		if i == deletes {
			c.tell(site.Spans)
		}
		wanted := archive.Span{From: oldest(i, c.now().Unix()), To: c.until - lag}
		done = done && covers(site.Spans, wanted)
	}
	return done, nil
}

// vendors reports whether an error is one that this vendor causes.
func vendors(err error) bool {
	e := apierror.Convert(err)
	return e.Reason == pb.ErrorReason_VENDOR_UNAVAILABLE || e.Reason == pb.ErrorReason_VENDOR_RESPONSE_INVALID
}

// oldest is the second from which on the archive must hold all rows.
func oldest(site int, now int64) int64 {
	if site == forgets || site == drops || site == keeps {
		return max(since, now-int64(kept/time.Second)+7200)
	}
	return since
}

func covers(spans []archive.Span, s archive.Span) bool {
	return slices.ContainsFunc(spans, func(o archive.Span) bool { return o.From <= s.From && s.To <= o.To })
}

func zoneOf(site int) *time.Location {
	zone, err := time.LoadLocation([]string{"Asia/Seoul", "America/New_York", "Asia/Kolkata"}[site%3])
	if err != nil {
		panic(err)
	}
	return zone
}

// vendor is the vendor of a site. In the end, nothing fails any more.
func (c *child) vendor(i int) *archivetest.Vendor {
	v := &archivetest.Vendor{Now: c.now, Sites: c.world.Sites, Source: c.source, Page: 200}
	if i == forgets || i == drops {
		v.Retention = kept
	}
	v.Fault = func(*pb.StreamLicensesRequest) *archivetest.Fault {
		if c.until > 0 || i != cuts && i != fails || rand.IntN(3) > 0 { //nolint:gosec // Any third reading.
			return nil
		}
		f := &archivetest.Fault{Rows: rand.IntN(3) * rand.IntN(1500)} //nolint:gosec // Any place.
		if i == fails {
			f.Err = apierror.New(codes.Unavailable, pb.ErrorReason_VENDOR_UNAVAILABLE, "the vendor is down")
		}
		return f
	}
	return v
}

// points are where the process can be told to die.
var points struct{ passed, die atomic.Int64 }

func pass() {
	if points.passed.Add(1) == points.die.Load() {
		_ = syscall.Kill(syscall.Getpid(), syscall.SIGKILL)
		select {} // The process has ended.
	}
}

// counting is an engine whose writes pass points: before, after, and whenever something looks at
// their context, which database drivers do at each statement.
type counting struct{ archive.Engine }

func (e counting) Replace(ctx context.Context, r archive.Replacement) (archive.Change, error) {
	pass()
	defer pass()
	return e.Engine.Replace(watched{ctx}, r)
}

func (e counting) Forget(ctx context.Context, site string, before int64) (int64, error) {
	pass()
	defer pass()
	return e.Engine.Forget(watched{ctx}, site, before)
}

func (e counting) Erase(ctx context.Context, sites []string, person string) (int64, error) {
	pass()
	defer pass()
	return e.Engine.Erase(watched{ctx}, sites, person)
}

func (e counting) SetState(ctx context.Context, site string, state archive.State) error {
	pass()
	defer pass()
	return e.Engine.SetState(watched{ctx}, site, state)
}

type watched struct{ context.Context }

func (w watched) Done() <-chan struct{} {
	pass()
	return w.Context.Done()
}

func (w watched) Err() error {
	pass()
	return w.Context.Err()
}

func (w watched) Value(key any) any {
	if !strings.HasPrefix(fmt.Sprintf("%T", key), "*int") { // The standard library asks for its own key often.
		pass()
	}
	return w.Context.Value(key)
}
