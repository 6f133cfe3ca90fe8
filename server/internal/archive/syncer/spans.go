package syncer

import (
	"slices"
	"time"

	"github.com/drmhub/drmhub/server/internal/archive"
)

// holes returns what spans leave open of a range, the newest first.
func holes(spans []archive.Span, of archive.Span) (open []archive.Span) {
	to := of.To
	for _, s := range slices.Backward(spans) {
		if s.To < to && s.To < of.To {
			if from := max(s.To, of.From); from < to {
				open = append(open, archive.Span{From: from, To: to})
			}
		}
		if to = min(to, s.From); to <= of.From {
			return open
		}
	}
	return append(open, archive.Span{From: of.From, To: to})
}

// join adds a span to spans, which stay sorted and do not touch.
func join(spans []archive.Span, s archive.Span) []archive.Span {
	var all []archive.Span
	for _, old := range spans {
		if old.To < s.From || old.From > s.To {
			all = append(all, old)
			continue
		}
		s = archive.Span{From: min(s.From, old.From), To: max(s.To, old.To)}
	}
	all = append(all, s)
	slices.SortFunc(all, func(a, b archive.Span) int { return int(a.From - b.From) })
	return all
}

func (s Settings) lag() int64 { return int64((s.Lag + time.Second - 1) / time.Second) }

// floor returns the second that the archive of a site shall reach back to.
func (s Settings) floor(state archive.State, now time.Time) int64 {
	floor := now.Add(-s.Backfill).Unix()
	if state.Since != 0 {
		floor = min(floor, state.Since)
	}
	return max(floor, s.forgotten(now), archive.MinSecond)
}

// forgotten returns the second before which no row is kept.
func (s Settings) forgotten(now time.Time) int64 { return now.Add(-s.Keep).Unix() }

// Remaining returns how much license history no pass has read yet, of what the archive of a site
// shall hold and the vendor still shows.
func (s Settings) Remaining(site archive.Site, now time.Time) time.Duration {
	site.State.Hear()
	top := site.State.Head - s.lag()
	if n := len(site.Spans); n > 0 {
		top = site.Spans[n-1].To
	}
	from := max(s.floor(site.State, now), site.State.Oldest)
	if from >= top {
		return 0
	}
	var seconds int64
	for _, hole := range holes(site.Spans, archive.Span{From: from, To: top}) {
		seconds += hole.To - hole.From
	}
	return time.Duration(seconds) * time.Second
}

// Finish estimates when the rest will be read. It is zero without an estimate.
func Finish(state archive.State, remaining time.Duration, now time.Time) time.Time {
	f := state.Fill
	if remaining <= 0 || f.Seconds <= 0 || f.Took <= 0 {
		return time.Time{}
	}
	took := remaining.Seconds() / float64(f.Seconds) * f.Took.Seconds()
	if took > 10*365*day {
		return time.Time{}
	}
	return now.Add(time.Duration(took * float64(time.Second)))
}
