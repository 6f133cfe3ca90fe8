// Package canary makes one cheap read at each vendor account from time to time. So drmhub notices
// that a vendor is down, rejects the credentials or has changed its interface before a caller does.
//
// Each replica makes its own reads, since each has its own connections and its own network.
package canary

import (
	"context"
	"log/slog"
	"maps"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/upstream"
	"github.com/drmhub/drmhub/internal/panics"
	"github.com/drmhub/drmhub/server/internal/vendors"
)

const (
	// maxTime bounds one read.
	maxTime = time.Minute
	// lookEvery is how often the canary looks for new accounts and another interval.
	lookEvery = time.Second
)

// A Canary makes the reads of all accounts. Start starts it.
type Canary struct {
	vendors  *vendors.Registry
	log      *slog.Logger
	interval atomic.Int64
	end      context.CancelFunc
	ended    chan struct{}
}

// Start starts the reads. 0 as interval turns them off, until SetInterval turns them on.
func Start(all *vendors.Registry, interval time.Duration, log *slog.Logger) *Canary {
	ctx, end := context.WithCancel(context.Background())
	c := &Canary{vendors: all, log: log, end: end, ended: make(chan struct{})}
	c.SetInterval(interval)
	go c.run(ctx)
	return c
}

// SetInterval changes the time between two reads of an account. 0 turns the reads off.
func (c *Canary) SetInterval(interval time.Duration) { c.interval.Store(int64(interval)) }

// Close ends the reads, and blocks until the last one has ended.
func (c *Canary) Close() {
	c.end()
	<-c.ended
}

// A plan is when the reads of one account are due.
type plan struct {
	interval time.Duration
	next     time.Time
	failing  atomic.Bool // the last read failed
	logged   time.Time   // when the last difference was first seen that the log names
}

// run makes the reads that are due.
func (c *Canary) run(ctx context.Context) {
	defer close(c.ended)
	var reads sync.WaitGroup
	defer reads.Wait()
	plans := map[*upstream.Account]*plan{}
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	for {
		present := map[*upstream.Account]bool{}
		for _, v := range c.vendors.All() {
			if v.Account == nil {
				continue
			}
			present[v.Account] = true
			p := c.planned(v.Account, plans)
			c.logDrift(ctx, v, p)
			if p.interval == 0 || time.Now().Before(p.next) {
				continue
			}
			p.next = time.Now().Add(p.interval - p.interval/20 + upTo(p.interval/10))
			status := upstream.Canary{Interval: p.interval, Began: time.Now(), Next: p.next}
			reads.Go(func() { c.read(ctx, v, status, &p.failing) })
		}
		maps.DeleteFunc(plans, func(account *upstream.Account, _ *plan) bool { return !present[account] })
		select {
		case <-look.C:
		case <-ctx.Done():
			return
		}
	}
}

// planned returns the plan of an account, which it makes for a new account and for another
// interval.
func (c *Canary) planned(account *upstream.Account, plans map[*upstream.Account]*plan) *plan {
	interval := time.Duration(c.interval.Load())
	p := plans[account]
	if p != nil && p.interval == interval {
		return p
	}
	if p == nil {
		p = &plan{}
		plans[account] = p
	}
	p.interval, p.next = interval, time.Now().Add(interval/2+upTo(interval/2))
	status := upstream.Canary{}
	if interval > 0 {
		status = account.Canary()
		status.Interval, status.Next = interval, p.next
	}
	account.SetCanary(status)
	return p
}

// logDrift logs how the vendor's responses differ from its documents, each difference once.
func (c *Canary) logDrift(ctx context.Context, v vendors.Vendor, p *plan) {
	logged := p.logged
	for _, seen := range v.Account.Drift() {
		if seen.First.After(logged) {
			p.logged = seen.First // The findings are in the order of these times.
			c.log.WarnContext(ctx, "a vendor's response differs from its documents", "vendor", v.ID,
				"kind", string(seen.Kind), "call", seen.Call, "path", seen.Path, "word", seen.Word)
		}
	}
}

// upTo returns a random time, so that accounts and replicas do not read at the same time.
func upTo(d time.Duration) time.Duration { return rand.N(max(d, 1)) }

// read makes the read of an account, unless the vendor asked for a pause. failing is how the read
// before ended.
func (c *Canary) read(ctx context.Context, v vendors.Vendor, status upstream.Canary, failing *atomic.Bool) {
	if v.Account.Status().PauseLeft > 0 {
		status.Skipped = true
		c.show(v.Account, status)
		return
	}
	reading := upstream.Background(upstream.CompareShapes(ctx))
	limited, cancel := context.WithTimeout(reading, min(status.Interval/2, maxTime))
	defer cancel()
	if p := panics.Catch(func() {
		checked := v.Check(limited)
		status.Latency = checked.Latency
		if checked.Err != nil {
			status.Err = checked.Err
		}
	}); p != nil {
		c.log.ErrorContext(ctx, "a canary read panicked", "vendor", v.ID, "panic", p.Error())
		status.Err = p
	}
	if ctx.Err() != nil {
		return // The server stops, which says nothing about the vendor.
	}
	switch e := apierror.Convert(status.Err); {
	case status.Err == nil && failing.Swap(false):
		c.log.InfoContext(ctx, "the canary read works again", "vendor", v.ID)
	case status.Err != nil && !failing.Swap(true):
		c.log.WarnContext(ctx, "a canary read failed: GetVendorStatus shows more, and the next success is logged",
			"vendor", v.ID, "reason", e.Reason.String(), "error", e.Message)
	}
	c.show(v.Account, status)
}

// show shows how a read ended. The interval may have changed since the read began, also to 0.
func (c *Canary) show(account *upstream.Account, status upstream.Canary) {
	switch interval := time.Duration(c.interval.Load()); interval {
	case status.Interval:
		account.SetCanary(status)
	case 0:
		account.SetCanary(upstream.Canary{})
	default:
		now := account.Canary()
		status.Interval, status.Next = now.Interval, now.Next
		account.SetCanary(status)
	}
}
