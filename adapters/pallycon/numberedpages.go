package pallycon

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"math"
	"net/url"
	"slices"
	"strconv"

	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/paging"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// numberedList is a list that the vendor cuts into numbered pages, in an order of its own that
// nothing is known of. A row that arrives while it is read can push another one onto the next page,
// so that it is seen twice.
//
// The guide does not say whether count is of all rows or of one page. It is of all where it is
// larger than the page; where it is not, a page that is not full is the last.
type numberedList[Row any] struct {
	adapter *Adapter
	call    call
	params  url.Values
	match   func(Row) (bool, error) // nil: every row is wanted
	total   int32                   // rows in all, once the vendor's count is known to be just that
	pages   []string                // the digests of those that were read in this pass
}

// pageCursor is the position in a numberedList: before a row of a page.
type pageCursor struct {
	// page_unit, which stays: with another one a page's number means other rows
	Unit   int    `json:"u"`
	Page   int    `json:"p,omitempty"` // from 0
	Row    int    `json:"r,omitempty"`
	Passed int    `json:"n,omitempty"` // rows of the pages before
	Before string `json:"d,omitempty"` // the digest of the page before
}

// begin is the place before the first row. A list in which not every row is wanted is read in the
// largest pages.
func (l *numberedList[Row]) begin(want int) pageCursor {
	if l.match != nil {
		want = maxUnit
	}
	return pageCursor{Unit: max(want, minUnit)}
}

// sane makes a place out of whatever a token held.
func (p pageCursor) sane() pageCursor {
	p.Unit = min(max(p.Unit, minUnit), maxUnit)
	p.Page, p.Passed, p.Row = min(max(p.Page, 0), math.MaxInt32), min(max(p.Passed, 0), math.MaxInt32), min(max(p.Row, 0), p.Unit)
	return p
}

// answer is the page that a request asks for, and the token of the next one.
func (l *numberedList[Row]) answer(ctx context.Context, req interface {
	paging.Request
	GetPageSize() int32
}) (rows []Row, token string, err error) {
	want := paging.Size(req.GetPageSize())
	at := l.begin(want)
	if _, err := paging.Resume(req, &at); err != nil {
		return nil, "", err
	}
	rows, next, err := l.next(ctx, at.sane(), want)
	if err != nil || next == nil {
		return rows, "", err
	}
	token, err = paging.Token(req, next)
	return rows, token, err
}

// next collects up to want rows from a place on, and where to go on; nil at the end. It reads a
// bounded number of pages.
func (l *numberedList[Row]) next(ctx context.Context, at pageCursor, want int) ([]Row, *pageCursor, error) {
	var taken []Row
	for range maxVendorPagesPerCall {
		p, err := l.page(ctx, at)
		if err != nil {
			return nil, nil, err
		}
		for ; at.Row < len(p.rows) && len(taken) < want; at.Row++ {
			wanted := true
			if l.match != nil {
				if wanted, err = l.match(p.rows[at.Row]); err != nil {
					return nil, nil, err
				}
			}
			if wanted {
				taken = append(taken, p.rows[at.Row])
			}
		}
		if at.Row < len(p.rows) {
			return taken, &at, nil
		}
		if p.last {
			return taken, nil, nil
		}
		at = pageCursor{Unit: at.Unit, Page: at.Page + 1, Passed: at.Passed + len(p.rows), Before: p.digest}
		if len(taken) == want {
			break
		}
	}
	return taken, &at, nil
}

// maxPasses bounds how often a list of several pages is read until two passes agree.
const maxPasses = 5

// all are all rows that match. Where a row of a page that was read goes, another slides into its
// place unseen, which would read as "not created": so several pages are read until two passes
// agree.
func (l *numberedList[Row]) all(ctx context.Context) ([]Row, error) {
	rows, err := l.once(ctx)
	for range maxPasses - 1 {
		if err != nil || len(l.pages) <= 1 {
			return rows, err
		}
		before := l.pages
		if rows, err = l.once(ctx); err == nil && slices.Equal(before, l.pages) {
			return rows, nil
		}
	}
	if err == nil {
		err = l.contradiction("it changed at each of several readings")
	}
	return nil, err
}

// once is one pass over the list, or an error where the list is longer than anybody would think.
func (l *numberedList[Row]) once(ctx context.Context) (rows []Row, err error) {
	const most = 100_000
	l.pages = nil
	for at := l.begin(maxUnit); at.Passed < most; {
		more, next, err := l.next(ctx, at, most)
		if err != nil {
			return nil, err
		}
		if rows = append(rows, more...); next == nil {
			return rows, nil
		}
		at = *next
	}
	return nil, l.contradiction(fmt.Sprintf("it does not end after %d rows", most))
}

type numberedPage[Row any] struct {
	rows   []Row
	digest string
	last   bool
}

func (l *numberedList[Row]) page(ctx context.Context, at pageCursor) (*numberedPage[Row], error) {
	l.params.Set("page_unit", strconv.Itoa(at.Unit))
	l.params.Set("page_index", strconv.Itoa(at.Page+l.adapter.config.PageIndexBase))
	answer, err := get[[]Row](ctx, l.adapter, l.call, l.params)
	if err != nil {
		return nil, err
	}
	p, count := &numberedPage[Row]{rows: answer.Data}, answer.Count
	if p.digest, err = digest(p.rows); err != nil {
		return nil, err
	}
	l.pages = append(l.pages, p.digest)
	rows := len(p.rows)
	switch {
	case rows > at.Unit:
		return nil, l.contradiction("it gives more rows than the page_unit asked for")
	case rows > 0 && p.digest == at.Before:
		return nil, l.contradiction("different pages hold the same rows: is page_index_base right?")
	case rows == 0 && at.Passed < count:
		return nil, l.contradiction(fmt.Sprintf("it counts %d rows, and ends after %d: is page_index_base right?", count, at.Passed))
	}
	// A page that is not full need not be the last one: the vendor may allow fewer rows than were
	// asked for.
	p.last = rows == 0 || rows < at.Unit && (count <= rows || at.Passed+rows >= count)
	if isTotal := count > rows || at.Page == 0 && p.last && count == rows; isTotal && l.match == nil && count <= math.MaxInt32 {
		l.total = int32(count)
	}
	return p, nil
}

func digest[Row any](rows []Row) (string, error) {
	text, err := json.Marshal(rows)
	if err != nil {
		return "", err
	}
	h := fnv.New64a()
	_, _ = h.Write(text)
	return strconv.FormatUint(h.Sum64(), 36), nil
}

func (l *numberedList[Row]) contradiction(text string) *apierror.Error {
	return apierror.New(codes.Internal, pb.ErrorReason_VENDOR_RESPONSE_INVALID, "PallyCon's list %s contradicts itself: %s", l.call.path, text)
}
