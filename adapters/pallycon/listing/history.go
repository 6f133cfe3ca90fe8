// Package listing reads PallyCon's lists: the license history, the packaging history, and the lists
// of numbered pages. A reader takes a function that reads one of the vendor's pages.
package listing

import (
	"cmp"
	"context"
	"slices"

	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// The license history is a list, newest first, that the vendor cuts into numbered pages. Rows
// arrive at its start while it is read. They push all others back, by a number that is unknown.
// Rows have no id, and equal rows are real.
//
// So a reader never trusts a position. Its cursor holds the second (reg_time) of the last row that
// it passed, and how many rows of that second are still to come. A row that arrives later is at
// least as new as the newest row of the first page. Within one second, the vendor puts the latest
// row first. So the rows still to come are always the last ones of their second.
//
// A position only says where to look. Rows can only have moved back, so the page at the old
// position holds the next row or rows before it, and skips none.

// A HistoryRow is one license.
type HistoryRow interface {
	comparable
	Second() string // reg_time
	Digest() uint32 // of all that the row holds
}

// A Cursor is a position in the history: before the last Owed rows of Second. The zero Cursor is
// the start of the list.
type Cursor struct {
	Second string `json:"s,omitempty"`
	Owed   int    `json:"o,omitempty"`
	// Offset is a position in the vendor's list, counted from 0, that is not after the next row.
	Offset int `json:"p,omitempty"`
	// Anchor replaces Owed if Second has so many rows that no page shows its end. It holds the
	// digests of the last rows passed.
	Anchor []uint32 `json:"a,omitempty"`
}

const (
	// lookAhead is how many rows are read beyond those needed, to see the end of the last second.
	lookAhead = 32
	// maxOwed is the largest Owed. More rows are found by Anchor, so that one page can hold them
	// and further rows.
	maxOwed    = 300
	anchorSize = 8
	// maxRepeatedPages is how many pages in a row may begin like the page before. This happens once
	// or twice if exactly as many rows have arrived as the pages lie apart.
	maxRepeatedPages = 3
	// maxVendorPagesPerCall bounds the vendor's pages that one call reads. A call that has not
	// found enough rows by then returns a cursor to continue from.
	maxVendorPagesPerCall = 12
)

// A History reads one list of licenses.
type History[R HistoryRow] struct {
	// ReadPage reads a page by its page_unit and its number, from 0.
	ReadPage func(ctx context.Context, unit, number int) ([]R, error)
	Match    func(row *R) Match
	// Eager makes Next return what the first page with a wanted row holds. Otherwise it reads on
	// until it has as many rows as the caller wants.
	Eager bool
}

// A Match is what a filter decides about a row.
type Match int

// What a filter can decide.
const (
	Skip Match = iota // the row is not wanted
	Keep              // the row is wanted
	Stop              // this row and all older ones are not wanted
)

// A page is the part of the vendor's list that one read has shown.
type page[R HistoryRow] struct {
	rows   []R
	offset int  // of the first row
	last   bool // the list ends here
}

// Next returns up to want rows from a cursor on, and the cursor after them, or nil at the end.
func (h History[R]) Next(ctx context.Context, at Cursor, want int) ([]R, *Cursor, error) {
	p := pager[R]{History: h, at: at.clamped(), want: want, need: want}
	began := p.at
	for range maxVendorPagesPerCall {
		done, err := p.step(ctx)
		if err != nil {
			return nil, nil, err
		}
		if done {
			return p.kept, nil, nil
		}
		if p.need == 0 || h.Eager && len(p.kept) > 0 {
			return p.kept, &p.at, nil
		}
	}
	if len(p.kept) == 0 && p.at.Offset == began.Offset && p.at.Second == began.Second && began.Second != "" {
		return nil, nil, HistoryContradiction("its pages do not lead on from where the list was left")
	}
	return p.kept, &p.at, nil
}

// A pager holds what one call of Next has read.
type pager[R HistoryRow] struct {
	History[R]
	at      Cursor
	want    int
	need    int // how many rows to read next
	kept    []R
	widened bool // the largest page has been asked for
	// restarted is whether the list was read again from its start, with the largest page.
	restarted bool
	before    *page[R] // the page before
	repeats   int      // how many pages in a row began like the one before
}

// step reads one page and passes its rows. It reports whether no further row is wanted.
func (h *pager[R]) step(ctx context.Context) (done bool, err error) {
	p, err := h.page(ctx, h.at.Offset, h.need+h.at.Owed+len(h.at.Anchor)+lookAhead)
	if err != nil {
		return false, err
	}
	if again, err := h.checkRepeats(p); again || err != nil {
		return false, err
	}
	begin, found, err := p.find(h.at)
	if err != nil {
		return false, err
	}
	if !found { // rows that arrived have pushed the next row out of this page
		h.at.Offset = p.offset + len(p.rows) - cmp.Or(h.at.Owed, len(h.at.Anchor), 1)
		h.need = MaxUnit // smaller pages may never reach the next row
		return false, nil
	}
	end := p.completeSeconds()
	if end <= begin && !p.last {
		if !h.widened { // the page was too small to show the end of a second
			h.at.Offset, h.need, h.widened = p.offset+begin-len(h.at.Anchor), MaxUnit, true
			return false, nil
		}
		end = len(p.rows)
	}
	h.kept = slices.Grow(h.kept, max(min(end-begin, h.want-len(h.kept)), 0))
	i := begin
	for ; i < end && len(h.kept) < h.want; i++ {
		switch h.Match(&p.rows[i]) {
		case Keep:
			h.kept = append(h.kept, p.rows[i])
		case Stop:
			return true, nil
		}
	}
	if i == len(p.rows) && p.last {
		return true, nil
	}
	h.at, h.need, h.widened = p.cursor(i), h.want-len(h.kept), false
	return false, nil
}

// checkRepeats returns an error if too many pages in a row begin like the page before. The vendor
// may ignore the number of the page. Then its largest page may show the next row, and is read next.
func (h *pager[R]) checkRepeats(p *page[R]) (again bool, err error) {
	before := h.before
	h.before = p
	if !p.repeats(before) {
		h.repeats = 0
		return false, nil
	}
	if h.repeats++; h.repeats == maxRepeatedPages {
		return false, HistoryContradiction("different pages hold the same rows: is page_index_base right?")
	}
	if h.restarted || h.at.Offset > MaxUnit {
		return false, nil
	}
	h.at.Offset, h.need, h.restarted = 0, MaxUnit, true
	return true, nil
}

func (h History[R]) page(ctx context.Context, offset, need int) (*page[R], error) {
	unit, number := window(max(offset, 0), need)
	rows, err := h.ReadPage(ctx, unit, number)
	if err != nil {
		return nil, err
	}
	if len(rows) > unit {
		return nil, HistoryContradiction("more rows than the page_unit asked for")
	}
	for i := 1; i < len(rows); i++ {
		if rows[i].Second() > rows[i-1].Second() {
			return nil, HistoryContradiction("the rows are not in order, newest first")
		}
	}
	return &page[R]{rows, unit * number, len(rows) < unit}, nil
}

// repeats reports whether a page begins like the page before, although its position differs. Then
// the vendor may count pages in another way.
func (p *page[R]) repeats(before *page[R]) bool {
	if before == nil || before.offset == p.offset {
		return false
	}
	n := min(len(p.rows), len(before.rows))
	return n > 1 && slices.Equal(p.rows[:n], before.rows[:n])
}

// clamped returns a usable cursor for whatever a token held.
func (c Cursor) clamped() Cursor {
	c.Offset, c.Owed = max(c.Offset, 0), min(max(c.Owed, 0), maxOwed)
	c.Anchor = c.Anchor[:min(len(c.Anchor), anchorSize)]
	return c
}

// find returns the index of the row after a cursor, and whether the page shows it.
func (p *page[R]) find(c Cursor) (int, bool, error) {
	if c.Second == "" {
		return 0, true, nil
	}
	if len(c.Anchor) > 0 {
		return p.findAnchor(c)
	}
	end := slices.IndexFunc(p.rows, func(r R) bool { return r.Second() < c.Second })
	if end < 0 && !p.last {
		return 0, false, nil
	}
	if end < 0 {
		end = len(p.rows)
	}
	if end < c.Owed {
		return 0, false, HistoryContradiction("rows that were there are gone: the list shrank while it was read; " +
			"begin again without a page_token")
	}
	return end - c.Owed, true, nil
}

func (p *page[R]) findAnchor(c Cursor) (int, bool, error) {
	var digests []uint32
	for i := range p.rows {
		digests = append(digests, p.rows[i].Digest())
	}
	begin, matches := 0, 0
	for i := 0; i+len(c.Anchor) <= len(digests); i++ {
		if slices.Equal(digests[i:i+len(c.Anchor)], c.Anchor) {
			begin = i + len(c.Anchor)
			matches++
		}
	}
	switch {
	case matches > 1:
		return 0, false, HistoryContradiction("too many equal rows in one second to tell where the list was left: " +
			"choose a narrower filter")
	case matches == 0 && (p.last || len(p.rows) > 0 && p.rows[0].Second() < c.Second):
		return 0, false, HistoryContradiction("rows that were there are gone: the list changed while it was read; " +
			"begin again without a page_token")
	}
	return begin, matches == 1, nil
}

// completeSeconds returns how many rows belong to seconds that the page shows to their end.
func (p *page[R]) completeSeconds() int {
	end := len(p.rows)
	if p.last || end == 0 {
		return end
	}
	for second := p.rows[end-1].Second(); end > 0 && p.rows[end-1].Second() == second; {
		end--
	}
	return end
}

// cursor returns the cursor before the row at i, which is not the first.
func (p *page[R]) cursor(i int) Cursor {
	c := Cursor{Second: p.rows[i-1].Second(), Offset: p.offset + i}
	rest := i
	for rest < len(p.rows) && p.rows[rest].Second() == c.Second {
		rest++
	}
	c.Owed = rest - i
	if ends := rest < len(p.rows) || p.last; !ends || c.Owed > maxOwed {
		from := max(0, i-anchorSize)
		c.Owed, c.Offset = 0, p.offset+from
		for j := from; j < i; j++ {
			c.Anchor = append(c.Anchor, p.rows[j].Digest())
		}
	}
	return c
}

// HistoryContradiction returns the error of a license history that cannot be true.
func HistoryContradiction(text string) *apierror.Error {
	return apierror.New(codes.Internal, pb.ErrorReason_VENDOR_RESPONSE_INVALID,
		"PallyCon's license history contradicts itself: %s", text)
}
