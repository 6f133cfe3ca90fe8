package usage

import (
	"context"
	"slices"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/archive"
)

// A Disputed is a row that two counts treat differently.
type Disputed struct {
	Reason pb.UsageReport_Explanation_Reason
	Row    archive.Row
}

// Disputed returns how many rows the explanations of one figure are about, and the newest of them.
func (l Ledger) Disputed(ctx context.Context, figure int, why []Explanation, sample int) (
	count int64, newest []Disputed, err error,
) {
	for _, x := range why {
		if x.Figures[figure] == 0 {
			continue
		}
		n, rows, err := l.disputed(ctx, figure, x, sample)
		if err != nil {
			return 0, nil, err
		}
		count += n
		for _, r := range rows {
			newest = append(newest, Disputed{x.Reason, r})
		}
	}
	slices.SortStableFunc(newest, func(a, b Disputed) int { return int(b.Row.Second - a.Row.Second) })
	return count, newest[:min(sample, len(newest))], nil
}

// disputed returns the number of rows behind one explanation, and the newest of them.
func (l Ledger) disputed(ctx context.Context, figure int, x Explanation, sample int) (int64, []archive.Row, error) {
	s := selector{Ledger: l, sample: sample}
	var err error
	switch x.Reason {
	case pb.UsageReport_Explanation_FAILURES_COUNTED, pb.UsageReport_Explanation_OTHER_TIME_ZONE,
		pb.UsageReport_Explanation_VENDOR_FIGURE_EARLIER:
		err = s.between(ctx, figure, x.ours, x.theirs)
	case pb.UsageReport_Explanation_USERS_WITHOUT_ID:
		err = s.scan(ctx, x.ours, func(r archive.Row) bool { return r.User == "" && r.UserMD5 == "" })
	case pb.UsageReport_Explanation_INCOMPLETE_COVERAGE:
		for _, gap := range slices.Backward(uncovered(x.ours.span, l.Site.Spans)) {
			if err = s.scan(ctx, view{gap, x.ours.failures}, everyRow); err != nil {
				break
			}
		}
	case pb.UsageReport_Explanation_DRIFT:
		err = s.scan(ctx, x.ours, func(r archive.Row) bool {
			return slices.ContainsFunc(l.Site.State.Drift, func(d archive.Drift) bool {
				return d.Span.From <= r.Second && r.Second < d.Span.To
			})
		})
	}
	return s.count, s.rows, err
}

func everyRow(archive.Row) bool { return true }

// A selector counts rows and keeps the newest ones.
type selector struct {
	Ledger
	sample int
	count  int64
	rows   []archive.Row
}

// scan takes the rows of a view for which a condition holds.
func (s *selector) scan(ctx context.Context, v view, holds func(archive.Row) bool) error {
	if v.span.From >= v.span.To {
		return nil
	}
	return s.Engine.Scan(ctx, s.question(v), archive.Above(v.span.To), func(rows []archive.Row) error {
		for _, r := range rows {
			if !holds(r) {
				continue
			}
			if s.count++; len(s.rows) < s.sample {
				s.rows = append(s.rows, r)
			}
		}
		return nil
	})
}

// between takes the rows that make two views differ. For licenses, these are the rows of one view
// alone. For users and devices, they are the rows of those that one view alone has.
func (s *selector) between(ctx context.Context, figure int, a, b view) error {
	both := view{
		archive.Span{From: min(a.span.From, b.span.From), To: max(a.span.To, b.span.To)}, a.failures || b.failures,
	}
	if figure == Licenses {
		return s.scan(ctx, both, func(r archive.Row) bool { return a.has(r) != b.has(r) })
	}
	const inA, inB = 1, 2
	seen := map[string]byte{}
	whose := func(r archive.Row) string { return r.Device }
	if figure == Users {
		whose = func(r archive.Row) string { return r.Person() }
	}
	first := selector{Ledger: s.Ledger}
	err := first.scan(ctx, both, func(r archive.Row) bool {
		if a.has(r) {
			seen[whose(r)] |= inA
		}
		if b.has(r) {
			seen[whose(r)] |= inB
		}
		return false
	})
	if err != nil {
		return err
	}
	return s.scan(ctx, both, func(r archive.Row) bool {
		id := whose(r)
		counts := id != "" || figure == Users && s.Rule.MissingUser
		return counts && seen[id] != inA|inB && (a.has(r) || b.has(r))
	})
}
