package usage

import (
	"context"
	"errors"
	"fmt"
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

// noUser counts the rows of a view without a user, up to about a number. For the whole month, the
// archive has the number. Elsewhere, rows of erased viewers look the same, and count unless the
// month has none without a user.
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

// masked returns an explanation of the figures that the vendor names.
func (e *explainer) masked(x Explanation) Explanation {
	for i, has := range e.claim.Has {
		if !has {
			x.Figures[i] = 0
		}
	}
	return x
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
