package syncer

import (
	"context"
	"fmt"
	"slices"

	"google.golang.org/protobuf/types/known/timestamppb"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/archive"
)

// finish decides how far the hole is complete.
func (w *walk) finish(ctx context.Context) error {
	if w.out {
		w.more = true
		return nil
	}
	if w.lo >= w.hi {
		return w.whole(ctx)
	}
	reached := w.older || w.contact != 0 && len(w.beneath) > 0
	switch {
	case reached && w.below != nil:
		return w.touch(ctx)
	case reached:
		return w.whole(ctx)
	case w.demanded():
		return w.unreached(ctx)
	}
	return w.atEnd(ctx)
}

// whole makes the rest of the hole final.
func (w *walk) whole(ctx context.Context) error {
	if w.top {
		w.measure(w.rows)
	}
	delete(w.tries, w.key())
	return w.fill(ctx, archive.Span{From: w.lo, To: w.hi}, w.rows)
}

// touch compares what the vendor shows below the hole with what is final there. A difference is
// drift, and leaves the hole open until another pass sees the same: a late row must not keep it
// open for good.
func (w *walk) touch(ctx context.Context) error {
	if same(w.beneath, w.expected) || w.raise(w.difference()) {
		return w.whole(ctx)
	}
	return w.keep(ctx, w.hi)
}

// bottom returns where the rows begin that are compared below the hole.
func (w *walk) bottom() int64 {
	if w.contact != 0 {
		return w.contact
	}
	return w.below.From
}

func (w *walk) difference() archive.Drift {
	return archive.Drift{
		Span:     archive.Span{From: w.bottom(), To: w.lo},
		Detected: w.now(),
		Archived: int64(len(w.expected)),
		Vendor:   int64(len(w.beneath)),
	}
}

// drifted reports whether a pass before has seen a difference below the hole.
func (w *walk) drifted() bool {
	span := archive.Span{From: w.bottom(), To: w.lo}
	return slices.ContainsFunc(w.state.Drift, func(d archive.Drift) bool { return d.Span == span })
}

// demanded reports whether the vendor must still show the newest row below the hole.
func (w *walk) demanded() bool {
	if w.contact == 0 || w.contact < w.state.Oldest {
		return false
	}
	return w.History.Retention == 0 || w.contact >= w.kept()
}

// unreached finds out why the list ended before the newest row below the hole: the response was
// cut, the vendor has deleted that row, or it has forgotten all rows of that time.
func (w *walk) unreached(ctx context.Context) error {
	if err := w.keep(ctx, w.hi); err != nil {
		return err
	}
	older, err := w.readBelow(ctx)
	switch {
	case err != nil:
		return err
	case older && !same(w.beneath, w.expected):
		w.raise(w.difference())
		return nil
	case !older && w.contact < w.kept() && w.triedEnough(maxEmpty):
		w.state.Oldest = w.contact + 1
		return nil
	case !w.top:
		return nil
	}
	w.vain(w.key())
	return errList("the vendor's list ends before %s, of which the archive holds %d rows. The response may be cut: "+
		"nothing became final, and the next pass reads it again", clock(w.contact+1), len(w.expected))
}

// readBelow reads the vendor's rows from below the hole on, and reports whether there are older
// ones than those that are compared.
func (w *walk) readBelow(ctx context.Context) (older bool, err error) {
	w.beneath = nil
	filter := &pb.LicenseFilter{EndTime: &timestamppb.Timestamp{Seconds: w.lo + w.margin()}}
	_, err = w.stream(ctx, filter, func(_ context.Context, rows []archive.Row) (bool, error) {
		w.beneath = append(w.beneath, within(rows, archive.Span{From: w.contact, To: w.lo})...)
		older = slices.ContainsFunc(rows, func(row archive.Row) bool { return row.Second < w.contact })
		return older, nil
	})
	return older, err
}

// maxEmpty is in how many passes in a row the vendor must show nothing before it is believed. Where
// it shows rows, two passes suffice.
const maxEmpty, maxEnds = 3, 2

// triedEnough reports whether this pass is at least the given one that has seen the same.
func (w *walk) triedEnough(times int) bool {
	t := w.tries[w.key()]
	return t != nil && t.times+1 >= times
}

// atEnd makes final what the vendor is known to hold, where its list ended and nothing older was
// shown. At first it only stores the rows, since the response may be cut. A later pass must see the
// same end.
func (w *walk) atEnd(ctx context.Context) error {
	times := maxEnds
	if w.oldest == 0 {
		times = maxEmpty
	}
	sure := w.triedEnough(times)
	if sure {
		var err error
		if sure, err = w.confirm(ctx); err != nil {
			return err
		}
	}
	if !sure {
		return w.keep(ctx, w.hi)
	}
	from := w.kept()
	if w.oldest != 0 {
		from = min(from, w.oldest+1)
	}
	from = min(max(from, w.lo), w.hi)
	stored, err := w.Engine.Rows(ctx, w.Site, archive.Span{From: from, To: w.hi})
	if err != nil {
		return err
	}
	for _, row := range minus(stored, w.rows) { // The vendor may have forgotten them.
		from = max(from, row.Second+1)
	}
	if from == w.lo {
		return w.whole(ctx)
	}
	w.state.Oldest = from
	if err := w.keep(ctx, from); err != nil {
		return err
	}
	if w.top {
		w.measure(w.rows)
	}
	span := archive.Span{From: from, To: w.hi}
	return w.fill(ctx, span, within(w.rows, span))
}

// keep stores the rows below a second that were shown, and keeps those that are there.
func (w *walk) keep(ctx context.Context, before int64) error {
	shown := within(w.rows, archive.Span{From: w.lo, To: before})
	if len(shown) == 0 {
		return nil
	}
	oldest := shown[0].Second
	for _, row := range shown {
		oldest = min(oldest, row.Second)
	}
	span := archive.Span{From: oldest, To: before}
	stored, err := w.Engine.Rows(ctx, w.Site, span)
	if err != nil {
		return err
	}
	all := append(slices.Clone(shown), minus(stored, shown)...)
	return w.replace(ctx, archive.Replacement{Site: w.Site, Span: span, Rows: all})
}

// confirm reports whether the vendor's list ends where it ended: it is read once more, from its
// last rows on. They must come again, and nothing older.
func (w *walk) confirm(ctx context.Context) (bool, error) {
	filter := &pb.LicenseFilter{StartTime: w.start()}
	if w.oldest != 0 {
		filter.EndTime = &timestamppb.Timestamp{Seconds: w.oldest + 1 + w.margin()}
	}
	again, others := 0, 0
	_, err := w.stream(ctx, filter, func(_ context.Context, rows []archive.Row) (bool, error) {
		for _, row := range rows {
			switch {
			case row.Second == w.oldest:
				again++
			case row.Second < w.oldest, w.oldest == 0:
				others++
			}
		}
		return others > 0, nil
	})
	return others == 0 && (again > 0) == (w.oldest != 0), err
}

// raise adds a difference to those that the archive shows. It reports whether it was there already.
func (r *run) raise(d archive.Drift) (known bool) {
	switch {
	case d.Vendor > d.Archived:
		d.Message = fmt.Sprintf("The vendor shows %d rows more in this time than when the time became final. "+
			"The archive lacks them. If rows appear this late, set archive.lag above their delay.", d.Vendor-d.Archived)
	case d.Vendor < d.Archived:
		d.Message = fmt.Sprintf("The vendor no longer shows %d rows of this time. The archive keeps them. "+
			"Ask the vendor why.", d.Archived-d.Vendor)
	default:
		d.Message = "The vendor shows other rows in this time than when it became final. " +
			"The archive keeps what it holds. Ask the vendor why."
	}
	r.state.Drift, known = addDrift(r.state.Drift, d)
	return known
}

// maxDrift bounds how many differences are kept.
const maxDrift = 20

func addDrift(all []archive.Drift, d archive.Drift) (_ []archive.Drift, known bool) {
	all = slices.Clone(all)
	for i, old := range all {
		if old.Span == d.Span {
			known = old.Vendor == d.Vendor && old.Archived == d.Archived
			d.Detected = old.Detected
			all[i] = d
			return all, known
		}
	}
	all = append([]archive.Drift{d}, all...)
	return all[:min(len(all), maxDrift)], false
}
