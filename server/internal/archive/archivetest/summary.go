package archivetest

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/archive"
)

// Summarize implements archive.Engine.
func (m *Memory) Summarize(
	ctx context.Context, q archive.Question, by archive.Grouping,
) (page []archive.Group, total int, err error) {
	rows := m.match(q, all)
	starts := intervals{by.Interval, zoneOf(by), map[int64]int64{}}
	groups := map[string][]row{}
	heads := map[string]archive.Group{}
	for _, r := range rows {
		g := archive.Group{Start: starts.of(r.Second)}
		for _, d := range by.By {
			g.Keys = append(g.Keys, keyOf(r, d))
		}
		id := fmt.Sprintf("%d %q", g.Start, g.Keys)
		heads[id] = g
		groups[id] = append(groups[id], r)
	}
	for id, g := range heads {
		nameUser(g.Keys, by.By, groups[id])
		c := counts(groups[id])
		g.Total, g.Users, g.Devices = c.Rows, c.Users, c.Devices
		g.Issued = counts(only(groups[id], pb.License_SUCCESS)).Rows
		g.Refused = counts(only(groups[id], pb.License_FAILURE)).Rows
		page = append(page, g)
	}
	slices.SortFunc(page, func(a, b archive.Group) int { return compareGroups(a, b, by.Order) })
	total = len(page)
	page = page[min(by.Offset, total):]
	return page[:min(by.Limit, len(page))], total, ctx.Err()
}

func zoneOf(by archive.Grouping) *time.Location {
	if by.Zone == nil {
		return time.UTC
	}
	return by.Zone
}

// nameUser puts the user's id in the place of the person, where a row of the group shows it.
func nameUser(keys []string, by []pb.SummarizeLicensesRequest_Dimension, rows []row) {
	for i, d := range by {
		for _, r := range rows {
			if d == pb.SummarizeLicensesRequest_USER && r.User != "" {
				keys[i] = r.User
			}
		}
	}
}

// keyOf returns the value by which a row is grouped. Erased persons are in one group with rows
// without a user.
func keyOf(r row, d pb.SummarizeLicensesRequest_Dimension) string {
	switch d {
	case pb.SummarizeLicensesRequest_SITE:
		return r.Site
	case pb.SummarizeLicensesRequest_VENDOR:
		vendor, _, _ := strings.Cut(r.Site, "/sites/")
		return vendor
	case pb.SummarizeLicensesRequest_ERROR_CODE:
		return r.Code
	case pb.SummarizeLicensesRequest_DRM_TYPE:
		return r.DRM.String()
	case pb.SummarizeLicensesRequest_STATUS:
		return r.Status.String()
	case pb.SummarizeLicensesRequest_PLATFORM:
		return r.Platform
	case pb.SummarizeLicensesRequest_DEVICE_MODEL:
		return r.Model
	case pb.SummarizeLicensesRequest_CONTENT:
		return r.Content
	case pb.SummarizeLicensesRequest_USER:
		if r.erased {
			return ""
		}
		return r.person
	case pb.SummarizeLicensesRequest_DEVICE:
		return r.Device
	}
	panic("a dimension that the archive does not know: " + d.String())
}

func compareGroups(a, b archive.Group, order []archive.Order) int {
	for _, o := range order {
		c := cmp.Compare(figure(a, o.By), figure(b, o.By))
		if o.Desc {
			c = -c
		}
		if c != 0 {
			return c
		}
	}
	return cmp.Or(cmp.Compare(a.Start, b.Start), slices.Compare(a.Keys, b.Keys))
}

func figure(g archive.Group, f archive.Figure) int64 {
	return [...]int64{g.Start, g.Total, g.Issued, g.Refused, g.Users, g.Devices}[f]
}

func only(rows []row, status pb.License_Status) []row {
	return slices.DeleteFunc(slices.Clone(rows), func(r row) bool { return r.Status != status })
}

// counts counts rows, persons and devices.
func counts(rows []row) archive.Counts {
	c := archive.Counts{Rows: int64(len(rows))}
	persons, devices := map[string]bool{}, map[string]bool{}
	for _, r := range rows {
		persons[r.person] = true
		devices[r.Device] = true
		if r.person == "" {
			c.NoUser++
		}
		if r.Device == "" {
			c.NoDevice++
		}
	}
	delete(persons, "")
	delete(devices, "")
	c.Users, c.Devices = int64(len(persons)), int64(len(devices))
	return c
}

// Months implements archive.Engine.
func (m *Memory) Months(ctx context.Context, name string) ([]archive.Month, error) {
	s, err := m.Site(ctx, name)
	if err != nil {
		return nil, err
	}
	months := map[int][]row{}
	for _, r := range m.match(archive.Question{Sites: []string{name}}, all) {
		t := time.Unix(r.Second, 0).In(s.Zone)
		month := t.Year()*100 + int(t.Month())
		months[month] = append(months[month], r)
	}
	var out []archive.Month
	for month, rows := range months {
		issued := only(rows, pb.License_SUCCESS)
		out = append(out, archive.Month{Month: month, All: counts(rows), Issued: counts(issued)})
	}
	slices.SortFunc(out, func(a, b archive.Month) int { return b.Month - a.Month })
	return out, nil
}

// intervals finds the starts of intervals. All time zones of today change by quarters of an hour,
// so a start is found by going back by quarters.
type intervals struct {
	interval pb.SummarizeLicensesRequest_Interval
	zone     *time.Location
	found    map[int64]int64
}

// of returns the first second of the interval of a second.
func (v intervals) of(second int64) int64 {
	if v.interval == pb.SummarizeLicensesRequest_INTERVAL_UNSPECIFIED {
		return 0
	}
	const quarter = 15 * 60
	var passed []int64
	q := second - second%quarter
	start, ok := v.found[q]
	for ; !ok; start, ok = v.found[q] {
		passed = append(passed, q)
		if v.label(q) != v.label(q-quarter) {
			start = q
			break
		}
		q -= quarter
	}
	for _, q := range passed {
		v.found[q] = start
	}
	return start
}

// label is what all seconds of an interval, and no other second near them, have in common.
func (v intervals) label(second int64) string {
	t := time.Unix(second, 0).In(v.zone)
	switch v.interval {
	case pb.SummarizeLicensesRequest_HOUR:
		return t.Format("2006-01-02 15 Z07:00") // The offset tells two hours of one name apart.
	case pb.SummarizeLicensesRequest_DAY:
		return t.Format(time.DateOnly)
	case pb.SummarizeLicensesRequest_WEEK:
		year, week := t.ISOWeek()
		return fmt.Sprint(year, week)
	default:
		return t.Format("2006-01")
	}
}
