package pallycon

import (
	"cmp"
	"context"
	"time"
)

// The packaging history has no page numbers but a cursor: last_created_time_cid and
// last_update_time, after which "the response will contain the data that is later than the
// settings". That is taken to mean later by created_time and, of one created_time, by update_time,
// which is the order of the rows too: rows in another order are refused.
//
// What is as late as the cursor cannot be asked for, and the vendor's page may end amid rows of one
// second. So a list goes on from a cursor one second before the last row that it passed, and leaves
// out what lies before that row, and as many rows of its very times as it has passed.
//
// How many rows the vendor's page holds is not known. The list ends where an answer shows nothing
// new, and that not because its page was too small. Where more rows have the very same times than a
// page holds, the rest cannot be asked for at all: that is an error as soon as the vendor's count
// or a later row shows it.

// packagingList reads one site's packagings. read asks for those that are later than the cursor, or
// from the first on where that is empty.
type packagingList struct {
	read  func(ctx context.Context, created, update string) (rows []packagingRow, count int, err error)
	match func(packagingRow) bool
}

// packagingPlace is where a list stands: behind the row with these times, the Passed'th that has
// both. The zero place is before the first row.
type packagingPlace struct {
	Created string `json:"c"`
	Update  string `json:"u"`
	Passed  int    `json:"n"`
	Most    int    `json:"m"` // the largest page that the vendor has been seen to give
}

// next collects up to want rows, moves at behind the last row that it passed, and reports whether
// there may be more.
func (l packagingList) next(ctx context.Context, at *packagingPlace, want int) (taken []packagingRow, more bool, err error) {
	for reads := 0; reads < maxVendorPagesPerCall && len(taken) < want; reads++ {
		rows, err := l.following(ctx, at)
		if err != nil || len(rows) == 0 {
			return taken, false, err
		}
		for _, r := range rows {
			if len(taken) == want {
				return taken, true, nil
			}
			at.pass(r)
			if l.match(r) {
				taken = append(taken, r)
			}
		}
	}
	return taken, true, nil
}

// following are rows behind a place; none at the end.
func (l packagingList) following(ctx context.Context, at *packagingPlace) ([]packagingRow, error) {
	before := 0 // how many rows the vendor counts behind the cursor before
	for _, c := range at.cursors() {
		rows, count, err := l.read(ctx, c.created, c.update)
		if err != nil {
			return nil, err
		}
		fresh, err := at.behind(rows)
		if err != nil {
			return nil, err
		}
		count = max(count, len(rows)) // it may be of this page, or left out
		if c.last && before-count != at.Passed {
			return nil, packagingContradiction("more rows have the same times than its pages hold, so that some cannot be read: choose a content_id")
		}
		// else the page may have been too small to show what is new
		if c.last || len(fresh) > 0 || len(rows) < max(at.Most, 1) {
			at.Most = max(at.Most, len(rows))
			return fresh, nil
		}
		before = count
	}
	return nil, nil
}

// packagingCursor is what to ask the vendor with.
type packagingCursor struct {
	created, update string
	last            bool // there is nothing else to ask with
}

// cursors are what to go on with, one after the other while the answers show nothing new and may be
// full of what was passed: a second before both of the place's times, which would also do for a
// vendor that wants either time to be later; a second before the place; and the place itself. From
// the last to the one before it, the rows with the place's very times make the difference: those
// that were passed, or there are some that no page shows.
func (p *packagingPlace) cursors() []packagingCursor {
	if p.Created == "" {
		return []packagingCursor{{}}
	}
	return []packagingCursor{
		{created: secondBefore(p.Created), update: secondBefore(p.Update)},
		{created: p.Created, update: secondBefore(p.Update)},
		{created: p.Created, update: p.Update, last: true},
	}
}

// behind is the part of an answer that lies behind the place.
func (p *packagingPlace) behind(rows []packagingRow) ([]packagingRow, error) {
	begin, left := 0, p.Passed
	for i, r := range rows {
		created, update := r.times()
		switch {
		case !isSecond(created) || !isSecond(update):
			return nil, packagingContradiction("a time is no yyyyMMddHHmmss")
		case i > 0 && r.compare(rows[i-1].times()) < 0:
			return nil, packagingContradiction("the rows are not in order, by created_time and then by update_time")
		}
		if order := r.compare(p.Created, p.Update); order < 0 || order == 0 && left > 0 {
			begin = i + 1
			if order == 0 {
				left--
			}
		}
	}
	return rows[begin:], nil
}

// pass moves the place behind the next row.
func (p *packagingPlace) pass(r packagingRow) {
	if r.compare(p.Created, p.Update) != 0 {
		p.Created, p.Update = r.times()
		p.Passed = 0
	}
	p.Passed++
}

// sane reports whether a token held a place.
func (p *packagingPlace) sane() bool {
	return isSecond(p.Created) && isSecond(p.Update) && p.Passed > 0
}

// times are those that a row is listed by. A track that was never packaged again may have no
// update_time.
func (r packagingRow) times() (created, update string) {
	return r.CreatedTime, cmp.Or(r.UpdateTime, r.CreatedTime)
}

func (r packagingRow) compare(created, update string) int {
	c, u := r.times()
	return cmp.Or(cmp.Compare(c, created), cmp.Compare(u, update))
}

func isSecond(s string) bool {
	_, err := time.Parse(secondFormat, s)
	return err == nil
}

// secondBefore counts as if every day had all its hours, so that what comes before sorts before.
func secondBefore(s string) string {
	t, _ := time.Parse(secondFormat, s) // it is one
	return t.Add(-time.Second).Format(secondFormat)
}
