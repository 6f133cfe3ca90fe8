package usage

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/archive"
)

// zones are those that a vendor may count in: UTC, those of the vendors, and the largest of the
// operators' countries.
var zones = []string{
	"UTC", "Asia/Seoul", "America/Los_Angeles", "America/New_York", "Europe/London", "Europe/Berlin",
	"Asia/Kolkata", "Asia/Singapore", "Australia/Sydney",
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
// reasons at once: another zone, and the refused requests. Where the archive lacks rows, equal
// figures are a coincidence.
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
