package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/drmhub/drmhub/server/internal/archive"
)

// chunk is how many rows a backfill stores at once, at least. Beyond the first rows, an engine that
// is for many of them gets them in large chunks, so that the run ends.
const chunk, largeChunk = 4000, 100_000

// took is what something took.
type took struct {
	rows      int
	wall, cpu time.Duration
}

// time adds what work takes.
func (m *measurement) time(t *took, rows int, work func() error) error {
	servers := m.ofServers()
	cpu, wall := own(), time.Now()
	err := work()
	t.rows, t.wall, t.cpu = t.rows+rows, t.wall+time.Since(wall), t.cpu+own()-cpu
	t.cpu += m.ofServers() - servers
	return err
}

// perCPU returns the rows per second of the processor.
func (t took) perCPU() float64 { return float64(t.rows) / max(t.cpu, 10*time.Millisecond).Seconds() }

// firstRows is up to how many rows the archive is filled beside the table of texts.
const firstRows = 500_000

// ingest fills the archive as backfills do: each site from its newest time down, in chunks that
// become final, and always the site whose time is the newest. Raw SQL inserts the same chunks.
func (m *measurement) ingest(ctx context.Context) error {
	tops, err := m.begin(ctx)
	if err != nil {
		return err
	}
	var first, own, texts, raw took
	for {
		site, top := newest(tops)
		if top <= m.world.From {
			break
		}
		rows := chunk
		if m.large && own.rows >= firstRows {
			rows = largeChunk
		}
		r := m.chunk(site, top, rows)
		tops[site] = r.Span.From
		if len(m.newest) < 12 {
			m.newest = append(m.newest, r)
		}
		if err := m.replace(ctx, &own, r, archive.Change{Added: len(r.Rows)}); err != nil {
			return err
		}
		if err := m.insert(ctx, &raw, "raw", m.raw.code(r.Rows)); err != nil {
			return err
		}
		if texts.rows < firstRows {
			first = own
			if err := m.insert(ctx, &texts, "texts", m.raw.texts(r.Rows)); err != nil {
				return err
			}
		}
		if own.rows/250_000 > (own.rows-len(r.Rows))/250_000 {
			fmt.Fprintf(os.Stderr, "%d rows\n", own.rows)
		}
	}
	return errors.Join(
		m.report(Figure{
			Name: "ingest, beside INSERT of texts", Engine: first.perCPU(), Raw: texts.perCPU(), Unit: "rows/s",
			Note: fmt.Sprintf("the first %d rows", first.rows),
		}),
		m.report(Figure{
			Name: "ingest, beside INSERT of numbers", Engine: own.perCPU(), Raw: raw.perCPU(), Unit: "rows/s",
			Note: fmt.Sprintf("%d rows, %.0f a second by the clock", own.rows, float64(own.rows)/own.wall.Seconds()),
		}),
		m.size(ctx, own.rows))
}

// begin sets the zone of each site, and returns the end of each history.
func (m *measurement) begin(ctx context.Context) (tops []int64, err error) {
	for i, name := range m.world.Sites {
		tops = append(tops, m.world.End)
		if err := m.engine.SetZone(ctx, name, zoneOf(i)); err != nil {
			return nil, err
		}
	}
	return tops, nil
}

// fill fills the archive in large chunks, without raw SQL.
func (m *measurement) fill(ctx context.Context) error {
	tops, err := m.begin(ctx)
	if err != nil {
		return err
	}
	for {
		site, top := newest(tops)
		if top <= m.world.From {
			return nil
		}
		r := m.chunk(site, top, largeChunk)
		tops[site] = r.Span.From
		if _, err := m.engine.Replace(ctx, r); err != nil {
			return err
		}
	}
}

// replace makes a pass, which must have this effect.
func (m *measurement) replace(ctx context.Context, t *took, r archive.Replacement, want archive.Change) error {
	return m.time(t, want.Added+want.Removed+want.Kept, func() error {
		change, err := m.engine.Replace(ctx, r)
		if err == nil && change != want {
			err = fmt.Errorf("a pass over %s is %+v, and must be %+v", r.Site, change, want)
		}
		return err
	})
}

func (m *measurement) insert(ctx context.Context, t *took, table string, values []any) error {
	return m.time(t, len(values)/len(columns), func() error { return m.raw.store(ctx, table, values) })
}

// newest returns the place and the value of the greatest.
func newest(tops []int64) (site int, top int64) {
	for i, t := range tops {
		if t > top {
			site, top = i, t
		}
	}
	return site, top
}

// chunk returns at least so many rows of a site below a second, of whole hours.
func (m *measurement) chunk(site int, top int64, rows int) archive.Replacement {
	r := archive.Replacement{Site: m.world.Sites[site], Span: archive.Span{From: top, To: top}, Final: true}
	for r.Span.From > m.world.From && len(r.Rows) < rows {
		r.Span.From -= 3600
		r.Rows = append(r.Rows, m.world.Hour(site, r.Span.From/3600)...)
	}
	return r
}

func zoneOf(site int) *time.Location {
	zone, err := time.LoadLocation([]string{"Asia/Seoul", "UTC"}[site%2])
	if err != nil {
		panic(err)
	}
	return zone
}

// nothingNew makes passes that find what is there, and passes that find nothing of it and then all
// of it again: what a delete and an insert cost.
func (m *measurement) nothingNew(ctx context.Context) error {
	var cold, same, removed, added took
	// The first round reads rows that were written long before. A head has just been written.
	for _, t := range []*took{&cold, &same} {
		for _, r := range m.newest {
			if err := m.replace(ctx, t, r, archive.Change{Kept: len(r.Rows)}); err != nil {
				return err
			}
		}
	}
	for _, r := range m.newest {
		empty := r
		empty.Rows = nil
		if err := m.replace(ctx, &removed, empty, archive.Change{Removed: len(r.Rows)}); err != nil {
			return err
		}
		if err := m.replace(ctx, &added, r, archive.Change{Added: len(r.Rows)}); err != nil {
			return err
		}
	}
	added.cpu += removed.cpu
	return m.report(Figure{
		Name: "a pass with nothing new, beside delete and insert", Engine: same.perCPU(), Raw: added.perCPU(),
		Unit: "rows/s",
		Note: fmt.Sprintf("%d rows; %.0f a second if they are not in the cache", same.rows, cold.perCPU()),
	})
}
