package archivetest

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/drmhub/drmhub/server/internal/archive"
)

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
