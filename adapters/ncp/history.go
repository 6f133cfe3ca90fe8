package ncp

import (
	"context"
	"sync/atomic"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// The license history is a list, newest first, that the vendor cuts into numbered pages. While it
// is read, rows arrive at its head and push all others back. Rows have no id, their times have
// whole seconds, and equal rows are real: a place in the list can be remembered neither by a row
// nor by a number.
//
// But the vendor takes an endTime. A row that arrives is at least as new as the newest one that the
// first page showed; so the rows up to and with any older second, "pinned" there, are a list that
// does not change, whose pages can be numbered, and read several at once. Since a vendor that
// searches endTime itself shows the second behind the pin too, which must not change either, pins
// begin two seconds below the newest.
//
// The rows of these two newest seconds, the head, are read by themselves, in one piece. Of one
// second's rows the vendor puts the later first, so those that were there when the first page was
// read are the last rows of the head: a walk remembers how many of them it still owes.

// cursor is where a walk stands. The zero cursor is the beginning of the list.
type cursor struct {
	Stage stage `json:"g,omitempty"`
	// Second is the newest one of the head; or, in the body, the one at which the list is pinned.
	Second int64 `json:"s,omitempty"`
	// Owed is how many rows of the head are still to come.
	Owed int `json:"o,omitempty"`
	// Page is the page of the pinned list to go on with, from 1, and Passed how many rows of Second
	// have been passed, counted from that page on.
	Page   int `json:"p,omitempty"`
	Passed int `json:"d,omitempty"`
	// Total is how many rows there were at the beginning, as far as the vendor told.
	Total int32 `json:"t,omitempty"`
	// Empty says that the vendor showed no row at all. It belongs to the end of a list, and stands
	// in no token.
	Empty bool `json:"-"`
}

// stage is the part of the list that a walk is in.
type stage int

const (
	begin stage = iota // before the first row
	head               // in the two newest seconds
	body               // below them
	over               // behind the last row
)

const (
	// bounds the vendor's pages for one of ours; a walk that has not found enough by then goes on
	// with the next token
	pagesPerCall = 40
	headPages    = 60 // bounds those of the head: 6000 licenses in two seconds
	headReadings = 6  // of a head that grows between its pages
	headPause    = 250 * time.Millisecond
	messagePages = 10 // of a message of 1000 rows
)

// walker reads one list of licenses.
type walker struct {
	// read asks for a page, numbered from 1, of the rows up to and with the second pin.
	read  func(ctx context.Context, pin int64, page int) (*page, error)
	match func(row *licenseRow) verdict
	// atOnce is how many pages are read at once.
	atOnce int
	// fullPages says whether the vendor has been seen to fill a page. Until then one with fewer
	// rows than asked for may be the last, or all that the vendor gives at once.
	fullPages *atomic.Bool
	// answer what the first of the vendor's pages gave, rather than read on for as many rows as are
	// wanted
	eager bool
}

// page is a page of the vendor's. Total is how many rows there are in all, or on this page, or 0:
// the API pages differ.
type page struct {
	rows  []licenseRow
	total int32
}

// verdict is what a filter says of a row.
type verdict int

const (
	pass verdict = iota // not wanted
	take                // wanted
	stop                // neither this row nor any older one is wanted
)

// next collects up to want rows from at on, and tells where to go on.
func (w walker) next(ctx context.Context, at cursor, want int) ([]licenseRow, cursor, error) {
	g := &collector{walker: w, want: want, total: at.Total}
	var err error
	if at = at.sane(); at.Stage == begin || at.Stage == head {
		at, err = g.head(ctx, at)
	}
	if err == nil && at.Stage == body && !g.enough() {
		at, err = g.body(ctx, at)
	}
	if err != nil {
		return nil, cursor{}, err
	}
	at.Total = g.total
	return g.taken, at, nil
}

// sane makes a cursor out of whatever a token held.
func (c cursor) sane() cursor {
	c.Stage = min(max(c.Stage, begin), over)
	c.Owed, c.Page, c.Passed = max(c.Owed, 0), max(c.Page, 1), max(c.Passed, 0)
	return c
}

// collector is what one call has collected.
type collector struct {
	walker
	want  int
	taken []licenseRow
	total int32

	second int64 // of the last row passed
	passed int   // how many rows of that second have been
}

// enough reports whether there is something to answer.
func (g *collector) enough() bool {
	return len(g.taken) == g.want || g.eager && len(g.taken) > 0
}

// take passes rows until there are as many as are wanted, and tells how many it has passed, and
// whether all wanted ones.
func (g *collector) take(rows []licenseRow) (n int, stopped bool) {
	for ; n < len(rows) && len(g.taken) < g.want; n++ {
		switch g.match(&rows[n]) {
		case take:
			g.taken = append(g.taken, rows[n])
		case stop:
			return n, true
		}
		if rows[n].second != g.second {
			g.second, g.passed = rows[n].second, 0
		}
		g.passed++
	}
	return n, false
}

// isLast reports whether a page is known to be the last one.
func (w walker) isLast(p *page) bool {
	if len(p.rows) >= pageSize {
		w.fullPages.Store(true)
		return false
	}
	return len(p.rows) == 0 || w.fullPages.Load()
}

func errRowsVanished() *apierror.Error {
	return invalid("licenses that were there are gone: the list shrank while it was read; begin again without a page_token")
}

func errUnstable(format string, args ...any) *apierror.Error {
	return apierror.New(codes.Unavailable, pb.ErrorReason_VENDOR_UNAVAILABLE, format, args...)
}
