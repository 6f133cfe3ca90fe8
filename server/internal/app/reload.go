package app

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/drmhub/drmhub/server/internal/config"
	"github.com/drmhub/drmhub/server/internal/telemetry"
	"github.com/drmhub/drmhub/server/internal/vendors"
)

const (
	// pollTime is how often the files of the configuration are read.
	pollTime = 10 * time.Second
	// stillShare is the part of pollTime in which a changed file must stay as it is before it
	// counts. A file that is being written may be valid, and lack vendors.
	stillShare = 10
	// countTime bounds how long the store may take to count unsettled mutations. Calls of the
	// vendors that leave wait meanwhile.
	countTime = 5 * time.Second
)

// reloading is the state of reloads.
type reloading struct {
	one     sync.Mutex // one reload at a time
	running *config.Config
	vendors *vendors.Registry
	level   *slog.LevelVar // of the log; nil if it cannot change

	content  config.Content // of the last attempt; nil before the first
	complete bool           // the last attempt needs no other one
	failed   [sha256.Size]byte

	counts sync.Mutex
	status telemetry.Reloads
}

// reloadStatus returns how the reloads of the configuration ended.
func (a *App) reloadStatus() telemetry.Reloads {
	r := &a.reloading
	r.counts.Lock()
	defer r.counts.Unlock()
	status := r.status
	status.OK = status.OK || status.Succeeded+status.Failed == 0
	return status
}

// errNoFile is the error of a reload without a file, such as that of the sandbox.
var errNoFile = errors.New("there is no configuration file to read again: nothing changed")

// Reload reads the configuration again, and changes the running server to it. No call is cut. With
// an error, nothing has changed. Reload logs what changed, or all that is wrong.
func (a *App) Reload(ctx context.Context) error {
	r := &a.reloading
	r.one.Lock()
	defer r.one.Unlock()
	if r.running.Source == nil {
		a.log.WarnContext(ctx, "there is no configuration file to read again: nothing changed")
		return errNoFile
	}
	return a.reload(ctx, true)
}

// reload is Reload without the lock. With again, it logs a failure also if it logged the same one
// before.
func (a *App) reload(ctx context.Context, again bool) error {
	r := &a.reloading
	next, content, err := r.running.Source.Read()
	retry := false
	if err == nil {
		retry, err = a.changeTo(ctx, next)
	}
	sameContent := r.content != nil && maps.Equal(r.content, content)
	r.content, r.complete = content, !retry
	r.count(err)
	if err == nil {
		r.failed = [sha256.Size]byte{}
		return nil
	}
	problem := sha256.Sum256([]byte(err.Error()))
	if again || !sameContent || problem != r.failed {
		a.logRefused(ctx, err, retry)
	}
	r.failed = problem
	return err
}

func (r *reloading) count(err error) {
	r.counts.Lock()
	defer r.counts.Unlock()
	if r.status.OK = err == nil; err != nil {
		r.status.Failed++
		return
	}
	r.status.Succeeded++
	r.status.Time = time.Now()
}

// logRefused logs why a reload changed nothing: a line for each mistake.
func (a *App) logRefused(ctx context.Context, err error, retry bool) {
	const message = "the configuration was not read again, and nothing changed"
	if mistakes, ok := errors.AsType[config.Errors](err); ok {
		for _, m := range mistakes {
			a.log.ErrorContext(ctx, message, "mistake", m.String())
		}
		return
	}
	if retry {
		a.log.ErrorContext(ctx, message+": drmhub tries again until it succeeds", "error", err)
		return
	}
	a.log.ErrorContext(ctx, message, "error", err)
}

// watchConfiguration reads the files of the configuration again and again, until the server stops.
func (a *App) watchConfiguration() {
	r := &a.reloading
	if r.running.Source == nil {
		return
	}
	r.content, r.complete, r.status.Time = r.running.Content, true, time.Now()
	interval := r.running.Poll
	if interval == 0 {
		interval = pollTime
	}
	a.polls.Go(func() {
		tick := time.NewTicker(interval)
		defer tick.Stop()
		for {
			select {
			case <-a.polling.Done():
				return
			case <-tick.C:
				a.pollConfiguration(a.polling, interval/stillShare)
			}
		}
	})
}

// pollConfiguration reloads if the files have changed, and if they do not change for a while.
func (a *App) pollConfiguration(ctx context.Context, still time.Duration) {
	r := &a.reloading
	r.one.Lock()
	defer r.one.Unlock()
	now := r.content.Now()
	if maps.Equal(now, r.content) && r.complete {
		return
	}
	select {
	case <-ctx.Done():
		return
	case <-time.After(still):
	}
	if maps.Equal(r.content.Now(), now) { // Otherwise the next poll looks again.
		_ = a.reload(ctx, false) // It is logged.
	}
}

// changeTo changes the running server to another configuration. It first prepares all parts, and
// then swaps each in one step. retry reports whether the same configuration may be taken later.
func (a *App) changeTo(ctx context.Context, next *config.Config) (retry bool, err error) {
	r := &a.reloading
	changed, restart := config.Merge(r.running, next)
	plan, err := a.planVendors(next)
	if err != nil {
		return false, err
	}
	parts, err := a.prepare(next, changed)
	if err != nil {
		return false, err
	}
	err = r.vendors.Replace(plan.all, func(leaving []string) error {
		if err := a.mayLeave(ctx, leaving); err != nil {
			return err
		}
		for _, configure := range plan.configure { // The first look at a new account keeps its limits.
			configure()
		}
		return nil
	})
	if err != nil {
		return true, err
	}
	parts.use(ctx)
	a.canary.SetInterval(next.Canary.Interval)
	r.running = next
	a.logChanges(ctx, plan, changed, restart)
	return false, nil
}

// mayLeave returns an error if one of the vendors has mutations that only the vendor can settle.
func (a *App) mayLeave(ctx context.Context, leaving []string) error {
	ctx, cancel := context.WithTimeout(ctx, countTime)
	defer cancel()
	var open []string
	for _, id := range leaving {
		n, err := a.journal.Unsettled(ctx, id)
		if err != nil {
			return fmt.Errorf("the mutations of vendor %q cannot be counted, so it must stay: %w", id, err)
		}
		if n > 0 {
			open = append(open, fmt.Sprintf("vendor %q has %d unsettled mutations", id, n))
		}
	}
	if len(open) > 0 {
		return fmt.Errorf("%s: keep the vendor in the file until they are settled or given up, "+
			"as GET /v1/mutations shows", strings.Join(open, ", "))
	}
	return nil
}

func (a *App) logChanges(ctx context.Context, plan *vendorPlan, changed, restart []string) {
	var what []slog.Attr
	for _, list := range []struct {
		key   string
		names []string
	}{
		{"vendors_added", plan.added}, {"vendors_changed", plan.changed}, {"vendors_removed", plan.removed},
		{"keys", changed},
	} {
		if len(list.names) > 0 {
			what = append(what, slog.Any(list.key, slices.Clone(list.names)))
		}
	}
	if restart != nil {
		a.log.WarnContext(ctx, "some changes of the configuration need a restart: these keys keep their values",
			"keys", restart)
	}
	if what == nil {
		a.log.InfoContext(ctx, "the configuration was read again, and it is the same")
		return
	}
	a.log.LogAttrs(ctx, slog.LevelInfo, "the configuration was read again", what...)
}
