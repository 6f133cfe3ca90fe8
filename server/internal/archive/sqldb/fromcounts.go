package sqldb

import (
	"context"
	"fmt"
	"slices"
	"strings"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/archive"
)

// fromCounts returns all groups of a question that the counts by month or by day can answer
// exactly, and whether they can. Distinct users cannot be added up, so each group must be one line:
// of one site, and of one month, or one day and code.
func (r reader) fromCounts(
	ctx context.Context, q archive.Question, c choice, by archive.Grouping,
) (groups []archive.Group, ok bool, err error) {
	if !c.counted || q.DRM != 0 || len(c.sites) > 1 && !slices.Contains(by.By, pb.SummarizeLicensesRequest_SITE) {
		return nil, false, nil
	}
	byCode := slices.Contains(by.By, pb.SummarizeLicensesRequest_ERROR_CODE)
	onlyRefused := q.Status == pb.License_FAILURE
	for _, dimension := range by.By {
		switch dimension {
		case pb.SummarizeLicensesRequest_SITE, pb.SummarizeLicensesRequest_VENDOR,
			pb.SummarizeLicensesRequest_ERROR_CODE:
		case pb.SummarizeLicensesRequest_STATUS:
			if q.Status == 0 {
				return nil, false, nil
			}
		default:
			return nil, false, nil
		}
	}
	switch {
	case byCode && onlyRefused:
		return r.fromDays(ctx, q, c, by)
	case !byCode && q.Code == "" && !onlyRefused:
		return r.fromMonths(ctx, q, c, by)
	}
	return nil, false, nil
}

// fromDays returns the refused rows by code and day.
func (r reader) fromDays(
	ctx context.Context, q archive.Question, c choice, by archive.Grouping,
) (groups []archive.Group, ok bool, err error) {
	type line struct {
		site  siteEntry
		clock *clock
		v     [5]int64
	}
	var lines []line
	a := newAsk()
	for _, site := range c.sites {
		clock := newClock(site.zone)
		first, last, ok := c.whole(clock, by, pb.SummarizeLicensesRequest_DAY, clock.day, clock.startOfDay)
		if !ok {
			return nil, false, nil
		}
		query := fmt.Sprintf("SELECT day, code, n, users, devices FROM archive_day_refusals "+
			"WHERE site = %d AND day >= %d AND day <= %d", site.number, first, last)
		if q.Code != "" {
			query += " AND " + c.series[len(c.series)-1] // that on the code
		}
		err := r.ints(ctx, query, nil, func(v []int64) {
			lines = append(lines, line{site, clock, [5]int64(v)})
			a.entries[words][v[1]] = true
		})
		if err != nil {
			return nil, false, err
		}
	}
	t, err := r.texts(ctx, a)
	if err != nil {
		return nil, false, err
	}
	for _, l := range lines {
		g := archive.Group{Total: l.v[2], Refused: l.v[2], Users: l.v[3], Devices: l.v[4]}
		if by.Interval != 0 {
			g.Start = l.clock.startOfDay(l.v[0])
		}
		g.Keys = keysOf(by, l.site.name, t.entries[words][l.v[1]], q.Status)
		groups = append(groups, g)
	}
	return groups, true, nil
}

// fromMonths returns all rows by month, or those that were issued.
func (r reader) fromMonths(
	ctx context.Context, q archive.Question, c choice, by archive.Grouping,
) (groups []archive.Group, ok bool, err error) {
	columns := "n, issued, refused, users, devices"
	if q.Status == pb.License_SUCCESS {
		columns = "issued, issued, 0, issued_users, issued_devices"
	} else if q.Status != 0 {
		return nil, false, nil
	}
	for _, site := range c.sites {
		clock := newClock(site.zone)
		first, last, ok := c.whole(clock, by, pb.SummarizeLicensesRequest_MONTH, clock.month, clock.startOfMonth)
		if !ok {
			return nil, false, nil
		}
		err := r.ints(ctx, "SELECT month, "+columns+
			" FROM archive_month_totals WHERE site = ? AND month >= ? AND month <= ?",
			[]any{site.number, first, last}, func(v []int64) {
				if v[1] == 0 { // no row of the month was issued
					return
				}
				g := archive.Group{Total: v[1], Issued: v[2], Refused: v[3], Users: v[4], Devices: v[5]}
				if by.Interval != 0 {
					g.Start = clock.startOfMonth(v[0])
				}
				g.Keys = keysOf(by, site.name, "", q.Status)
				groups = append(groups, g)
			})
		if err != nil {
			return nil, false, err
		}
	}
	return groups, true, nil
}

func keysOf(by archive.Grouping, site, code string, status pb.License_Status) []string {
	keys := make([]string, len(by.By))
	for i, dimension := range by.By {
		switch dimension {
		case pb.SummarizeLicensesRequest_SITE:
			keys[i] = site
		case pb.SummarizeLicensesRequest_VENDOR:
			keys[i] = vendorOf(site)
		case pb.SummarizeLicensesRequest_ERROR_CODE:
			keys[i] = code
		case pb.SummarizeLicensesRequest_STATUS:
			keys[i] = status.String()
		}
	}
	return keys
}

// whole returns the numbers of the first and the last interval of a range, and whether the range
// consists of whole intervals. Without an interval in the question, the range must be one.
func (c choice) whole(
	clock *clock, by archive.Grouping, interval pb.SummarizeLicensesRequest_Interval,
	number, start func(int64) int64,
) (first, last int64, ok bool) {
	from, to := archive.Key(c.lo).Second(), archive.Key(c.hi).Second()+1
	first, last = number(from), number(to-1)
	switch {
	case c.lo > int64(archive.Above(archive.MinSecond)) && start(first) != from,
		c.hi < maxKey && start(number(to)) != to:
		return 0, 0, false
	case by.Interval == 0:
		return first, last, first == last
	}
	return first, last, by.Interval == interval && sameClock(clock.zone.String(), by.Zone.String())
}

// sameClock reports whether two names are the same time zone.
func sameClock(a, b string) bool {
	utc := func(name string) string { return strings.Replace(name, "Etc/UTC", "UTC", 1) }
	return utc(a) == utc(b)
}
