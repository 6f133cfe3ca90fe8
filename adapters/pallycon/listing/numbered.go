package listing

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"math"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/paging"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// A Numbered reads a list that the vendor cuts into numbered pages, in an unknown order. A row that
// arrives while it is read can push another one to the next page. Such a row is known by its
// content.
//
// The guide does not say whether count is of all rows or of one page. A count larger than the page
// is of all rows. Otherwise, a page that is not full is the last one.
//
// A page without a new row is the end: the vendor shows its last page again, or ignores the number
// of the page. If count says that there are more rows, one page of the largest size may show them.
type Numbered[R any] struct {
	// Name is the list's name in messages.
	Name string
	// ReadPage reads a page by its page_unit and its number, from 0, and returns its count too.
	ReadPage func(ctx context.Context, unit, number int) (rows []R, count int, err error)
	// Match reports whether a row is wanted. If it is nil, every row is.
	Match func(R) (bool, error)
	// Check returns why a wanted row cannot be returned. If it is nil, every row can.
	Check func(R) error

	total int32    // of all rows, or 0 while it is unknown
	pages []string // the digests of the pages that this pass has read
	hides bool     // count says that there are rows that no page shows
}

// A PageCursor is a position in a Numbered list: before a row of a page.
type PageCursor struct {
	// Unit is the page_unit. It never changes, since a page's number means other rows with another
	// page_unit.
	Unit   int    `json:"u"`
	Page   int    `json:"p,omitempty"` // from 0
	Row    int    `json:"r,omitempty"`
	Passed int    `json:"n,omitempty"` // rows of the pages before
	First  string `json:"f,omitempty"` // the digest of the list's first row
	Last   string `json:"l,omitempty"` // the digest of the last row of the page before
}

// Total returns the number of all rows, or 0 if it is unknown.
func (l *Numbered[R]) Total() int32 { return l.total }

// Start returns the cursor before the first row. If not every row is wanted, the pages are as large
// as possible.
func (l *Numbered[R]) Start(want int) PageCursor {
	if l.Match != nil {
		want = MaxUnit
	}
	return PageCursor{Unit: max(want, minUnit)}
}

// clamped returns a usable cursor for whatever a token held.
func (c PageCursor) clamped() PageCursor {
	c.Unit = min(max(c.Unit, minUnit), MaxUnit)
	c.Page = min(max(c.Page, 0), math.MaxInt32)
	c.Passed = min(max(c.Passed, 0), math.MaxInt32)
	c.Row = min(max(c.Row, 0), maxRows)
	return c
}

// Page returns the page that a request asks for, and the token of the next one.
func (l *Numbered[R]) Page(ctx context.Context, req interface {
	paging.Request
	GetPageSize() int32
}) (rows []R, token string, err error) {
	want := paging.Size(req.GetPageSize())
	at := l.Start(want)
	if _, err := paging.Resume(req, &at); err != nil {
		return nil, "", err
	}
	rows, next, err := l.Next(ctx, at, want)
	if err != nil || next == nil {
		return rows, "", err
	}
	token, err = paging.Token(req, next)
	return rows, token, err
}

// Next returns up to want rows from a cursor on, and the cursor after them, or nil at the end. It
// reads a bounded number of pages.
func (l *Numbered[R]) Next(ctx context.Context, at PageCursor, want int) ([]R, *PageCursor, error) {
	var kept []R
	at = at.clamped()
	for range maxVendorPagesPerCall {
		p, err := l.page(ctx, at)
		if err != nil {
			return nil, nil, err
		}
		for at.Row = max(at.Row, p.known); at.Row < len(p.rows) && len(kept) < want; at.Row++ {
			wanted, err := l.wants(p.rows[at.Row])
			if err != nil {
				return nil, nil, err
			}
			if wanted {
				kept = append(kept, p.rows[at.Row])
			}
		}
		if at.Row < len(p.rows) {
			return kept, &at, nil
		}
		if p.isLast {
			return kept, nil, nil
		}
		at = p.next(at)
		if len(kept) == want {
			break
		}
	}
	return kept, &at, nil
}

// wants reports whether a row is wanted, and fails if a wanted row cannot be returned.
func (l *Numbered[R]) wants(row R) (wanted bool, err error) {
	wanted = true
	if l.Match != nil {
		wanted, err = l.Match(row)
	}
	if err == nil && wanted && l.Check != nil {
		err = l.Check(row)
	}
	return wanted, err
}

const (
	// maxPasses bounds how often a list of several pages is read until two passes agree.
	maxPasses = 5
	// maxRows bounds the length of a list that is read whole.
	maxRows = 100_000
)

// All returns all rows that match. If a row goes whose page has been read, another row moves into
// its place unseen. The caller would take that row for one that was never created. So a list of
// several pages is read until two passes agree.
func (l *Numbered[R]) All(ctx context.Context) ([]R, error) {
	rows, err := l.pass(ctx)
	for range maxPasses - 1 {
		if err != nil || len(l.pages) <= 1 {
			return rows, err
		}
		before := l.pages
		if rows, err = l.pass(ctx); err == nil && slices.Equal(before, l.pages) {
			return rows, nil
		}
	}
	if err == nil {
		err = l.contradiction("it changed at each of several readings")
	}
	return nil, err
}

// pass reads the list once.
func (l *Numbered[R]) pass(ctx context.Context) (rows []R, err error) {
	l.pages, l.hides = nil, false
	for at := l.Start(MaxUnit); at.Passed < maxRows; {
		more, next, err := l.Next(ctx, at, maxRows)
		if err != nil {
			return nil, err
		}
		rows = append(rows, more...)
		switch {
		case next == nil && l.hides:
			// A row that is not shown would be taken for one that does not exist.
			return nil, l.contradiction("different pages hold the same rows: is page_index_base right?")
		case next == nil:
			return rows, nil
		}
		at = *next
	}
	return nil, l.contradiction(fmt.Sprintf("it does not end after %d rows", maxRows))
}

type numberedPage[R any] struct {
	rows        []R
	known       int    // how many rows at its beginning were passed before
	first, last string // the digests of two rows
	isLast      bool
	widens      bool // the largest page may show rows that this page does not
}

// next returns the cursor after a page.
func (p *numberedPage[R]) next(at PageCursor) PageCursor {
	if p.widens {
		return PageCursor{Unit: MaxUnit, Row: at.Passed, First: at.First, Last: at.Last}
	}
	return PageCursor{
		Unit: at.Unit, Page: at.Page + 1, Passed: at.Passed + len(p.rows),
		First: cmp.Or(at.First, p.first), Last: p.last,
	}
}

func (l *Numbered[R]) page(ctx context.Context, at PageCursor) (*numberedPage[R], error) {
	all, count, err := l.ReadPage(ctx, at.Unit, at.Page)
	if err != nil {
		return nil, err
	}
	p := &numberedPage[R]{rows: all}
	digests, err := p.digests()
	if err != nil {
		return nil, err
	}
	l.pages = append(l.pages, strings.Join(digests, " "))
	rows := len(p.rows)
	if rows == 0 && at.Passed < count {
		return nil, l.contradiction(fmt.Sprintf("it counts %d rows, and ends after %d: is page_index_base right?",
			count, at.Passed))
	}
	p.findKnown(at, digests)
	// A page that is not full need not be the last one: the vendor may allow fewer rows than were
	// asked for. A page that is larger is the whole list.
	passed := at.Passed + rows
	switch {
	case rows > 0 && p.known == rows: // no new row
		p.widens = count > max(at.Passed, rows) && at.Unit < MaxUnit
		p.isLast = !p.widens
		l.hides = l.hides || p.isLast && count > max(at.Passed, rows)
	case rows < at.Unit:
		p.isLast = rows == 0 || count <= rows || passed >= count
	default:
		p.isLast = rows > at.Unit || count > rows && passed >= count
	}
	isTotal := count > rows || at.Page == 0 && p.isLast && count == rows
	if isTotal && l.Match == nil && count <= math.MaxInt32 {
		l.total = int32(count)
	}
	return p, nil
}

// digests returns the digests of all rows.
func (p *numberedPage[R]) digests() ([]string, error) {
	all := make([]string, len(p.rows))
	for i, row := range p.rows {
		var err error
		if all[i], err = digest(row); err != nil {
			return nil, err
		}
	}
	if len(all) > 0 {
		p.first, p.last = all[0], all[len(all)-1]
	}
	return all, nil
}

// findKnown finds the rows that were passed before. These are all rows up to the last one of the
// page before. If the page begins as the list does, all its rows are known.
func (p *numberedPage[R]) findKnown(at PageCursor, digests []string) {
	for i, d := range slices.Backward(digests) {
		if d == at.Last {
			p.known = i + 1
			return
		}
	}
	if at.Page > 0 && p.first == at.First {
		p.known = len(digests)
	}
}

func digest(row any) (string, error) {
	text, err := json.Marshal(row)
	if err != nil {
		return "", err
	}
	h := fnv.New64a()
	_, _ = h.Write(text)
	return strconv.FormatUint(h.Sum64(), 36), nil
}

func (l *Numbered[R]) contradiction(text string) *apierror.Error {
	return apierror.New(codes.Internal, pb.ErrorReason_VENDOR_RESPONSE_INVALID,
		"PallyCon's list %s contradicts itself: %s", l.Name, text)
}
