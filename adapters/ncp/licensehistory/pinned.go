package licensehistory

import "context"

// collectPinned passes the rows of the pinned list, whose pages do not change.
func (c *collector[R]) collectPinned(ctx context.Context, at Cursor) (Cursor, error) {
	pin, number, skip := at.Second, at.Page, at.Passed
	c.second, c.passed = pin, 0
	before, err := c.pageBefore(ctx, at)
	for err == nil && c.left > 0 && !c.enough() {
		var pages []*Page[R]
		pages, err = c.readPages(ctx, pin, number, min(c.pagesFor(skip, number, before != nil), c.left))
		c.left -= len(pages)
		for _, p := range pages {
			again, err := c.repeats(ctx, pin, number, before, p)
			switch {
			case err != nil:
				return Cursor{}, err
			case again:
				return c.afterRepeat(p, pin, number), nil
			case before != nil && !p.follows(before):
				return Cursor{}, errContradiction("its pages do not follow each other: check page_number_base")
			}
			i := firstUpTo(p.Rows, pin) // the vendor may show the second after the pin too
			for ; skip > 0 && i < len(p.Rows) && p.Rows[i].Second() == pin; skip-- {
				i++
			}
			if skip > 0 && (i < len(p.Rows) || c.isLast(p)) {
				return Cursor{}, errRowsVanished()
			}
			n, stopped := c.collect(p.Rows[i:])
			if i += n; stopped || i == len(p.Rows) && c.isLast(p) {
				return Cursor{Stage: stageDone}, nil
			}
			if i < len(p.Rows) {
				return c.resumePoint(pin, number, p.Rows[:i], 0), nil
			}
			number++
			before = p
		}
	}
	if err != nil {
		return Cursor{}, err
	}
	return c.resumePoint(pin, number, nil, skip), nil
}

// afterRepeat returns the cursor after a page that repeats the one before it. If the vendor ignores
// page numbers, the list below the last row has other rows on its first page.
func (c *collector[R]) afterRepeat(p *Page[R], pin int64, number int) Cursor {
	switch {
	case !p.mayHideMore(number), firstUpTo(p.Rows, pin) == len(p.Rows):
		return Cursor{Stage: stageDone}
	case c.second < pin:
		return Cursor{Stage: stagePinned, Second: c.second, Page: 1, Passed: c.passed}
	}
	return Cursor{Stage: stagePinned, Second: pin - 1, Page: 1} // The vendor shows no more of this second.
}

// pageBefore returns the page before that of a cursor. It returns nil if the cursor is on the first
// page, or if no page of the vendor's can repeat the one before.
func (c *collector[R]) pageBefore(ctx context.Context, at Cursor) (*Page[R], error) {
	if at.Page == 1 || c.Habits.ends.Load() {
		return nil, nil
	}
	c.left--
	p, err := c.ReadPage(ctx, at.Second, at.Page-1)
	if err == nil && len(p.Rows) == 0 {
		return nil, errRowsVanished()
	}
	return p, err
}

// pagesFor returns how many pages are likely to hold the rows that are still wanted.
func (c *collector[R]) pagesFor(skip, number int, again bool) int {
	n := (skip + c.want - len(c.kept) + PageSize - 1) / PageSize
	if again { // the pages before held fewer: the filter matches few rows
		n = max(n, c.Concurrency)
	}
	switch {
	case c.Eager:
		n = min(n, pagesPerMessage)
	case number == 1 && !c.Habits.counts.Load(): // the second page may be the first one again
		n = min(n, 2)
	}
	return n
}

// follows reports whether a page can be the one after another.
func (p *Page[R]) follows(before *Page[R]) bool {
	return len(p.Rows) == 0 || p.Rows[0].Second() <= before.Rows[len(before.Rows)-1].Second()
}

// resumePoint returns the cursor after the rows passed, which are the first of page number, and
// after skip more rows. If the last row passed is older than the pin, its second is the next pin.
// That way the vendor counts few pages from a pin.
func (c *collector[R]) resumePoint(pin int64, number int, passed []R, skip int) Cursor {
	if c.second < pin {
		return Cursor{Stage: stagePinned, Second: c.second, Page: 1, Passed: c.passed}
	}
	at := Cursor{Stage: stagePinned, Second: pin, Page: number, Passed: skip}
	for _, r := range passed {
		if r.Second() == pin {
			at.Passed++
		}
	}
	return at
}
