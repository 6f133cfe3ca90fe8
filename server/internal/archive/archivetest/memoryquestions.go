package archivetest

import (
	"context"
	"math"
	"slices"

	"github.com/drmhub/drmhub/server/internal/archive"
)

// all is above the keys of all rows.
const all archive.Key = math.MaxInt64

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
