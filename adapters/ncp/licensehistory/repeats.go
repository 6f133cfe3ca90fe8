package licensehistory

import (
	"context"
	"slices"
)

// repeats reports whether a page shows the page before it once more. A vendor may do so after its
// last page, or if it ignores the number of a page. before is nil if it is not known.
//
// Equal rows are real, so two pages of one second may be equal too. Then a total that is reached is
// the end. A larger one may count other rows as well. So the page is read that is far after the
// last one: it shows whether the vendor repeats this page.
func (r Reader[R]) repeats(ctx context.Context, pin int64, number int, before, p *Page[R]) (bool, error) {
	size := len(p.Rows)
	switch {
	case before == nil:
		return false, nil
	case !slices.Equal(before.Rows, p.Rows):
		r.Habits.counts.Store(true)
		if size == 0 {
			r.Habits.ends.Store(true)
		}
		return false, nil
	case size == 0, p.Rows[0].Second() != p.Rows[size-1].Second():
		return true, nil // A later page has no newer row.
	case r.Habits.ends.Load():
		return false, nil
	case size < tinyPage, p.Total > 0 && int(p.Total) <= (number-1)*size:
		return true, nil
	}
	far, err := r.ReadPage(ctx, pin, number+farAway)
	if err != nil {
		return false, err
	}
	if len(far.Rows) == 0 {
		r.Habits.ends.Store(true)
	}
	return slices.Equal(far.Rows, p.Rows), nil
}

// mayHideMore reports whether there may be more rows than a list has shown, although it repeats its
// page of this number. That is so if the vendor ignores the numbers of pages.
func (p *Page[R]) mayHideMore(number int) bool {
	return number == 2 && len(p.Rows) >= PageSize && (p.Total == 0 || int(p.Total) > len(p.Rows))
}
