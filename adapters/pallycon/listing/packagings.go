package listing

import (
	"cmp"
	"context"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// The packaging history has no page numbers. It has two parameters, last_created_time_cid and
// last_update_time, after which "the response will contain the data that is later than the
// settings". This is taken to mean later by created_time and, at an equal created_time, later by
// update_time. The rows have that order too. Rows in another order are refused.
//
// Rows with exactly these times cannot be asked for, and the vendor's page may end within a second.
// So a list continues from one second before the last row that it passed. It leaves out the rows
// before that row, and as many rows with its very times as it has passed.
//
// How many rows the vendor's page holds is unknown. The list ends where a page shows nothing new,
// unless the page was too small. It also ends where the vendor ignores the parameters, and shows
// the same page again. If more rows have the very same times than a page holds, the rest cannot be
// read at all. That is an error as soon as the vendor's count or a later row shows it.

// A PackagingRow is one packaged track. Times returns the two times that it is listed by.
type PackagingRow interface {
	Times() (created, update string)
}

// Packagings reads one site's packaging history.
type Packagings[R PackagingRow] struct {
	// ReadAfter reads the rows that are later than two times, or the first rows if these are empty.
	ReadAfter func(ctx context.Context, created, update string) (rows []R, count int, err error)
	Match     func(R) bool
}

// A PackagingCursor is a position in a packaging history: after the row with these times, and after
// Passed rows that have both. The zero PackagingCursor is the start.
type PackagingCursor struct {
	Created string `json:"c"`
	Update  string `json:"u"`
	Passed  int    `json:"n"`
	Most    int    `json:"m"` // the largest page that the vendor has been seen to give
}

// Valid reports whether a token held a cursor.
func (c PackagingCursor) Valid() bool {
	return isSecond(c.Created) && isSecond(c.Update) && c.Passed > 0
}

// Next returns up to want rows, and moves the cursor after the last row that it passed. It reports
// whether there may be more.
func (l Packagings[R]) Next(ctx context.Context, at *PackagingCursor, want int) (kept []R, more bool, err error) {
	for reads := 0; reads < maxVendorPagesPerCall && len(kept) < want; reads++ {
		rows, err := l.following(ctx, at)
		if err != nil || len(rows) == 0 {
			return kept, false, err
		}
		for _, r := range rows {
			if len(kept) == want {
				return kept, true, nil
			}
			at.pass(r)
			if l.Match(r) {
				kept = append(kept, r)
			}
		}
	}
	return kept, true, nil
}

// following returns rows after a cursor, or none at the end.
func (l Packagings[R]) following(ctx context.Context, at *PackagingCursor) ([]R, error) {
	before := 0 // how many rows the vendor counts after the times tried before
	for _, s := range at.starts() {
		rows, count, err := l.ReadAfter(ctx, s.created, s.update)
		if err != nil {
			return nil, err
		}
		fresh, err := rowsAfter(at, rows)
		if err != nil {
			return nil, err
		}
		count = max(count, len(rows)) // it may be of this page, or left out
		if len(fresh) == 0 && count == len(rows) && ignores(s, rows) {
			return nil, nil
		}
		if s.last && before-count != at.Passed {
			return nil, PackagingsContradiction("more rows have the same times than its pages hold, " +
				"so that some cannot be read: choose a content_id")
		}
		// Otherwise the page may have been too small to show what is new.
		if s.last || len(fresh) > 0 || len(rows) < max(at.Most, 1) {
			at.Most = max(at.Most, len(rows))
			return fresh, nil
		}
		before = count
	}
	return nil, nil
}

// A start is what to ask the vendor with.
type start struct {
	created, update string
	last            bool // there is nothing else to ask with
}

// starts returns what to ask with, in this order, until a page shows something new or is known to
// be large enough:
//
//   - One second before both of the cursor's times. This also suits a vendor that wants either time
//     to be later.
//   - One second before the cursor's update time.
//   - The cursor's own times. The vendor then counts fewer rows than before, by the rows with these
//     very times. If these are not the rows passed, no page shows the others.
func (c *PackagingCursor) starts() []start {
	if c.Created == "" {
		return []start{{}}
	}
	return []start{
		{created: secondBefore(c.Created), update: secondBefore(c.Update)},
		{created: c.Created, update: secondBefore(c.Update)},
		{created: c.Created, update: c.Update, last: true},
	}
}

// ignores reports whether the vendor ignored what it was asked with: its page begins with a row
// that is earlier in both times. Asked with the times of a row, the vendor may also include that
// row.
func ignores[R PackagingRow](s start, page []R) bool {
	if s.created == "" || len(page) == 0 {
		return false
	}
	created, update := page[0].Times()
	return created < s.created && update < s.update || s.last && created <= s.created && update <= s.update
}

// rowsAfter returns the rows of a page that are after the cursor.
func rowsAfter[R PackagingRow](c *PackagingCursor, rows []R) ([]R, error) {
	begin, left := 0, c.Passed
	for i, r := range rows {
		created, update := r.Times()
		if !isSecond(created) || !isSecond(update) {
			return nil, PackagingsContradiction("a time is not yyyyMMddHHmmss")
		}
		if i > 0 {
			if createdBefore, updateBefore := rows[i-1].Times(); compareTimes(r, createdBefore, updateBefore) < 0 {
				return nil, PackagingsContradiction("the rows are not sorted by created_time and then by update_time")
			}
		}
		if order := compareTimes(r, c.Created, c.Update); order < 0 || order == 0 && left > 0 {
			begin = i + 1
			if order == 0 {
				left--
			}
		}
	}
	return rows[begin:], nil
}

// pass moves the cursor after the next row.
func (c *PackagingCursor) pass(r PackagingRow) {
	if compareTimes(r, c.Created, c.Update) != 0 {
		c.Created, c.Update = r.Times()
		c.Passed = 0
	}
	c.Passed++
}

func compareTimes(r PackagingRow, created, update string) int {
	c, u := r.Times()
	return cmp.Or(cmp.Compare(c, created), cmp.Compare(u, update))
}

const secondFormat = "20060102150405"

func isSecond(s string) bool {
	_, err := time.Parse(secondFormat, s)
	return err == nil
}

// secondBefore ignores changes of the clock, so that what it returns sorts before s.
func secondBefore(s string) string {
	t, _ := time.Parse(secondFormat, s) // s is a second
	return t.Add(-time.Second).Format(secondFormat)
}

// PackagingsContradiction returns the error of a packaging history that cannot be true.
func PackagingsContradiction(text string) *apierror.Error {
	return apierror.New(codes.Internal, pb.ErrorReason_VENDOR_RESPONSE_INVALID,
		"PallyCon's packaging history contradicts itself: %s", text)
}
