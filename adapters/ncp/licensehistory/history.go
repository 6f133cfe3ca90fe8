// Package licensehistory reads the license history of a NAVER Cloud site, so that every row comes
// exactly once.
//
// The history is a list, newest first, that the vendor cuts into numbered pages. Rows arrive at its
// start while it is read, and push all others back. Rows have no id, their times have whole
// seconds, and equal rows are real. So a place in the list cannot be named by a row or by a number.
//
// The vendor takes an endTime, which allows a pinned list: the rows up to and including one second.
// A row that arrives is at least as new as the newest row of the first page. So a list that is
// pinned at an older second does not change. Its pages keep their numbers, and several can be read
// at once. A vendor that includes endTime shows the second after the pin too, and that second must
// not change either. Therefore the newest pin lies two seconds before the newest row.
//
// The rows of the two newest seconds are the recent rows. They are read by themselves, all at one
// moment. Within one second, the vendor puts the latest row first. So the rows that the first call
// has seen are the last ones of the recent rows. A [Cursor] counts how many of them are still to
// come.
package licensehistory

import (
	"context"
	"fmt"
	"math"
	"slices"
	"sync/atomic"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

const (
	// PageSize is the number of rows to ask for with each page, and the most that the vendor
	// returns. Page numbers have the same meaning in all calls only if the size never changes.
	PageSize = 100
	// Unpinned is the pin that includes every row.
	Unpinned = math.MaxInt64
)

// A Row is one license. Two rows that show the same are equal.
type Row interface {
	comparable
	Second() int64 // when it was issued, in seconds since 1970
}

// A Page is one page of the vendor's. Total is the number of all rows, or that of the rows on this
// page, or 0: the API pages differ.
type Page[R Row] struct {
	Rows  []R
	Total int32
}

// A Match is what a filter decides about a row.
type Match int

// What a filter can decide.
const (
	Skip Match = iota // the row is not wanted
	Keep              // the row is wanted
	Stop              // this row and all older ones are not wanted
)

// A Reader reads one list of licenses.
type Reader[R Row] struct {
	// ReadPage reads a page, numbered from 1, of the rows up to and including the second pin.
	ReadPage func(ctx context.Context, pin int64, number int) (*Page[R], error)
	Match    func(row *R) Match
	// Concurrency is how many pages are read at once.
	Concurrency int
	// Habits is what is known of the vendor's pages.
	Habits *Habits
	// Eager makes Next return what the first pages with a wanted row hold. Otherwise it reads on
	// until it has as many rows as the caller wants.
	Eager bool
}

// Habits is what the pages of a vendor have shown so far. It is safe for concurrent use.
type Habits struct {
	// full is set once the vendor has filled a page. Until then, a page with fewer rows than asked
	// for may be the last one, or as large as the vendor's pages get.
	full atomic.Bool
	// counts is set once the vendor has shown that it looks at the number of a page.
	counts atomic.Bool
	// ends is set once the vendor has shown an empty page after the last one. Two equal pages of
	// one second are then real.
	ends atomic.Bool
}

// A Cursor is a position in the list. The zero Cursor is the start.
type Cursor struct {
	Stage stage `json:"g,omitempty"`
	// Second is the newest second of the recent rows, or the pin.
	Second int64 `json:"s,omitempty"`
	// Owed is how many of the recent rows are still to come.
	Owed int `json:"o,omitempty"`
	// Page is the number, from 1, of the next page of the pinned list.
	Page int `json:"p,omitempty"`
	// Passed is how many rows of Second have been passed, counted from Page on.
	Passed int `json:"d,omitempty"`
	// Total is how many rows there were at the start, or 0 if the vendor does not say.
	Total int32 `json:"t,omitempty"`
	// Empty reports that the vendor showed no row at all. It is set only at the end of a list, so
	// it is part of no token.
	Empty bool `json:"-"`
}

// EmptyList returns the cursor at the end of a list without rows.
func EmptyList() Cursor { return Cursor{Stage: stageDone, Empty: true} }

// AtStart reports whether the cursor is before the first row.
func (c Cursor) AtStart() bool { return c.Stage == stageStart }

// Done reports whether the cursor is after the last row.
func (c Cursor) Done() bool { return c.Stage == stageDone }

// A stage is a part of the list. Page tokens hold its number.
type stage int

const (
	stageStart  stage = iota // before the first row
	stageRecent              // in the two newest seconds
	stagePinned              // below them
	stageDone                // after the last row
)

const (
	// maxPagesPerCall bounds the pinned pages that one call reads. A call that has not found enough
	// rows by then returns a cursor to continue from.
	maxPagesPerCall = 40
	maxRecentPages  = 60 // that is 6000 licenses in two seconds
	maxRecentReads  = 6  // of recent rows that grow while their pages are read
	recentPause     = 250 * time.Millisecond
	pagesPerMessage = 10 // a message holds 1000 rows
	// tinyPage is a size that a page has only if it is the last one.
	tinyPage = 10
	farAway  = 10_000 // pages
)

// Next returns up to want rows from a cursor on, and the cursor after them.
func (r Reader[R]) Next(ctx context.Context, at Cursor, want int) ([]R, Cursor, error) {
	c := &collector[R]{Reader: r, want: want, total: at.Total, left: maxPagesPerCall}
	var err error
	if at = at.clamped(); at.Stage == stageStart || at.Stage == stageRecent {
		at, err = c.collectRecent(ctx, at)
	}
	for err == nil && at.Stage == stagePinned && c.left > 0 && !c.enough() {
		at, err = c.collectPinned(ctx, at)
	}
	if err != nil {
		return nil, Cursor{}, err
	}
	at.Total = c.total
	return c.kept, at, nil
}

// clamped returns a usable cursor for whatever a token held.
func (c Cursor) clamped() Cursor {
	c.Stage = min(max(c.Stage, stageStart), stageDone)
	const most = math.MaxInt32 // A larger number would overflow where it is added to.
	c.Owed, c.Page, c.Passed = min(max(c.Owed, 0), most), min(max(c.Page, 1), most), min(max(c.Passed, 0), most)
	return c
}

// A collector holds what one call has collected.
type collector[R Row] struct {
	Reader[R]
	want  int
	kept  []R
	total int32
	left  int // how many pinned pages the call may still read

	second int64 // of the last row passed
	passed int   // how many rows of that second have been passed
}

// enough reports whether the call can return.
func (c *collector[R]) enough() bool {
	return len(c.kept) == c.want || c.Eager && len(c.kept) > 0
}

// collect passes rows until it has kept as many as are wanted. It returns how many it has passed,
// and whether the filter wants no further row.
func (c *collector[R]) collect(rows []R) (n int, stopped bool) {
	c.kept = slices.Grow(c.kept, min(len(rows), c.want-len(c.kept)))
	for ; n < len(rows) && len(c.kept) < c.want; n++ {
		switch c.Match(&rows[n]) {
		case Keep:
			c.kept = append(c.kept, rows[n])
		case Stop:
			return n, true
		}
		if second := rows[n].Second(); second != c.second {
			c.second, c.passed = second, 0
		}
		c.passed++
	}
	return n, false
}

// isLast reports whether a page is known to be the last one.
func (r Reader[R]) isLast(p *Page[R]) bool {
	if len(p.Rows) >= PageSize {
		r.Habits.full.Store(true)
		return false
	}
	return len(p.Rows) == 0 || r.Habits.full.Load()
}

func errRowsVanished() *apierror.Error {
	return errContradiction("its list of licenses shrank while it was read: start again without page_token")
}

func errContradiction(format string, args ...any) *apierror.Error {
	return apierror.New(codes.Internal, pb.ErrorReason_VENDOR_RESPONSE_INVALID,
		"NAVER Cloud's response contradicts itself: %s", fmt.Sprintf(format, args...))
}

func errUnstable(format string, args ...any) *apierror.Error {
	return apierror.New(codes.Unavailable, pb.ErrorReason_VENDOR_UNAVAILABLE, format, args...)
}
