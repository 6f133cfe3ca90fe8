package usage

import (
	"context"
	"fmt"
	"slices"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/archive"
)

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

// hasHole reports whether the archive lacks a part of a span that is older than the newest part it
// has.
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
