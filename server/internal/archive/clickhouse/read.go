package clickhouse

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/drmhub/drmhub/server/internal/archive"
)

// A question is one that can be sent to ClickHouse.
type question struct {
	names     map[uint16]string // of the sites
	table     string
	condition string // without the range of keys
	from, to  archive.Key
	hidden    string
}

// ask prepares a question by what counts now. Its names are empty if no site is known.
func (e *Engine) ask(ctx context.Context, q archive.Question) (*question, error) {
	out := &question{names: map[uint16]string{}, from: archive.Above(q.Within.From), to: math.MaxInt64}
	if q.Within.To != 0 {
		out.to = archive.Above(q.Within.To)
	}
	var numbers []uint16
	for _, name := range q.Sites {
		s, err := e.find(ctx, name)
		if err != nil {
			return nil, err
		}
		if s != nil && out.names[s.number] == "" {
			out.names[s.number] = name
			numbers = append(numbers, s.number)
		}
	}
	if len(numbers) == 0 {
		return out, nil
	}
	slices.Sort(numbers)
	v, err := e.view(ctx, numbers)
	if err != nil {
		return nil, err
	}
	out.hidden = v.hidden()
	out.table, out.condition = e.all("licenses"), v.counts()+e.matches(q)
	if q.Person != "" {
		// ClickHouse reads the other columns only where rows are left.
		out.table = e.all("by_user") + " PREWHERE who = " + hash(hashOf(e.key, q.Person))
		out.condition += " AND (user != '' OR user_md5 != '')"
		if out.hidden != "" {
			out.condition += " AND NOT (" + out.hidden + ")"
		}
	}
	return out, nil
}

// matches returns the conditions of a question except those for the site, the time and the viewer.
func (e *Engine) matches(q archive.Question) string {
	var out strings.Builder
	for _, c := range []struct {
		column string
		value  int32
	}{{"drm", int32(q.DRM)}, {"status", int32(q.Status)}} {
		if c.value != 0 {
			fmt.Fprintf(&out, " AND %s = %d", c.column, c.value)
		}
	}
	for _, c := range [][2]string{
		{"content", q.Content}, {"device", q.Device}, {"code", q.Code}, {"model", q.Model}, {"platform", q.Platform},
		{"integration", q.Integration},
	} {
		if c[1] != "" {
			out.WriteString(" AND " + c[0] + " = " + literal(c[1]))
		}
	}
	return out.String()
}

// where returns the whole condition for the keys of a range.
func (q *question) where(from, to archive.Key) string {
	return fmt.Sprintf("%s AND k >= %d AND k < %d", q.condition, from, to)
}

// rows returns the rows of a range of keys, the greatest first. limit 0 means all.
func (e *Engine) rows(ctx context.Context, q *question, from, to archive.Key, limit int) ([]archive.Row, error) {
	if from >= to {
		return nil, nil
	}
	text := "SELECT " + selected(q.hidden) + " FROM " + q.table + " WHERE " + q.where(from, to) + " ORDER BY k DESC"
	if limit > 0 {
		text += fmt.Sprintf(" LIMIT %d", limit)
	}
	var out []archive.Row
	d := reader{names: q.names}
	err := e.query(ctx, text, func(row func(...any) error) error {
		var r archive.Row
		err := d.read(row, &r)
		out = append(out, r)
		return err
	})
	return out, err
}

// Rows implements archive.Engine.
func (e *Engine) Rows(ctx context.Context, site string, within archive.Span) ([]archive.Row, error) {
	q, err := e.ask(ctx, archive.Question{Sites: []string{site}, Within: within})
	if err != nil || len(q.names) == 0 {
		return nil, err
	}
	return e.rows(ctx, q, q.from, q.to, 0)
}

// Count implements archive.Engine.
func (e *Engine) Count(ctx context.Context, asked archive.Question) (int64, error) {
	q, err := e.ask(ctx, asked)
	if err != nil || len(q.names) == 0 {
		return 0, err
	}
	return e.count(ctx, q.table, q.where(q.from, q.to))
}

// hour is the distance of keys.
const hour = archive.Key(3600 << 32)

// longWindow is from how long a window of time on Search reads the keys alone first.
const longWindow = 48 * hour

// Search implements archive.Engine. The rows of one viewer lie together. Others are sought in
// windows of time, the newest first, each eight times as long as the one before: ClickHouse would
// else sort all rows that match. In long windows it sorts keys, and then reads the rows of those
// that are wanted.
func (e *Engine) Search(
	ctx context.Context, asked archive.Question, below archive.Key, limit int,
) ([]archive.Row, error) {
	q, err := e.ask(ctx, asked)
	if err != nil || len(q.names) == 0 || limit <= 0 {
		return nil, err
	}
	end := min(q.to, below)
	if asked.Person != "" {
		least, err := e.least(ctx, q, q.from, end, limit)
		if err != nil {
			return nil, err
		}
		return e.rows(ctx, q, least, end, limit)
	}
	var out []archive.Row
	start := min(end, archive.Above(time.Now().Unix())) // Hardly a row is newer.
	for length := 6 * hour; end > q.from && len(out) < limit; length *= 8 {
		start = max(start-length, q.from)
		least := start
		if length > longWindow {
			if least, err = e.least(ctx, q, start, end, limit-len(out)); err != nil {
				return nil, err
			}
		}
		rows, err := e.rows(ctx, q, least, end, limit-len(out))
		if err != nil {
			return nil, err
		}
		out = append(out, rows...)
		end = start
	}
	return out, nil
}

// least returns the least of the greatest keys of a range. Without any, it is the end of the range.
func (e *Engine) least(ctx context.Context, q *question, from, to archive.Key, limit int) (archive.Key, error) {
	var key int64
	var n uint64
	text := fmt.Sprintf("SELECT min(k), count() FROM (SELECT k FROM %s WHERE %s ORDER BY k DESC LIMIT %d)", q.table,
		q.where(from, to), limit)
	err := e.first().QueryRow(ctx, text).Scan(&key, &n)
	if n == 0 {
		return to, err
	}
	return archive.Key(key), err
}
