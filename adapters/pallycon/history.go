package pallycon

import (
	"cmp"
	"context"
	"hash/fnv"
	"slices"
	"strings"

	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// The license history is a list, newest first, that the vendor cuts into numbered pages. While it
// is read, rows arrive at its head and push all others back, by a number that nobody tells. Rows
// have no id, and equal rows are real. A walk therefore never trusts a position. It remembers the
// second (reg_time) of the last row that it passed, and how many rows of that second it still owes.
// A row that arrives later is at least as new as the newest row of the first page, and of one
// second's rows the vendor puts the later first, so what is owed are always the last rows of their
// second. Positions only say where to look: they can only have moved back, so that a look at the
// old place shows rows too many, never too few.

// cursor is where a walk stands: before the last Owed rows of Second. The zero cursor stands at the
// head of the list.
type cursor struct {
	Second string `json:"s,omitempty"`
	Owed   int    `json:"o,omitempty"`
	// Offset is a position in the vendor's list, counted from 0, that is not behind the next row.
	Offset int `json:"p,omitempty"`
	// Anchor replaces Owed within a second of so many rows that no page shows its end: the digests
	// of the last rows passed.
	Anchor []uint32 `json:"a,omitempty"`
}

const (
	// rows read beyond those needed, to see the end of the last one's second
	lookAhead = 32
	// more are found by anchor, so that a page holds them and leaves room to go on
	maxOwed    = 300
	anchorSize = 8
	// pages that repeat the one before: once or twice, as many rows may have arrived as the pages
	// lie apart
	maxRepeatedPages = 3
	// bounds the vendor's pages for one of ours; a walk that has not found enough by then goes on
	// with the next token
	maxVendorPagesPerCall = 12
)

// pager reads one list of licenses. read asks the vendor for a page by page_unit and by the
// page's number, from 0.
type pager struct {
	read  func(ctx context.Context, unit, number int) ([]licenseRow, error)
	match func(row *licenseRow) verdict
	// answer what one of the vendor's pages gave, rather than read on for as many rows as are
	// wanted
	eager bool
}

// verdict is what a filter says of a row.
type verdict int

const (
	pass verdict = iota // not wanted
	take                // wanted
	stop                // neither this row nor any older one is wanted
)

// page is the part of the vendor's list that one read has shown.
type page struct {
	rows   []licenseRow
	offset int  // of the first row
	last   bool // the list ends here
}

// next collects up to want rows from at on, and where to go on; nil at the end.
func (w pager) next(ctx context.Context, at cursor, want int) ([]licenseRow, *cursor, error) {
	var taken []licenseRow
	began, need := at, want
	wide := false // the widest page has been asked for
	var before *page
	repeats := 0
	for range maxVendorPagesPerCall {
		p, err := w.page(ctx, at.Offset, need+at.Owed+len(at.Anchor)+lookAhead)
		if err != nil {
			return nil, nil, err
		}
		if !p.repeats(before) {
			repeats = 0
		} else if repeats++; repeats == maxRepeatedPages {
			return nil, nil, contradiction("different pages hold the same rows: is page_index_base right?")
		}
		before = p
		begin, found, err := at.find(p)
		if err != nil {
			return nil, nil, err
		}
		if !found { // rows that arrived have pushed ours out of this page
			at.Offset = p.offset + len(p.rows) - cmp.Or(at.Owed, len(at.Anchor), 1)
			need = maxUnit // or we would never catch up with them
			continue
		}
		end := p.sound()
		if end <= begin && !p.last {
			if !wide { // too small a page to see the end of a second
				at.Offset, need, wide = p.offset+begin-len(at.Anchor), maxUnit, true
				continue
			}
			end = len(p.rows)
		}
		i := begin
		for ; i < end && len(taken) < want; i++ {
			switch w.match(&p.rows[i]) {
			case take:
				taken = append(taken, p.rows[i])
			case stop:
				return taken, nil, nil
			}
		}
		if i == len(p.rows) && p.last {
			return taken, nil, nil
		}
		at = p.cursor(i)
		wide = false
		if need = want - len(taken); need == 0 || w.eager && len(taken) > 0 {
			break
		}
	}
	if len(taken) == 0 && at.Offset == began.Offset && at.Second == began.Second && began.Second != "" {
		return nil, nil, contradiction("its pages do not lead on from where the list was left")
	}
	return taken, &at, nil
}

func (w pager) page(ctx context.Context, offset, need int) (*page, error) {
	unit, number := window(max(offset, 0), need)
	rows, err := w.read(ctx, unit, number)
	if err != nil {
		return nil, err
	}
	if len(rows) > unit {
		return nil, contradiction("more rows than the page_unit asked for")
	}
	for i := 1; i < len(rows); i++ {
		if rows[i].RegTime > rows[i-1].RegTime {
			return nil, contradiction("the rows are not in order, newest first")
		}
	}
	return &page{rows, unit * number, len(rows) < unit}, nil
}

// repeats reports whether a page begins like the one before it, though it is another: the vendor then
// does not count pages as we do.
func (p *page) repeats(before *page) bool {
	if before == nil || before.offset == p.offset {
		return false
	}
	n := min(len(p.rows), len(before.rows))
	return n > 1 && slices.Equal(p.rows[:n], before.rows[:n])
}

// sane makes a cursor out of whatever a token held.
func (c cursor) sane() cursor {
	c.Offset, c.Owed = max(c.Offset, 0), min(max(c.Owed, 0), maxOwed)
	c.Anchor = c.Anchor[:min(len(c.Anchor), anchorSize)]
	return c
}

// find is the index of the next row in a page.
func (c cursor) find(p *page) (int, bool, error) {
	if c.Second == "" {
		return 0, true, nil
	}
	if len(c.Anchor) > 0 {
		return c.findAnchor(p)
	}
	end := slices.IndexFunc(p.rows, func(r licenseRow) bool { return r.RegTime < c.Second })
	if end < 0 && !p.last {
		return 0, false, nil
	}
	if end < 0 {
		end = len(p.rows)
	}
	if end < c.Owed {
		return 0, false, contradiction("rows that were there are gone: the list shrank while it was read; begin again without a page_token")
	}
	return end - c.Owed, true, nil
}

func (c cursor) findAnchor(p *page) (int, bool, error) {
	var digests []uint32
	for i := range p.rows {
		digests = append(digests, p.rows[i].digest())
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
		return 0, false, contradiction("too many equal rows in one second to tell where the list was left: choose a narrower filter")
	case matches == 0 && (p.last || len(p.rows) > 0 && p.rows[0].RegTime < c.Second):
		return 0, false, contradiction("rows that were there are gone: the list changed while it was read; begin again without a page_token")
	}
	return begin, matches == 1, nil
}

// sound is the end of the rows whose whole second the page shows.
func (p *page) sound() int {
	end := len(p.rows)
	if p.last || end == 0 {
		return end
	}
	for second := p.rows[end-1].RegTime; end > 0 && p.rows[end-1].RegTime == second; {
		end--
	}
	return end
}

// cursor stands before the row at i, which is not the first.
func (p *page) cursor(i int) cursor {
	c := cursor{Second: p.rows[i-1].RegTime, Offset: p.offset + i}
	rest := i
	for rest < len(p.rows) && p.rows[rest].RegTime == c.Second {
		rest++
	}
	c.Owed = rest - i
	if ends := rest < len(p.rows) || p.last; !ends || c.Owed > maxOwed {
		from := max(0, i-anchorSize)
		c.Owed, c.Offset = 0, p.offset+from
		for j := from; j < i; j++ {
			c.Anchor = append(c.Anchor, p.rows[j].digest())
		}
	}
	return c
}

func (r *licenseRow) digest() uint32 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(strings.Join([]string{
		r.CID, r.Status, r.ErrorCode, r.DRMType, r.UserID, r.DeviceID, r.DeviceModel, r.LicenseType, r.PlatformName, r.RegTime,
	}, "\x00")))
	return h.Sum32()
}

func contradiction(text string) *apierror.Error {
	return apierror.New(codes.Internal, pb.ErrorReason_VENDOR_RESPONSE_INVALID, "PallyCon's license history contradicts itself: %s", text)
}
