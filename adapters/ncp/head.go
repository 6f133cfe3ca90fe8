package ncp

import (
	"context"
	"slices"
	"time"

	"github.com/drmhub/drmhub/adapters/apierror"
)

// head passes the rows of the two newest seconds, and what of older ones stands on the same pages.
func (g *collector) head(ctx context.Context, at cursor) (cursor, error) {
	rows, last, err := g.headRows(ctx, at)
	if err != nil {
		return cursor{}, err
	}
	if at.Stage == begin {
		if len(rows) == 0 {
			return cursor{Stage: over, Empty: true}, nil
		}
		at.Second = rows[0].second
	}
	next := behind(rows, at.Second)    // rows that are newer have arrived since
	older := behind(rows, at.Second-2) // the first row below the head
	if at.Stage == head {
		next = older - at.Owed
	}
	if next < behind(rows, at.Second) {
		return cursor{}, errRowsVanished()
	}
	n, stopped := g.take(rows[next:])
	switch next += n; {
	case stopped || next == len(rows) && last:
		return cursor{Stage: over}, nil
	case next < older:
		return cursor{Stage: head, Second: at.Second, Owed: older - next}, nil
	case next == older:
		return cursor{Stage: body, Second: at.Second - 2, Page: 1}, nil
	}
	return cursor{Stage: body, Second: g.second, Page: 1, Passed: g.passed}, nil
}

// behind is the index of the first row that is not newer than a second.
func behind(rows []licenseRow, second int64) int {
	i := slices.IndexFunc(rows, func(r licenseRow) bool { return r.second <= second })
	if i < 0 {
		return len(rows)
	}
	return i
}

// headRows are the first rows of the list, down to below the head, as they stood at one moment;
// last says that there are no more.
func (g *collector) headRows(ctx context.Context, at cursor) (rows []licenseRow, last bool, err error) {
	if at.Stage == head {
		return g.steadyHead(ctx, at.Second)
	}
	first, err := g.read(ctx, unpinned, 1)
	if err != nil || len(first.rows) == 0 {
		return nil, true, err
	}
	last = g.isLast(first)
	// the last one, or the vendor's pages are smaller than asked for
	if !last && len(first.rows) < pageSize {
		second, err := g.read(ctx, unpinned, 2)
		if err != nil {
			return nil, false, err
		}
		if last = len(second.rows) == 0; last && int(first.total) > len(first.rows) {
			return nil, false, invalid("it counts %d licenses and shows %d: is page_number_base right?", first.total, len(first.rows))
		}
	}
	if int(first.total) > len(first.rows) {
		g.total = first.total
	} else if last {
		g.total = int32(len(first.rows))
	}
	newest := first.rows[0].second
	if last || first.rows[len(first.rows)-1].second < newest-1 {
		return first.rows, last, nil
	}
	return g.steadyHead(ctx, newest)
}

// steadyHead reads the head as it stands at one moment. One page is; of several it is read again,
// until two readings in a row are equally long: then nothing has arrived since the end of the first
// one, since nothing ever goes.
func (g *collector) steadyHead(ctx context.Context, newest int64) (rows []licenseRow, last bool, err error) {
	before := -1
	for reading := range headReadings {
		if reading > 1 { // a second ends soon, and with it what arrives
			select {
			case <-time.After(headPause):
			case <-ctx.Done():
				return nil, false, apierror.FromContext(ctx)
			}
		}
		rows, pages, last, err := g.headOnce(ctx, newest)
		if err != nil {
			return nil, false, err
		}
		length := behind(rows, newest-2)
		if pages == 1 || length == before {
			return rows, last, nil
		}
		before = length
	}
	return nil, false, errUnstable("more licenses arrive in the newest second than can be read in one piece: call again in a moment")
}

// headOnce reads the pages of the head one after the other, and tells how many of them hold rows.
func (g *collector) headOnce(ctx context.Context, newest int64) (rows []licenseRow, pages int, last bool, err error) {
	for number := 1; number <= headPages; number++ {
		p, err := g.read(ctx, newest, number)
		if err != nil {
			return nil, 0, false, err
		}
		if len(p.rows) > 0 {
			rows, pages = append(rows, p.rows...), number
		}
		if last := g.isLast(p); last || p.rows[len(p.rows)-1].second < newest-1 {
			return rows, pages, last, nil
		}
	}
	return nil, 0, false, errUnstable("more than %d licenses in two seconds are more than can be read in one piece: choose a narrower filter", headPages*pageSize)
}
