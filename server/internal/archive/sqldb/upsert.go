package sqldb

import (
	"cmp"
	"context"
	"slices"
	"strings"
)

// Numbers are keys and counts, as arrays, so that they can be keys of maps.
type numbers interface {
	~[1]int64 | ~[2]int64 | ~[3]int64 | ~[4]int64 | ~[11]int64
}

// A counting is a table of counts: the columns of its key after the site, and those that count. The
// first count is that of rows. A line in which it is 0 is removed.
type counting struct {
	table        string
	keys, counts []string
}

var (
	hourTotals   = counting{"archive_hour_totals", []string{"hour"}, []string{"n", "issued", "refused"}}
	daySeries    = counting{"archive_day_series", []string{"day", "drm", "status", "code"}, []string{"n"}}
	dayRefusals  = counting{"archive_day_refusals", []string{"day", "code"}, []string{"n", "users", "devices"}}
	dayUsers     = counting{"archive_day_users", []string{"day", "code", "id"}, []string{"n"}}
	dayDevices   = counting{"archive_day_devices", []string{"day", "code", "id"}, []string{"n"}}
	monthUsers   = counting{"archive_month_users", []string{"month", "id"}, []string{"n", "issued"}}
	monthDevices = counting{"archive_month_devices", []string{"month", "id"}, []string{"n", "issued"}}
	monthTotals  = counting{"archive_month_totals", []string{"month"}, []string{
		"n", "refused", "users", "devices", "no_user", "no_device",
		"issued", "issued_users", "issued_devices", "issued_no_user", "issued_no_device",
	}}
	countings = []counting{
		hourTotals, daySeries, dayRefusals, dayUsers, dayDevices, monthUsers, monthDevices, monthTotals,
	}
)

// upsert adds changes to the lines of a site. each gets the key of every line that changes, what it
// counts now, and the change.
func upsert[K, V numbers](
	ctx context.Context, tx *tx, site int, c counting, lines map[K]*V, each func(key K, now, delta V),
) error {
	var values []int64
	var shrunk []K
	for _, key := range sortedKeys(lines, compareKeys[K]) {
		delta, changes := *lines[key], false
		for i := range len(delta) {
			changes = changes || delta[i] != 0
		}
		if !changes {
			continue
		}
		values = append(values, int64(site))
		for i := range len(key) {
			values = append(values, key[i])
		}
		for i := range len(delta) {
			values = append(values, delta[i])
		}
		if delta[0] < 0 {
			shrunk = append(shrunk, key)
		}
	}
	var row func([]int64)
	if each != nil {
		row = func(columns []int64) {
			var key K
			var now V
			for i := range len(key) {
				key[i] = columns[i]
			}
			for i := range len(now) {
				now[i] = columns[len(key)+i]
			}
			each(key, now, *lines[key])
		}
	}
	width := 1 + len(c.keys) + len(c.counts)
	if err := tx.insert(ctx, c.into(), width, values, c.onConflict(each != nil), row); err != nil {
		return err
	}
	return removeEmpty(ctx, tx, site, c, shrunk)
}

func (c counting) into() string {
	return c.table + " (site, " + strings.Join(append(slices.Clone(c.keys), c.counts...), ", ") + ")"
}

func (c counting) onConflict(returning bool) string {
	var sets []string
	for _, count := range c.counts {
		sets = append(sets, count+" = "+c.table+"."+count+" + excluded."+count)
	}
	tail := "ON CONFLICT (site, " + strings.Join(c.keys, ", ") + ") DO UPDATE SET " + strings.Join(sets, ", ")
	if returning {
		tail += " RETURNING " + strings.Join(append(slices.Clone(c.keys), c.counts...), ", ")
	}
	return tail
}

// removeEmpty removes those lines that count nothing any more. The keys are sorted.
func removeEmpty[K numbers](ctx context.Context, tx *tx, site int, c counting, keys []K) error {
	last := len(c.keys) - 1
	where := " WHERE " + strings.Join(append([]string{"site"}, c.keys[:last]...), " = ? AND ") + " = ?"
	for len(keys) > 0 {
		args, ids, n := []any{site}, []int64(nil), 0
		for i := range last {
			args = append(args, keys[0][i])
		}
		for n < len(keys) && n < perDelete && sameStart(keys[n], keys[0]) {
			ids = append(ids, keys[n][last])
			n++
		}
		keys = keys[n:]
		query := "DELETE FROM " + c.table + where + " AND n = 0 AND " + c.keys[last] + " IN (" + list(ids) + ")"
		if _, err := tx.ExecContext(ctx, tx.db.sql(query), args...); err != nil {
			return err
		}
	}
	return nil
}

func compareKeys[K numbers](a, b K) int {
	for i := range len(a) {
		if c := cmp.Compare(a[i], b[i]); c != 0 {
			return c
		}
	}
	return 0
}

// sameStart reports whether two keys differ at most in their last part.
func sameStart[K numbers](a, b K) bool {
	for i := range len(a) - 1 {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}
