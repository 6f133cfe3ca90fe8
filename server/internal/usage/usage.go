// Package usage counts the archive as vendors bill it, and explains why two counts differ.
package usage

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/drmhub/drmhub/adapters"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/archive"
)

// Figures are what vendors bill by, in the order of the constants below.
type Figures [3]int64

// The figures, as indexes of Figures.
const (
	Licenses = iota
	Users
	Devices
)

// Minus returns the differences.
func (f Figures) Minus(other Figures) Figures {
	for i := range f {
		f[i] -= other[i]
	}
	return f
}

// A Rule is how a vendor counts, in the zone of its months.
type Rule struct {
	adapters.Counting
	Zone *time.Location
}

// Proto returns the rule in the form of the contract.
func (r Rule) Proto() *pb.UsageReport_CountingRule {
	return &pb.UsageReport_CountingRule{
		Description: r.Description, Source: r.Source, TimeZone: r.Zone.String(),
		CountsFailures: r.Failures, CountsMissingUser: r.MissingUser,
	}
}

// figures returns what the rule counts.
func (r Rule) figures(c archive.Counts) Figures {
	f := Figures{c.Rows, c.Users, c.Devices}
	if r.MissingUser && c.NoUser > 0 {
		f[Users]++
	}
	return f
}

// A Month is year * 100 + month, such as 202610.
type Month int

// ParseMonth reads a month such as 2026-10.
func ParseMonth(text string) (Month, error) {
	t, err := time.Parse("2006-01", text)
	return Month(t.Year()*100 + int(t.Month())), err
}

// MonthOf returns the month of a time in its zone.
func MonthOf(t time.Time) Month { return Month(t.Year()*100 + int(t.Month())) }

// String returns the month in the form 2026-10.
func (m Month) String() string { return fmt.Sprintf("%04d-%02d", int(m)/100, int(m)%100) }

// Span returns the seconds of the month in a zone.
func (m Month) Span(zone *time.Location) archive.Span {
	year, month := int(m)/100, time.Month(int(m)%100)
	return archive.Span{From: firstSecond(year, month, 1, zone), To: firstSecond(year, month+1, 1, zone)}
}

// firstSecond returns the first second of a day in a zone. A zone can skip midnight.
func firstSecond(year int, month time.Month, day int, zone *time.Location) int64 {
	noon := time.Date(year, month, day, 12, 0, 0, 0, zone)
	start := noon.Add(-12 * time.Hour)
	const half = 30 * time.Minute
	for shift := -2 * half; shift <= 2*half; shift += half { // Clocks change by that much.
		if t := start.Add(shift); t.Day() == noon.Day() {
			return t.Unix()
		}
	}
	return start.Unix()
}

// LastDay returns the day for which a vendor shows the whole month: its last day, or today. It
// returns "" for a month that has not begun.
func (m Month) LastDay(now time.Time, zone *time.Location) string {
	last := time.Date(int(m)/100, time.Month(int(m)%100+1), 0, 0, 0, 0, 0, time.UTC).Format(time.DateOnly)
	today := now.In(zone).Format(time.DateOnly)
	switch {
	case m > MonthOf(now.In(zone)):
		return ""
	case today < last:
		return today
	}
	return last
}

// A Ledger is the archive of one site, counted by a rule.
type Ledger struct {
	Engine archive.Engine
	Site   archive.Site
	Rule   Rule
}

// NewLedger returns the ledger of a site. The zone of its months is that of the archive, or the
// vendor's where the archive does not know the site.
func NewLedger(engine archive.Engine, site archive.Site, history *adapters.History) Ledger {
	l := Ledger{Engine: engine, Site: site, Rule: Rule{Counting: history.Counting, Zone: site.Zone}}
	if l.Rule.Zone == nil {
		l.Rule.Zone = history.TimeZone
	}
	return l
}

// Count is what the archive counts in a month.
type Count struct {
	Month    Month
	Archived Figures
	counts   archive.Month
}

// Months returns the counts of all months with rows, the newest first.
func (l Ledger) Months(ctx context.Context) ([]Count, error) {
	if l.Site.Zone == nil {
		return nil, nil
	}
	months, err := l.Engine.Months(ctx, l.Site.Name)
	counts := make([]Count, len(months))
	for i, m := range months {
		counts[i] = Count{Month(m.Month), l.figures(m, l.Rule.Failures), m}
	}
	return counts, err
}

// Month returns the count of one month. A month without rows has zeros.
func (l Ledger) Month(ctx context.Context, month Month) (Count, error) {
	all, err := l.Months(ctx)
	if i := slices.IndexFunc(all, func(c Count) bool { return c.Month == month }); i >= 0 {
		return all[i], err
	}
	return Count{Month: month}, err
}

func (l Ledger) figures(m archive.Month, failures bool) Figures {
	if failures {
		return l.Rule.figures(m.All)
	}
	return l.Rule.figures(m.Issued)
}

// A view is the rows that a count takes: those of a span, with or without the refused ones.
type view struct {
	span     archive.Span
	failures bool
}

// has reports whether a view takes a row.
func (v view) has(r archive.Row) bool {
	return v.span.From <= r.Second && r.Second < v.span.To && (v.failures || r.Status == pb.License_SUCCESS)
}

// question returns the question for the rows of a view.
func (l Ledger) question(v view) archive.Question {
	q := archive.Question{Sites: []string{l.Site.Name}, Within: v.span}
	if !v.failures {
		q.Status = pb.License_SUCCESS
	}
	return q
}

// count counts the rows of a view. missing says whether there are rows without a user.
func (l Ledger) count(ctx context.Context, v view, missing bool) (Figures, error) {
	if v.span.From >= v.span.To {
		return Figures{}, nil
	}
	groups, _, err := l.Engine.Summarize(ctx, l.question(v), archive.Grouping{Limit: 1})
	if err != nil || len(groups) == 0 {
		return Figures{}, err
	}
	g := groups[0]
	f := Figures{g.Total, g.Users, g.Devices}
	if l.Rule.MissingUser && missing {
		f[Users]++
	}
	return f, nil
}
