package licensehistory

import "context"

// collectPinned passes the rows of the pinned list, whose pages do not change.
func (c *collector[R]) collectPinned(ctx context.Context, at Cursor) (Cursor, error) {
	pin, number, skip := at.Second, at.Page, at.Passed
	c.second, c.passed = pin, 0
	var before *Page[R]
	for left := maxPagesPerCall; left > 0 && !c.enough(); {
		pages, err := c.readPages(ctx, pin, number, min(c.pagesFor(skip, before != nil), left))
		if err != nil {
			return Cursor{}, err
		}
		left -= len(pages)
		for _, p := range pages {
			if before != nil && !p.follows(before) {
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
	return c.resumePoint(pin, number, nil, skip), nil
}

// pagesFor returns how many pages are likely to hold the rows that are still wanted.
func (c *collector[R]) pagesFor(skip int, again bool) int {
	n := (skip + c.want - len(c.kept) + PageSize - 1) / PageSize
	if again { // the pages before held fewer: the filter matches few rows
		n = max(n, c.Concurrency)
	}
	if c.Eager {
		n = min(n, pagesPerMessage)
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
