// Package archivetest tests engines of the archive: an engine in memory that is plain and slow, a
// suite that compares any engine with it, and a vendor that misbehaves.
package archivetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/drmhub/drmhub/server/internal/archive"
)

// Memory is an archive.Engine in memory. It keeps no index and no count, so that each result is
// computed from the rows alone. Tests compare other engines with it.
type Memory struct {
	mu      sync.Mutex
	sites   map[string]*site
	numbers int
}

type site struct {
	number int
	zone   *time.Location
	rows   []row // by key, the greatest first
	spans  []archive.Span
	state  []byte
	erased map[string]bool // persons
}

// A row is stored with the person that it counts for. The id and the MD5 of an erased person are
// empty.
type row struct {
	archive.Row
	person string
	erased bool
}

// all is above the keys of all rows.
const all archive.Key = math.MaxInt64

// NewMemory returns an empty archive.
func NewMemory() *Memory { return &Memory{sites: map[string]*site{}} }

// Close does nothing.
func (m *Memory) Close() error { return nil }

// Sites implements archive.Engine.
func (m *Memory) Sites(ctx context.Context) ([]archive.Site, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []archive.Site
	for _, name := range slices.Sorted(maps.Keys(m.sites)) {
		s, err := m.site(name)
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, ctx.Err()
}

// Site implements archive.Engine.
func (m *Memory) Site(ctx context.Context, name string) (archive.Site, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return archive.Site{}, err
	}
	return m.site(name)
}

func (m *Memory) site(name string) (archive.Site, error) {
	s := m.sites[name]
	if s == nil {
		return archive.Site{Name: name}, nil
	}
	out := archive.Site{Name: name, Zone: s.zone, Rows: int64(len(s.rows)), Spans: slices.Clone(s.spans)}
	return out, json.Unmarshal(s.state, &out.State)
}

// SetZone implements archive.Engine.
func (m *Memory) SetZone(ctx context.Context, name string, zone *time.Location) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.sites[name] == nil {
		m.numbers++
		if m.numbers >= archive.MaxSites {
			return fmt.Errorf("the archive is full: it holds %d sites", archive.MaxSites)
		}
		m.sites[name] = &site{number: m.numbers, state: []byte("{}"), erased: map[string]bool{}}
	}
	m.sites[name].zone = zone
	return ctx.Err()
}

// known returns a site that SetZone has made known.
func (m *Memory) known(name string) (*site, error) {
	if s := m.sites[name]; s != nil {
		return s, nil
	}
	return nil, fmt.Errorf("the archive does not know %s; nothing was changed", name)
}

// SetState implements archive.Engine.
func (m *Memory) SetState(ctx context.Context, name string, state archive.State) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	s, err := m.known(name)
	if err != nil {
		return err
	}
	var held archive.State
	if err := json.Unmarshal(s.state, &held); err != nil {
		return err
	}
	state.Since, state.Asked = held.Since, held.Asked
	if s.state, err = json.Marshal(state); err != nil {
		return err
	}
	return ctx.Err()
}

// SetSince implements archive.Engine.
func (m *Memory) SetSince(ctx context.Context, name string, since int64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	s, err := m.known(name)
	if err != nil {
		return err
	}
	var state archive.State
	if err := json.Unmarshal(s.state, &state); err != nil {
		return err
	}
	state.Since, state.Asked = since, state.Asked+1
	if s.state, err = json.Marshal(state); err != nil {
		return err
	}
	return ctx.Err()
}

// Replace implements archive.Engine.
func (m *Memory) Replace(ctx context.Context, r archive.Replacement) (archive.Change, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s, err := m.known(r.Site)
	if err != nil {
		return archive.Change{}, err
	}
	if err := errors.Join(check(r), ctx.Err()); err != nil {
		return archive.Change{}, err
	}
	kept, added, removed := s.compare(r)
	next := map[int64]int{}
	for _, old := range kept {
		next[old.Second] = max(next[old.Second], old.Key.Ordinal()+1)
	}
	for i := range added {
		second := added[i].Second
		if next[second] >= archive.MaxOrdinals {
			return archive.Change{}, fmt.Errorf("%s has more than %d rows in one second; nothing was changed",
				r.Site, archive.MaxOrdinals)
		}
		added[i].Key = archive.NewKey(second, s.number, next[second])
		next[second]++
	}
	s.rows = slices.DeleteFunc(s.rows, func(o row) bool { return within(r.Span, o.Second) })
	s.rows = append(append(s.rows, kept...), added...)
	slices.SortFunc(s.rows, newestFirst)
	if r.Final {
		s.spans = join(append(s.spans, r.Span))
	}
	return archive.Change{Added: len(added), Removed: removed, Kept: len(kept)}, nil
}

func check(r archive.Replacement) error {
	if r.Span.From >= r.Span.To || r.Span.From < archive.MinSecond || r.Span.To > archive.MaxSecond+1 {
		return fmt.Errorf("the range [%d, %d) is not one of the archive; nothing was changed", r.Span.From, r.Span.To)
	}
	for _, row := range r.Rows {
		if row.Site != r.Site || !within(r.Span, row.Second) {
			return fmt.Errorf("a row of %s at %d is not within the replaced range; nothing was changed",
				row.Site, row.Second)
		}
	}
	return nil
}

// compare takes the rows of a replacement out of the rows that are there. What the two have in
// common is kept, as often as both have it.
func (s *site) compare(r archive.Replacement) (kept, added []row, removed int) {
	there := map[row][]row{}
	for _, old := range s.rows {
		if within(r.Span, old.Second) {
			there[old.content()] = append(there[old.content()], old)
			removed++
		}
	}
	for _, shown := range r.Rows {
		shown.Key = 0
		stored := row{Row: shown, person: shown.Person()}
		if s.erased[stored.person] {
			stored.erase()
		}
		same := there[stored]
		if len(same) == 0 {
			added = append(added, stored)
			continue
		}
		kept = append(kept, same[0])
		there[stored] = same[1:]
		removed--
	}
	return kept, added, removed
}

// content is what makes two rows equal.
func (r row) content() row {
	r.Key = 0
	return r
}

func (r *row) erase() { r.User, r.UserMD5, r.erased = "", "", true }

func within(s archive.Span, second int64) bool { return s.From <= second && second < s.To }

func newestFirst(a, b row) int {
	switch {
	case a.Key > b.Key:
		return -1
	case a.Key < b.Key:
		return 1
	}
	return 0
}

// join sorts spans, and makes one of those that overlap or touch.
func join(spans []archive.Span) []archive.Span {
	slices.SortFunc(spans, func(a, b archive.Span) int { return int(a.From - b.From) })
	out := spans[:1]
	for _, s := range spans[1:] {
		if last := &out[len(out)-1]; s.From <= last.To {
			last.To = max(last.To, s.To)
			continue
		}
		out = append(out, s)
	}
	return out
}

// Forget implements archive.Engine.
func (m *Memory) Forget(ctx context.Context, name string, before int64) (int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.sites[name]
	if s == nil {
		return 0, ctx.Err()
	}
	held := len(s.rows)
	s.rows = slices.DeleteFunc(s.rows, func(o row) bool { return o.Second < before })
	s.spans = slices.DeleteFunc(s.spans, func(o archive.Span) bool { return o.To <= before })
	for i := range s.spans {
		s.spans[i].From = max(s.spans[i].From, before)
	}
	return int64(held - len(s.rows)), ctx.Err()
}

// Erase implements archive.Engine.
func (m *Memory) Erase(ctx context.Context, sites []string, person string) (int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := int64(0)
	for name, s := range m.sites {
		if !slices.Contains(sites, name) {
			continue
		}
		s.erased[person] = true
		for i := range s.rows {
			if o := &s.rows[i]; o.person == person && !o.erased {
				o.erase()
				n++
			}
		}
	}
	return n, ctx.Err()
}

// Rows implements archive.Engine.
func (m *Memory) Rows(ctx context.Context, name string, span archive.Span) ([]archive.Row, error) {
	q := archive.Question{Sites: []string{name}, Within: span}
	return shown(m.match(q, all)), ctx.Err()
}

// Search implements archive.Engine.
func (m *Memory) Search(
	ctx context.Context, q archive.Question, below archive.Key, limit int,
) ([]archive.Row, error) {
	rows := m.match(q, below)
	return shown(rows[:min(limit, len(rows))]), ctx.Err()
}

// Count implements archive.Engine.
func (m *Memory) Count(ctx context.Context, q archive.Question) (int64, error) {
	return int64(len(m.match(q, all))), ctx.Err()
}

// Scan implements archive.Engine.
func (m *Memory) Scan(
	ctx context.Context, q archive.Question, below archive.Key, yield func([]archive.Row) error,
) error {
	for batch := range slices.Chunk(m.match(q, below), 1000) {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := yield(shown(batch)); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// match returns the rows that match and whose key is less than below, the greatest key first.
func (m *Memory) match(q archive.Question, below archive.Key) []row {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []row
	for name, s := range m.sites {
		if !slices.Contains(q.Sites, name) {
			continue
		}
		for _, r := range s.rows {
			if r.Key < below && r.matches(q) {
				out = append(out, r)
			}
		}
	}
	slices.SortFunc(out, newestFirst)
	return out
}

func (r row) matches(q archive.Question) bool {
	is := func(value, want string) bool { return want == "" || value == want }
	return r.Second >= q.Within.From && (q.Within.To == 0 || r.Second < q.Within.To) &&
		(q.Person == "" || r.person == q.Person && !r.erased) &&
		(q.DRM == 0 || r.DRM == q.DRM) && (q.Status == 0 || r.Status == q.Status) &&
		is(r.Content, q.Content) && is(r.Device, q.Device) && is(r.Code, q.Code) &&
		is(r.Model, q.Model) && is(r.Platform, q.Platform) && is(r.Integration, q.Integration)
}

func shown(rows []row) []archive.Row {
	var out []archive.Row
	for _, r := range rows {
		out = append(out, r.Row)
	}
	return out
}
