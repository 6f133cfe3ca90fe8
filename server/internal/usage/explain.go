package usage

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/archive"
)

// A Claim is what a vendor says about a month.
type Claim struct {
	Figures Figures
	// Has says which figures the vendor names.
	Has [3]bool
	// Date is the last day that the figures are for, or "" for the whole month.
	Date string
}

// An Explanation is one reason why a count and a claim differ.
type Explanation struct {
	Reason pb.UsageReport_Explanation_Reason
	// Figures are what the reason accounts for. They are positive where the archive counts more.
	Figures Figures
	Message string

	ours, theirs view // the rows of the two counts
}

// zones are those that a vendor may count in: UTC, those of the vendors, and the largest of the
// operators' countries.
var zones = []string{
	"UTC", "Asia/Seoul", "America/Los_Angeles", "America/New_York", "Europe/London", "Europe/Berlin",
	"Asia/Kolkata", "Asia/Singapore", "Australia/Sydney",
}

// An explainer finds the reasons for the difference between a count and a claim.
type explainer struct {
	Ledger
	count Count
	claim Claim
	now   time.Time
	day   time.Time // the claim is for the days up to this one; zero for the whole month
	own   view      // the rows that our count takes
	base  Figures   // what our count is up to the claim's date
	rest  Figures   // what no reason has explained yet
	found []Explanation
}

// Explain returns the reasons why a count and a claim differ. It returns none if they are equal.
func (l Ledger) Explain(ctx context.Context, count Count, claim Claim, now time.Time) ([]Explanation, error) {
	e := &explainer{
		Ledger: l, count: count, claim: claim, now: now, base: count.Archived,
		own: view{count.Month.Span(l.Rule.Zone), l.Rule.Failures},
	}
	e.rest = e.differences(e.base)
	for _, reason := range []func(context.Context) error{
		e.earlier, e.allFailures, e.otherZone, e.usersWithoutID, e.failures, e.drift, e.incomplete, e.unexplained,
	} {
		if e.rest == (Figures{}) {
			break
		}
		if err := reason(ctx); err != nil {
			return nil, err
		}
	}
	return e.found, nil
}

// differences returns how a count differs from the claim.
func (e *explainer) differences(count Figures) Figures {
	d := count.Minus(e.claim.Figures)
	for i, has := range e.claim.Has {
		if !has {
			d[i] = 0
		}
	}
	return d
}

// add notes a reason, and takes what it accounts for from the rest.
func (e *explainer) add(x Explanation) {
	if x.Figures == (Figures{}) {
		return
	}
	e.found = append(e.found, x)
	e.rest = e.rest.Minus(x.Figures)
}

// earlier explains a claim that is for a day before the end of the month, or before today.
func (e *explainer) earlier(ctx context.Context) error {
	last := e.count.Month.LastDay(e.now, e.Rule.Zone)
	day, readable := time.Parse(time.DateOnly, e.claim.Date)
	if readable != nil || e.claim.Date >= last {
		return nil //nolint:nilerr // Without a day, the figures are for the whole month.
	}
	e.day = day
	cut := view{e.claimed(e.Rule.Zone), e.own.failures}
	figures, err := e.countOf(ctx, cut)
	if err != nil {
		return err
	}
	x := Explanation{
		Reason: pb.UsageReport_Explanation_VENDOR_FIGURE_EARLIER, ours: e.own, theirs: cut,
		Message: fmt.Sprintf("The vendor's figures are for the days up to %s. The archive also counts what came later.",
			e.claim.Date),
	}
	x.Figures = e.base.Minus(figures)
	e.add(e.masked(x))
	e.own, e.base = cut, figures
	return nil
}

// claimed returns the seconds that the claim is for, if the vendor counts in a zone.
func (e *explainer) claimed(zone *time.Location) archive.Span {
	span := e.count.Month.Span(zone)
	if !e.day.IsZero() {
		end := firstSecond(e.day.Year(), e.day.Month(), e.day.Day()+1, zone)
		span.To = max(min(span.To, end), span.From)
	}
	return span
}

// flipped returns the view that takes refused requests if ours does not, and the other way round.
func (e *explainer) flipped() view { return view{e.own.span, !e.own.failures} }

func (e *explainer) countOf(ctx context.Context, v view) (Figures, error) {
	missing := int64(0)
	if e.Rule.MissingUser {
		var err error
		if missing, err = e.noUser(ctx, v, 1); err != nil {
			return Figures{}, err
		}
	}
	return e.Ledger.count(ctx, v, missing > 0)
}

// errEnough ends a scan whose further rows are not needed.
var errEnough = errors.New("enough rows")

// noUser counts the rows of a view without a user, up to about a number. For the whole month, the archive has
// the number. Elsewhere, rows of erased viewers look the same, and count unless the month has none without a user.
func (e *explainer) noUser(ctx context.Context, v view, most int64) (n int64, err error) {
	month, held := e.count.Month.Span(e.Rule.Zone), e.count.counts.Issued.NoUser
	if v.failures {
		held = e.count.counts.All.NoUser
	}
	if v.span == month {
		return held, nil
	}
	parts := []archive.Span{v.span}
	if held == 0 {
		parts = uncovered(v.span, []archive.Span{month})
	}
	for _, part := range parts {
		err := e.Engine.Scan(ctx, e.question(view{part, v.failures}), archive.Above(part.To),
			func(rows []archive.Row) error {
				for _, r := range rows {
					if r.Person() == "" {
						n++
					}
				}
				if n >= most {
					return errEnough
				}
				return nil
			})
		if err != nil && !errors.Is(err, errEnough) {
			return 0, err
		}
	}
	return n, nil
}

// allFailures explains a claim that equals a count with the refused requests, or without them.
func (e *explainer) allFailures(ctx context.Context) error {
	other, err := e.countOf(ctx, e.flipped())
	if err != nil || e.differences(other) != (Figures{}) {
		return err
	}
	return e.failures(ctx)
}

// failures explains each figure that equals a count with the refused requests, or without them.
func (e *explainer) failures(ctx context.Context) error {
	other, err := e.countOf(ctx, e.flipped())
	if err != nil {
		return err
	}
	x := e.withFailures(other)
	for i, left := range e.differences(other) {
		if e.rest[i] == 0 || left != 0 || !e.claim.Has[i] {
			x.Figures[i] = 0
		}
	}
	e.add(x)
	return nil
}

// withFailures returns the explanation by the count of refused requests.
func (e *explainer) withFailures(other Figures) Explanation {
	x := Explanation{
		Reason: pb.UsageReport_Explanation_FAILURES_COUNTED, Figures: e.base.Minus(other),
		ours: e.own, theirs: e.flipped(),
	}
	n := max(x.Figures[Licenses], -x.Figures[Licenses])
	x.Message = fmt.Sprintf("The vendor's figure equals a count that includes %s.", plural(n, "refused request"))
	if e.own.failures {
		x.Message = fmt.Sprintf("The vendor's figure equals a count that leaves out %s.", plural(n, "refused request"))
	}
	return x
}

// usersWithoutID explains a number of users that differs by one because of rows without a user.
func (e *explainer) usersWithoutID(ctx context.Context) error {
	want, verb := int64(-1), "counts"
	if e.Rule.MissingUser {
		want, verb = 1, "leaves out"
	}
	if e.rest[Users] != want {
		return nil
	}
	missing, err := e.noUser(ctx, e.own, math.MaxInt64)
	if err != nil || missing == 0 {
		return err
	}
	e.add(Explanation{
		Reason: pb.UsageReport_Explanation_USERS_WITHOUT_ID, Figures: Figures{Users: want}, ours: e.own,
		Message: fmt.Sprintf("The vendor %s %s without a user as one user more.", verb, plural(missing, "license")),
	})
	return nil
}

// otherZone explains figures that equal those of the month in another time zone. It also tries both
// reasons at once: another zone, and the refused requests. Where the archive lacks rows, equal figures
// are a coincidence.
func (e *explainer) otherZone(ctx context.Context) error {
	if e.hasHole(e.own.span) {
		return nil
	}
	flipped, err := e.countOf(ctx, e.flipped())
	if err != nil {
		return err
	}
	tried := []archive.Span{e.own.span}
	for _, name := range zones {
		zone, err := time.LoadLocation(name)
		if err != nil {
			return err
		}
		span := e.claimed(zone)
		if slices.Contains(tried, span) || e.hasHole(span) {
			continue
		}
		tried = append(tried, span)
		for _, from := range []struct {
			view    view
			figures Figures
		}{{e.own, e.base}, {e.flipped(), flipped}} {
			to := view{span, from.view.failures}
			other, err := e.countOf(ctx, to)
			if err != nil {
				return err
			}
			if e.differences(other) != (Figures{}) {
				continue
			}
			if from.view != e.own {
				e.add(e.masked(e.withFailures(flipped)))
			}
			e.add(e.masked(Explanation{
				Reason: pb.UsageReport_Explanation_OTHER_TIME_ZONE, Figures: from.figures.Minus(other),
				ours: from.view, theirs: to,
				Message: fmt.Sprintf("The vendor's figure equals that of the month in the time zone %s instead of %s.",
					name, e.Rule.Zone),
			}))
			return nil
		}
	}
	return nil
}

// masked returns an explanation of the figures that the vendor names.
func (e *explainer) masked(x Explanation) Explanation {
	for i, has := range e.claim.Has {
		if !has {
			x.Figures[i] = 0
		}
	}
	return x
}

// drift explains differences in the direction in which the archive and the vendor are known to
// differ about final rows.
func (e *explainer) drift(context.Context) error {
	var archived, vendor int64
	for i, d := range e.Site.State.Drift {
		if overlap(d.Span, e.own.span) && !e.isPart(i) {
			archived, vendor = archived+d.Archived, vendor+d.Vendor
		}
	}
	x := Explanation{
		Reason: pb.UsageReport_Explanation_DRIFT, ours: e.own,
		Message: fmt.Sprintf("In a period that was final, the archive holds %s, and the vendor now shows %d. "+
			"GetArchive shows the drift.", plural(archived, "license request"), vendor),
	}
	for i, rest := range e.rest {
		if rest > 0 && archived > vendor || rest < 0 && archived < vendor {
			x.Figures[i] = rest
		}
	}
	if d := archived - vendor; d > 0 {
		x.Figures[Licenses] = min(x.Figures[Licenses], d)
	} else {
		x.Figures[Licenses] = max(x.Figures[Licenses], d)
	}
	e.add(x)
	return nil
}

// isPart reports whether drift i lies within another one, which then counts its rows, too.
func (e *explainer) isPart(i int) bool {
	inner := e.Site.State.Drift[i].Span
	return slices.ContainsFunc(e.Site.State.Drift, func(d archive.Drift) bool {
		return d.Span != inner && d.Span.From <= inner.From && inner.To <= d.Span.To
	})
}

func overlap(a, b archive.Span) bool { return a.From < b.To && b.From < a.To }

// incomplete explains what the vendor counts more by the gaps of the archive.
func (e *explainer) incomplete(context.Context) error {
	missing := uncovered(e.own.span, e.Site.Spans)
	if len(missing) == 0 {
		return nil
	}
	x := Explanation{
		Reason: pb.UsageReport_Explanation_INCOMPLETE_COVERAGE, ours: e.own,
		Message: "The archive is not complete for the month, so that the vendor may count requests that it lacks.",
	}
	for i, rest := range e.rest {
		x.Figures[i] = min(rest, 0)
	}
	e.add(x)
	return nil
}

// hasHole reports whether the archive lacks a part of a span that is older than the newest part it has.
func (e *explainer) hasHole(span archive.Span) bool {
	var newest int64
	for _, s := range e.Site.Spans {
		newest = max(newest, s.To)
	}
	return slices.ContainsFunc(uncovered(span, e.Site.Spans), func(gap archive.Span) bool { return gap.From < newest })
}

// uncovered returns the parts of a span that no other covers.
func uncovered(span archive.Span, spans []archive.Span) (gaps []archive.Span) {
	for _, s := range spans {
		if !overlap(s, span) {
			continue
		}
		if s.From > span.From {
			gaps = append(gaps, archive.Span{From: span.From, To: s.From})
		}
		span.From = s.To
	}
	if span.From < span.To {
		gaps = append(gaps, span)
	}
	return gaps
}

func (e *explainer) unexplained(context.Context) error {
	e.add(Explanation{
		Reason: pb.UsageReport_Explanation_UNEXPLAINED, Figures: e.rest,
		Message: "No known reason explains the rest. Ask the vendor for the rows that it counts.",
	})
	return nil
}

// plural returns a number with its noun.
func plural(n int64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
