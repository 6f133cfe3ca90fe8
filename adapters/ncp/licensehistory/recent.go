package licensehistory

import (
	"context"
	"slices"
	"time"

	"github.com/drmhub/drmhub/adapters/apierror"
)

// collectRecent passes the rows of the two newest seconds, and the older rows on the same pages.
func (c *collector[R]) collectRecent(ctx context.Context, at Cursor) (Cursor, error) {
	rows, last, err := c.recentRows(ctx, at)
	if err != nil {
		return Cursor{}, err
	}
	if at.Stage == stageStart {
		if len(rows) == 0 {
			return EmptyList(), nil
		}
		at.Second = rows[0].Second()
	}
	next := firstUpTo(rows, at.Second)    // newer rows have arrived since
	older := firstUpTo(rows, at.Second-2) // the first row that is not recent
	if at.Stage == stageRecent {
		next = older - at.Owed
	}
	if next < firstUpTo(rows, at.Second) {
		return Cursor{}, errRowsVanished()
	}
	n, stopped := c.collect(rows[next:])
	switch next += n; {
	case stopped || next == len(rows) && last:
		return Cursor{Stage: stageDone}, nil
	case next < older:
		return Cursor{Stage: stageRecent, Second: at.Second, Owed: older - next}, nil
	case next == older:
		return Cursor{Stage: stagePinned, Second: at.Second - 2, Page: 1}, nil
	}
	return Cursor{Stage: stagePinned, Second: c.second, Page: 1, Passed: c.passed}, nil
}

// firstUpTo returns the index of the first row that is not newer than a second.
func firstUpTo[R Row](rows []R, second int64) int {
	i := slices.IndexFunc(rows, func(r R) bool { return r.Second() <= second })
	if i < 0 {
		return len(rows)
	}
	return i
}

// recentRows returns the first rows of the list, as they were at one moment, at least down to the
// first one that is not recent. last reports that the list has no more rows.
func (c *collector[R]) recentRows(ctx context.Context, at Cursor) (rows []R, last bool, err error) {
	if at.Stage == stageRecent {
		return c.readStableHead(ctx, at.Second)
	}
	first, err := c.ReadPage(ctx, Unpinned, 1)
	switch {
	case err != nil:
		return nil, false, err
	case len(first.Rows) == 0 && first.Total > 0:
		return nil, false, errHidden(first)
	case len(first.Rows) == 0:
		return nil, true, nil
	}
	last = c.isLast(first)
	// A short page is the last one, or the vendor's pages are smaller than asked for.
	if !last && len(first.Rows) < PageSize {
		second, err := c.ReadPage(ctx, Unpinned, 2)
		if err != nil {
			return nil, false, err
		}
		again, err := c.repeats(ctx, Unpinned, 2, first, second)
		switch last = again || len(second.Rows) == 0; {
		case err != nil:
			return nil, false, err
		case len(second.Rows) == 0 && int(first.Total) > len(first.Rows):
			return nil, false, errHidden(first)
		}
	}
	if int(first.Total) > len(first.Rows) {
		c.total = first.Total
	} else if last {
		c.total = int32(len(first.Rows))
	}
	newest := first.Rows[0].Second()
	if last || first.Rows[len(first.Rows)-1].Second() < newest-1 {
		return first.Rows, last, nil
	}
	return c.readStableHead(ctx, newest)
}

// readStableHead returns the recent rows as they were at one moment. A single page is read at one
// moment. Several pages are read again until two readings are equally long. No row ever goes, so
// none has arrived since the end of the first of the two.
func (c *collector[R]) readStableHead(ctx context.Context, newest int64) (rows []R, last bool, err error) {
	before := -1
	for reading := range maxRecentReads {
		if reading > 1 { // a second ends soon, and no more rows arrive in it
			select {
			case <-time.After(recentPause):
			case <-ctx.Done():
				return nil, false, apierror.FromContext(ctx)
			}
		}
		rows, pages, last, err := c.readHead(ctx, newest)
		if err != nil {
			return nil, false, err
		}
		length := firstUpTo(rows, newest-2)
		if pages == 1 || length == before {
			return rows, last, nil
		}
		before = length
	}
	return nil, false, errUnstable(
		"nothing was returned: licenses arrive faster than the newest second can be read; retry in a moment")
}

// readHead reads the pages of the recent rows one after the other. pages is how many of them hold
// rows.
func (c *collector[R]) readHead(ctx context.Context, newest int64) (rows []R, pages int, last bool, err error) {
	var before *Page[R]
	for number := 1; number <= maxRecentPages; number++ {
		p, err := c.ReadPage(ctx, newest, number)
		if err != nil {
			return nil, 0, false, err
		}
		switch again, err := c.repeats(ctx, newest, number, before, p); {
		case err != nil:
			return nil, 0, false, err
		case again:
			if len(p.Rows) >= PageSize { // or as many rows have arrived
				pages = number
			}
			return rows, pages, !p.mayHideMore(number), nil
		}
		before = p
		if len(p.Rows) > 0 {
			rows, pages = append(rows, p.Rows...), number
		}
		if last := c.isLast(p); last || p.Rows[len(p.Rows)-1].Second() < newest-1 {
			return rows, pages, last, nil
		}
	}
	return nil, 0, false, errUnstable(
		"nothing was returned: more than %d licenses in two seconds cannot be read at once; use a narrower filter",
		maxRecentPages*PageSize)
}

func errHidden[R Row](p *Page[R]) error {
	return errContradiction("it counts %d licenses and shows %d: check page_number_base", p.Total, len(p.Rows))
}
