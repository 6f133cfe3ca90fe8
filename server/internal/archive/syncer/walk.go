package syncer

import (
	"context"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/archive"
)

// A walk reads one hole from its top down. The first walk of a pass reads the head before it.
//
// The vendor's list is newest first. So what it has shown down to a row is complete above that
// row's second. Where the list goes on below the hole, the hole is complete. Where the list ends,
// it may have been cut: the walk then looks for the newest stored row below the hole (contact), or
// reads the end of the list once more.
type walk struct {
	*run
	lo, hi int64 // of what is still to be filled
	end    int64 // the first second above the hole
	below  *archive.Span

	// contact is the newest second with rows of the span below, or 0. expected are its rows.
	contact  int64
	expected []archive.Row
	stored   []archive.Row // of the head and of what the pass before had read as the head

	top     bool // it reads the head, too
	heading bool // the head is being read
	head    []archive.Row
	rows    []archive.Row // of the hole, without those that are stored
	beneath []archive.Row // of the span below, down to contact
	older   bool          // a row was shown that is older than all of these
	oldest  int64         // the oldest second that was shown, or 0
	out     bool          // the budget is used up
}

// do reads the hole and stores it as far as it is complete.
func (w *walk) do(ctx context.Context) error {
	if err := w.prepare(ctx); err != nil {
		return err
	}
	filter := &pb.LicenseFilter{StartTime: w.start()}
	w.heading = w.top
	if !w.top {
		filter.EndTime = &timestamppb.Timestamp{Seconds: w.end + w.margin()}
	}
	ended, err := w.stream(ctx, filter, w.take)
	if err != nil {
		return err
	}
	if w.heading { // The list has no row below the head.
		if w.newest == 0 {
			w.fixHead(nil)
		}
		if err := w.storeHead(ctx, ended); err != nil {
			return err
		}
	}
	filled := w.filled
	if err := w.finish(ctx); err != nil {
		return err
	}
	if w.filled == filled && w.lo < w.hi && !w.out {
		w.vain(w.key())
	}
	return nil
}

// key is a number by which passes know the hole. The bottom of the lowest one moves.
func (w *walk) key() int64 {
	if w.below == nil {
		return 0
	}
	return w.lo
}

// prepare reads what is stored beside the hole.
func (w *walk) prepare(ctx context.Context) error {
	if w.below != nil {
		question := archive.Question{Sites: []string{w.Site}, Within: *w.below}
		newest, err := w.Engine.Search(ctx, question, archive.Above(w.below.To), 1)
		if err != nil {
			return err
		}
		if len(newest) > 0 {
			w.contact = newest[0].Second
			w.expected, err = w.Engine.Rows(ctx, w.Site, archive.Span{From: w.contact, To: w.contact + 1})
			if err != nil {
				return err
			}
		}
	}
	if !w.top {
		return nil
	}
	from := w.lo
	if w.state.Head > 0 {
		from = max(from, min(w.state.Head, w.began.Unix())-w.Settings.lag()-int64(maxSkew/time.Second))
	}
	var err error
	w.stored, err = w.Engine.Rows(ctx, w.Site, archive.Span{From: from, To: archive.MaxSecond + 1})
	return err
}

// margin is how many seconds more are asked for, of a vendor whose search takes days: its days may
// be those of another zone than its times.
func (w *walk) margin() int64 {
	if w.History.WholeDays {
		return day
	}
	return 0
}

// start returns the first second to ask for.
func (w *walk) start() *timestamppb.Timestamp {
	from := w.lo - day // A row that is older than the hole shows that the vendor still holds the hole.
	switch {
	case w.below != nil && w.drifted(): // The list must go on below the difference.
		return nil
	case w.contact != 0:
		from = w.contact - w.margin()
	case w.below != nil:
		from = max(from, w.below.From-w.margin())
	}
	return &timestamppb.Timestamp{Seconds: max(from, archive.MinSecond)}
}

// fixHead finds out how late it is at the vendor, and so where the head begins. It must not take a
// later time than that of the vendor's clock. An earlier one only makes the head longer.
func (w *walk) fixHead(first []archive.Row) {
	own := w.began.Unix()
	w.newest = w.began.Add(-min(maxSkew, w.Settings.Lag/2)).Unix()
	for _, row := range first {
		if row.Second <= own {
			w.newest = max(w.newest, row.Second)
		}
	}
	w.hi = max(w.newest-w.Settings.lag(), w.lo)
	w.end = w.hi
}

// take takes the rows of one message.
func (w *walk) take(ctx context.Context, rows []archive.Row) (stop bool, err error) {
	if w.heading && w.newest == 0 {
		w.fixHead(rows)
	}
	inHole := false
	for _, row := range rows {
		if w.heading && row.Second < w.hi {
			if err := w.storeHead(ctx, false); err != nil {
				return true, err
			}
		}
		if w.older {
			break
		}
		within, err := w.place(row)
		if err != nil {
			return true, err
		}
		inHole = inHole || within
	}
	if w.older {
		return true, nil
	}
	if inHole {
		w.used++
	}
	used := w.Budget > 0 && w.used >= w.Budget && inHole
	if len(w.rows) < w.chunk() && !used {
		return false, nil
	}
	filled, err := w.fillChunk(ctx)
	w.out = used && filled // One second can have more rows than the budget.
	return w.out, err
}

func (w *walk) chunk() int {
	if w.Chunk > 0 {
		return w.Chunk
	}
	return defaultChunk
}

// place puts a row where it belongs. It reports whether that is the hole.
func (w *walk) place(row archive.Row) (inHole bool, err error) {
	at := row.Second
	switch {
	case w.heading:
		w.head = append(w.head, row)
	case at >= w.end && !w.top: // It was asked for as a margin.
		return false, nil
	case at >= w.hi:
		return false, errList("the list of licenses is not newest first: a row of %s comes after older ones. "+
			"What was complete before it is kept", clock(at))
	case at >= w.lo:
		w.rows = append(w.rows, row)
		inHole = true
	case w.contact != 0 && at >= w.contact, w.contact == 0 && w.below != nil && at >= w.below.From:
		w.beneath = append(w.beneath, row)
	default:
		w.older = true
	}
	if w.oldest == 0 || at < w.oldest {
		w.oldest = at
	}
	return inHole, nil
}

// storeHead stores the rows of the head. They are not final.
func (w *walk) storeHead(ctx context.Context, ended bool) error {
	w.heading = false
	head := archive.Span{From: w.hi, To: archive.MaxSecond + 1}
	known := within(w.stored, head)
	lost := len(minus(known, w.head))
	cut := ended && lost > 0 && w.demanded()
	if (cut || len(known) >= believed && lost > len(known)/2) && w.state.Refused == 0 {
		w.doubt = true
		w.state.Refused++
		return errList("the vendor no longer shows %d of the newest %d rows, which may be a cut response: "+
			"nothing is removed unless the next pass sees the same", lost, len(known))
	}
	w.measure(w.head)
	return w.replace(ctx, archive.Replacement{Site: w.Site, Span: head, Rows: w.head})
}

// believed is the number of rows of a head up to which it may lose any number of them.
const believed = 100

// measure notes how late rows have appeared. A row that is new, and older than what the pass before
// had seen, appeared after that.
func (w *walk) measure(rows []archive.Row) {
	if w.state.Head == 0 {
		return
	}
	seen := archive.Span{From: w.state.Head - w.Settings.lag(), To: w.state.Head}
	for _, row := range minus(within(rows, seen), w.stored) {
		w.state.Lateness = max(w.state.Lateness, w.state.Head-row.Second)
	}
}

// fillChunk makes final what is complete: all above the second of the last row, which may go on.
func (w *walk) fillChunk(ctx context.Context) (filled bool, err error) {
	cut := w.oldestRow() + 1
	if cut >= w.hi {
		return false, nil
	}
	var whole, rest []archive.Row
	for _, row := range w.rows {
		if row.Second >= cut {
			whole = append(whole, row)
		} else {
			rest = append(rest, row)
		}
	}
	if err := w.fill(ctx, archive.Span{From: cut, To: w.hi}, whole); err != nil {
		return false, err
	}
	if w.top {
		w.measure(whole)
	}
	w.rows, w.hi = rest, cut
	return true, nil
}

// oldestRow returns the second of the oldest row of the hole that is not stored yet, or hi.
func (w *walk) oldestRow() int64 {
	oldest := w.hi
	for _, row := range w.rows {
		oldest = min(oldest, row.Second)
	}
	return oldest
}

// clock shows a second to people.
func clock(second int64) string { return time.Unix(second, 0).UTC().Format(time.RFC3339) }
