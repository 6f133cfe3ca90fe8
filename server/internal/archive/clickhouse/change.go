package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/drmhub/drmhub/server/internal/archive"
)

// patience is how long a change may take. What is pending for longer never takes effect, so that
// its rows may be removed.
const patience = 30 * time.Minute

var errRaced = errors.New("another process changed the site in the archive at the same time; " +
	"nothing was changed; do it again")

// unknown is the error of a change, with its cause.
const unknown = "it is unknown whether the change took effect; do it again: %w"

// An edit is a change of one site.
type edit struct {
	add    []record
	remove []int64 // pairs of keys, inclusive
	lost   []line  // loads that lack rows, and shall be dead
	spans  []archive.Span
	rows   int64 // of the site, afterwards
}

// lock blocks until nobody in this process changes a site, or ctx ends. Processes agree among
// themselves who changes it; if they do not, all but one get errRaced.
func (e *Engine) lock(ctx context.Context, site any) (unlock func(), err error) {
	held, _ := e.locks.LoadOrStore(site, make(chan struct{}, 1))
	select {
	case held.(chan struct{}) <- struct{}{}:
		return func() { <-held.(chan struct{}) }, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("another change of the site in the archive has not ended; nothing was changed: %w",
			ctx.Err())
	}
}

// apply makes an edit:
//
//  1. A line says that the load is pending. If the ledger has changed, or another load is pending,
//     the edit ends.
//  2. All servers get their rows.
//  3. One insert makes the load live, masks what is removed, declares dead what is lost, and says
//     the new spans.
//  4. If another process declared the load dead before, nothing has taken effect.
func (e *Engine) apply(ctx context.Context, l *ledger, made edit) error {
	began := time.Now()
	load := line{Site: l.site, Kind: kindLoad, State: pending, Rows: int64(len(made.add))}
	load.ID = e.numbers.next(l.newest)
	load.Version = load.ID
	for _, r := range made.add {
		if load.Lo == 0 || int64(r.Key) < load.Lo {
			load.Lo = int64(r.Key)
		}
		load.Hi = max(load.Hi, int64(r.Key))
	}
	if err := e.write(ctx, load); err != nil {
		return err
	}
	lines, err := e.read(ctx, fmt.Sprintf("site = %d AND version > %d AND kind != 'since'", l.site, l.newest))
	if err != nil {
		return err
	}
	if len(lines) != 1 || lines[0].ID != load.ID {
		return errRaced
	}
	if err := e.insert(ctx, made.add, load.ID); err != nil {
		return fmt.Errorf("cannot store rows; nothing was changed: %w", err)
	}
	if time.Since(began) > patience {
		return errors.New("storing rows took too long; nothing was changed")
	}
	load.State, load.Version = live, load.ID+1
	all := []line{load, l.spansLine(made.spans, made.rows, load.Version)}
	if len(made.remove) > 0 {
		all = append(all, line{Site: l.site, Kind: kindMask, ID: load.ID, Version: load.Version, Ranges: made.remove})
	}
	for _, one := range made.lost {
		one.State, one.Version = dead, load.Version
		all = append(all, one)
	}
	if err := e.write(ctx, all...); err != nil {
		return fmt.Errorf(unknown, err)
	}
	return e.confirm(context.WithoutCancel(ctx), load)
}

// confirm returns nil if a load took effect, whose lines were written.
func (e *Engine) confirm(ctx context.Context, load line) error {
	lines, err := e.read(ctx,
		fmt.Sprintf("site = %d AND (kind = 'load' AND id = %d OR kind = 'spans')", load.Site, load.ID))
	if err != nil {
		return fmt.Errorf(unknown, err)
	}
	newest := uint64(0)
	for _, one := range lines {
		switch {
		case one.Kind == kindSpans:
			newest = one.Version
		case one.State == live:
			return nil
		default:
			return errRaced
		}
	}
	// This process slept, and another one has swept the line. Spans of the load's version are those
	// that it wrote: to declare it dead, a process writes later ones.
	if newest == load.Version {
		return nil
	}
	return fmt.Errorf(unknown, errors.New("another process has changed the site since"))
}

// Replace implements archive.Engine. It writes only the difference.
func (e *Engine) Replace(ctx context.Context, r archive.Replacement) (archive.Change, error) {
	if err := check(r); err != nil {
		return archive.Change{}, err
	}
	site, err := e.must(ctx, r.Site)
	if err != nil {
		return archive.Change{}, err
	}
	unlock, err := e.lock(ctx, site.number)
	if err != nil {
		return archive.Change{}, err
	}
	defer unlock()
	l, err := e.ledger(ctx, site.number)
	if err != nil {
		return archive.Change{}, err
	}
	old, err := e.stored(ctx, l, site, r.Span)
	if err != nil {
		return archive.Change{}, err
	}
	d := difference{number: site.number, erased: l.erased(), key: e.key}
	if err := d.compare(old, r.Rows); err != nil {
		return archive.Change{}, fmt.Errorf("%s: %w", r.Site, err)
	}
	spans := l.spans()
	if r.Final {
		spans = join(append(spans, r.Span))
	}
	if len(d.added)+d.removed > 0 || !slices.Equal(spans, l.spans()) {
		err = e.apply(ctx, l, edit{
			add: d.written(), remove: d.masks(), spans: spans, rows: l.rows() + int64(len(d.added)-d.removed),
		})
	}
	if err != nil {
		return archive.Change{}, err
	}
	return archive.Change{Added: len(d.added), Removed: d.removed, Kept: len(old) - d.removed}, nil
}

func check(r archive.Replacement) error {
	if r.Span.From >= r.Span.To || r.Span.From < archive.MinSecond || r.Span.To > archive.MaxSecond+1 {
		return fmt.Errorf("the range [%d, %d) is not one of the archive; nothing was changed", r.Span.From, r.Span.To)
	}
	for _, row := range r.Rows {
		if row.Site != r.Site || row.Second < r.Span.From || row.Second >= r.Span.To {
			return fmt.Errorf("a row of %s at %d is not within the replaced range; nothing was changed",
				row.Site, row.Second)
		}
	}
	return nil
}

// Forget implements archive.Engine. The rows are hidden at once, and removed later.
func (e *Engine) Forget(ctx context.Context, name string, before int64) (int64, error) {
	site, err := e.find(ctx, name)
	if err != nil || site == nil {
		return 0, err
	}
	unlock, err := e.lock(ctx, site.number)
	if err != nil {
		return 0, err
	}
	defer unlock()
	l, err := e.ledger(ctx, site.number)
	if err != nil {
		return 0, err
	}
	end := archive.Above(before)
	removed, err := e.count(ctx, e.all("licenses"), l.view(l.newest).counts()+fmt.Sprintf(" AND k < %d", end))
	if err != nil {
		return 0, err
	}
	spans := cut(l.spans(), archive.Span{From: archive.MinSecond, To: before})
	if removed == 0 && slices.Equal(spans, l.spans()) {
		return 0, nil
	}
	made := edit{spans: spans, rows: l.rows() - removed}
	if removed > 0 {
		made.remove = []int64{0, int64(end) - 1}
	}
	return removed, e.apply(ctx, l, made)
}

// join sorts spans, and makes one of those that overlap or touch.
func join(spans []archive.Span) []archive.Span {
	slices.SortFunc(spans, func(a, b archive.Span) int { return int(a.From - b.From) })
	out := spans[:1:1]
	for _, s := range spans[1:] {
		if last := &out[len(out)-1]; s.From <= last.To {
			last.To = max(last.To, s.To)
			continue
		}
		out = append(out, s)
	}
	return out
}

// cut takes a range out of spans.
func cut(spans []archive.Span, gone archive.Span) (out []archive.Span) {
	for _, s := range spans {
		before := archive.Span{From: s.From, To: min(s.To, gone.From)}
		after := archive.Span{From: max(s.From, gone.To), To: s.To}
		if before.From < before.To {
			out = append(out, before)
		}
		if after.From < after.To {
			out = append(out, after)
		}
	}
	return out
}
