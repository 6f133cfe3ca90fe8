package syncer

import (
	"context"
	"hash/maphash"
	"math/rand/v2"
	"slices"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/archive"
)

const (
	// checkEvery is the time between two checks of a site.
	checkEvery = 7 * 24 * time.Hour
	// sampled is how many days a check reads.
	sampled = 3
)

// A tally is the number of rows, and a digest that does not depend on their order.
type tally struct {
	count  int64
	digest uint64
}

func (t *tally) add(seed maphash.Seed, rows []archive.Row) {
	for _, row := range rows {
		t.count++
		t.digest += maphash.Comparable(seed, bare(row))
	}
}

// CheckIfDue compares a sample of final days with what the vendor shows now, once a week.
func (p *Pass) CheckIfDue(ctx context.Context) error {
	site, err := p.Engine.Site(ctx, p.Site)
	if err != nil {
		return err
	}
	if site.State.Checked.IsZero() { // What was read just now needs no check.
		site.State.Checked = p.now()
		return p.setState(ctx, site.State)
	}
	if p.now().Sub(site.State.Checked) < checkEvery {
		return nil
	}
	return p.Check(ctx)
}

// Check compares a sample of final days with what the vendor shows now, and the times of earlier
// differences. A difference is drift. What is final stays as it is.
func (p *Pass) Check(ctx context.Context) error {
	r := &run{Pass: p, began: p.now()}
	var err error
	if r.site, err = p.Engine.Site(ctx, p.Site); err != nil {
		return err
	}
	r.state = r.site.State
	r.state.Hear()
	r.forgetDrift()
	days := r.sample()
	for _, d := range append(days, r.knownDifferences(days)...) {
		if err := r.compare(ctx, d); err != nil {
			return err
		}
	}
	r.state.Checked = p.now()
	return p.setState(ctx, r.state)
}

// sample returns final days that the vendor still shows: the newest, and others by chance.
func (r *run) sample() (some []archive.Span) {
	var all []archive.Span
	from := r.shownFrom()
	for _, s := range r.site.Spans {
		for at := (max(s.From, from) + day - 1) / day * day; at+day <= s.To; at += day {
			all = append(all, archive.Span{From: at, To: at + day})
		}
	}
	if len(all) <= sampled {
		return all
	}
	last := len(all) - 1
	rand.Shuffle(last, func(i, j int) { all[i], all[j] = all[j], all[i] }) //nolint:gosec // It only spreads the reads.
	return append(all[:sampled-1:sampled-1], all[last])
}

// shownFrom returns the second from which on the vendor is taken to show all rows.
func (r *run) shownFrom() int64 {
	from := max(r.state.Oldest, archive.MinSecond)
	if r.History.Retention > 0 {
		from = max(from, r.kept()+day)
	}
	return from
}

// knownDifferences returns the times of the known differences that the vendor still shows, and that
// are not among these days.
func (r *run) knownDifferences(days []archive.Span) (some []archive.Span) {
	from := r.shownFrom()
	for _, d := range r.state.Drift {
		if d.Span.From >= from && !slices.Contains(days, d.Span) {
			some = append(some, d.Span)
		}
	}
	return some
}

// forgetDrift removes the differences of a time whose rows are no longer kept.
func (r *run) forgetDrift() {
	from := r.Settings.forgotten(r.began)
	r.state.Drift = slices.DeleteFunc(slices.Clone(r.state.Drift), func(d archive.Drift) bool {
		return d.Span.From < from
	})
}

// compare reads a time from the vendor and from the archive.
func (r *run) compare(ctx context.Context, s archive.Span) error {
	seed := maphash.MakeSeed()
	var stored, shown tally
	question := archive.Question{Sites: []string{r.Site}, Within: s}
	err := r.Engine.Scan(ctx, question, archive.Above(s.To), func(rows []archive.Row) error {
		stored.add(seed, rows)
		return nil
	})
	if err != nil {
		return err
	}
	older := false
	filter := &pb.LicenseFilter{
		StartTime: &timestamppb.Timestamp{Seconds: max(s.From-day, archive.MinSecond)},
		EndTime:   &timestamppb.Timestamp{Seconds: s.To + day},
	}
	ended, err := r.stream(ctx, filter, func(_ context.Context, rows []archive.Row) (bool, error) {
		shown.add(seed, within(rows, s))
		for _, row := range rows {
			older = older || row.Second < s.From
		}
		return older, nil
	})
	switch {
	case err != nil:
		return err
	case shown == stored:
		r.clear(s)
	case ended && shown.count == 0 && r.History.Retention == 0: // It seems to have forgotten the day.
	default:
		r.raise(archive.Drift{Span: s, Detected: r.now(), Archived: stored.count, Vendor: shown.count})
	}
	return nil
}

// clear takes a difference back that is gone.
func (r *run) clear(s archive.Span) {
	var left []archive.Drift
	for _, d := range r.state.Drift {
		if d.Span != s {
			left = append(left, d)
		}
	}
	r.state.Drift = left
}
