package sqldb

import (
	"context"
	"fmt"
	"strings"

	"github.com/drmhub/drmhub/server/internal/archive"
)

// Count implements archive.Engine. Where it can, it adds up the counts of whole days or hours, and
// counts only the rows at the ends of the range. A pass could move rows from one of these parts to
// another between two statements, so all statements read the same moment.
func (d *DB) Count(ctx context.Context, q archive.Question) (n int64, err error) {
	err = d.snapshot(ctx, func(r reader) error {
		n, err = r.count(ctx, q)
		return err
	})
	return n, err
}

func (r reader) count(ctx context.Context, q archive.Question) (int64, error) {
	c, err := r.choose(ctx, q)
	if err != nil || c.none {
		return 0, err
	}
	if !c.counted {
		return r.one(ctx, "SELECT count(*)"+c.from(r.db))
	}
	if sites := list(sortedNumbers(c.sites)); q.Within == (archive.Span{}) {
		if len(c.series) == 0 {
			return r.one(ctx, "SELECT CAST(coalesce(sum(n), 0) AS BIGINT) FROM archive_month_totals WHERE site IN ("+
				sites+")")
		}
		return r.one(ctx, c.countSeries(sites, ""))
	}
	total := int64(0)
	for _, site := range c.sites {
		n, err := r.countSite(ctx, c, site)
		if err != nil {
			return 0, err
		}
		total += n
	}
	return total, nil
}

// countSeries returns the statement that adds up archive_day_series.
func (c choice) countSeries(sites, days string) string {
	where := append([]string{"site IN (" + sites + ")"}, c.series...)
	return "SELECT CAST(coalesce(sum(n), 0) AS BIGINT) FROM archive_day_series WHERE " +
		strings.Join(where, " AND ") + days
}

// countHours returns the statement that adds up archive_hour_totals.
func (c choice) countHours(site, hours string) string {
	return "SELECT CAST(coalesce(sum(n), 0) AS BIGINT) FROM archive_hour_totals WHERE site = " + site + hours
}

// countSite counts the rows of one site: those of whole days or hours together, and single rows in
// front of them and behind them.
func (r reader) countSite(ctx context.Context, c choice, site siteEntry) (int64, error) {
	c.sites, c.all = []siteEntry{site}, false
	clock, from, to := newClock(site.zone), archive.Key(c.lo).Second(), archive.Key(c.hi).Second()+1
	column, count, start, number := "hour", c.countHours, clock.hour, clock.hour
	next := func(second int64) int64 { return clock.hour(second + hour) }
	if len(c.series) > 0 {
		column, count, number = "day", c.countSeries, clock.day
		start = func(second int64) int64 { return clock.startOfDay(clock.day(second)) }
		next = func(second int64) int64 { return clock.startOfDay(clock.day(second) + 1) }
	}
	first, end := start(from), start(to)
	if first < from {
		first = next(from)
	}
	if first >= end {
		return r.one(ctx, "SELECT count(*)"+c.from(r.db))
	}
	before, after := c, c
	before.hi, after.lo = int64(archive.Above(first))-1, int64(archive.Above(end))
	rests, until := []choice{before, after}, fmt.Sprintf(" AND %s < %d", column, number(end))
	if c.hi == maxKey { // The range has no end.
		rests, until = rests[:1], ""
	}
	total, err := r.one(ctx, count(fmt.Sprint(site.number), fmt.Sprintf(" AND %s >= %d", column, number(first))+until))
	for _, rest := range rests {
		if err != nil || rest.lo > rest.hi {
			continue
		}
		var n int64
		n, err = r.one(ctx, "SELECT count(*)"+rest.from(r.db))
		total += n
	}
	return total, err
}
