package ncp

import "context"

// body passes the rows of the pinned list, whose pages do not change.
func (g *collector) body(ctx context.Context, at cursor) (cursor, error) {
	pin, number, skip := at.Second, at.Page, at.Passed
	g.second, g.passed = pin, 0
	var before *page
	for left := pagesPerCall; left > 0 && !g.enough(); {
		pages, err := g.pages(ctx, pin, number, min(g.pagesFor(skip, before != nil), left))
		if err != nil {
			return cursor{}, err
		}
		left -= len(pages)
		for _, p := range pages {
			if before != nil && !p.follows(before) {
				return cursor{}, invalid("its pages do not follow each other: is page_number_base right?")
			}
			i := behind(p.rows, pin) // the vendor may show the second behind the pin too
			for ; skip > 0 && i < len(p.rows) && p.rows[i].second == pin; skip-- {
				i++
			}
			if skip > 0 && (i < len(p.rows) || g.isLast(p)) {
				return cursor{}, errRowsVanished()
			}
			n, stopped := g.take(p.rows[i:])
			if i += n; stopped || i == len(p.rows) && g.isLast(p) {
				return cursor{Stage: over}, nil
			}
			if i < len(p.rows) {
				return g.stand(pin, number, p.rows[:i], 0), nil
			}
			number++
			before = p
		}
	}
	return g.stand(pin, number, nil, skip), nil
}

// pagesFor is how many pages are likely to hold what is still wanted.
func (g *collector) pagesFor(skip int, again bool) int {
	n := (skip + g.want - len(g.taken) + pageSize - 1) / pageSize
	if again { // they held less than that: the filter leaves few rows
		n = max(n, g.atOnce)
	}
	if g.eager {
		n = min(n, messagePages)
	}
	return n
}

// follows reports whether a page can be the one after another.
func (p *page) follows(before *page) bool {
	return len(p.rows) == 0 || p.rows[0].second <= before.rows[len(before.rows)-1].second
}

// stand is the place behind these rows, the first ones of a page, and behind skip more. Where the
// walk has come to an older second, that is the next pin: the vendor need not count pages from the
// old one.
func (g *collector) stand(pin int64, number int, passed []licenseRow, skip int) cursor {
	if g.second < pin {
		return cursor{Stage: body, Second: g.second, Page: 1, Passed: g.passed}
	}
	c := cursor{Stage: body, Second: pin, Page: number, Passed: skip}
	for _, r := range passed {
		if r.second == pin {
			c.Passed++
		}
	}
	return c
}
