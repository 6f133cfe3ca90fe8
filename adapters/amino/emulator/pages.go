package emulator

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
)

// page says which rows a list returns.
type page struct{ offset, limit int }

// readPage reads the query of a call. A query can only name a page.
func (e *Emulator) readPage(c call, rawQuery string) (page, error) {
	p := page{limit: e.assumed.DefaultPage}
	query, err := url.ParseQuery(rawQuery)
	if err != nil {
		return p, invalidParameter("the query cannot be read: %v", err)
	}
	for name, values := range query {
		var into *int
		lowest := 0
		switch {
		case c.pages && name == e.assumed.OffsetParameter:
			into = &p.offset
		case c.pages && name == e.assumed.LimitParameter:
			into, lowest = &p.limit, 1
		default:
			return p, invalidParameter("unknown parameter %q", name)
		}
		if len(values) > 1 {
			return p, invalidParameter("%s is given %d times", name, len(values))
		}
		n, err := strconv.Atoi(values[0])
		if err != nil || n < lowest || strconv.Itoa(n) != values[0] {
			return p, invalidParameter("%s must be an integer from %d: %q", name, lowest, values[0])
		}
		*into = n
	}
	if p.limit > e.assumed.MaxPage {
		if !e.assumed.ShortensPages {
			return p, invalidParameter("%s must not be above %d", e.assumed.LimitParameter, e.assumed.MaxPage)
		}
		p.limit = e.assumed.MaxPage
	}
	return p, nil
}

func invalidParameter(format string, values ...any) failure {
	return failure{http.StatusBadRequest, CodeInvalidParameter, fmt.Sprintf(format, values...)}
}

// of returns the range of the rows on a page, out of total rows.
func (p page) of(total int) (first, end int) {
	first = min(p.offset, total)
	return first, first + min(p.limit, total-first)
}
