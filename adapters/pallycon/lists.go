package pallycon

import (
	"context"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/drmhub/drmhub/adapters/pallycon/listing"
	"github.com/drmhub/drmhub/adapters/upstream/jsonx"
)

// setPage sets the parameters for a page, numbered from 0.
func (a *Adapter) setPage(params url.Values, unit, number int) {
	params.Set("page_unit", strconv.Itoa(unit))
	params.Set("page_index", strconv.Itoa(number+a.config.PageIndexBase))
}

// An identified row names itself: what it is, the name of its id, and its id, or "" without one.
type identified interface {
	identity() (kind, field, id string)
}

// A timed row has times that are read later.
type timed interface {
	times() []jsonx.Time
}

// A listed row is a row of one of PallyCon's lists. If the row cannot be read, it says why, and has
// the values that can be read.
type listed[Row any] struct {
	Row        Row
	unreadable error
}

// listRow returns a row with what is wrong with it.
func listRow[Row identified](r jsonx.Row[Row]) listed[Row] {
	l := listed[Row]{Row: r.Value}
	kind, field, id := r.Value.identity()
	switch {
	case id == "":
		l.unreadable = unreadable("a "+kind, r.Lacks(field))
	case r.Misfit != nil:
		l.unreadable = unreadable(kind+" "+strconv.Quote(id), r.Misfit)
	}
	if _, hasTimes := any((*Row)(nil)).(timed); !hasTimes || l.unreadable != nil {
		return l
	}
	for _, t := range any(r.Value).(timed).times() {
		t.Path = r.Path() + "." + t.Path
		if _, err := t.In(time.UTC); err != nil {
			l.unreadable = unreadable(kind+" "+strconv.Quote(id), err)
			break
		}
	}
	return l
}

func (l listed[Row]) check() error { return l.unreadable }

// A condition is a value that a search wants, or "" for any, and the value of a row.
type condition struct{ want, got string }

// meets reports whether a row meets all conditions. A row that cannot be read may have any value in
// the place of an empty one.
func meets(isUnreadable bool, conditions ...condition) bool {
	for _, c := range conditions {
		if c.want != "" && c.want != c.got && (c.got != "" || !isUnreadable) {
			return false
		}
	}
	return true
}

func (l listed[Row]) meets(conditions ...condition) bool {
	return meets(l.unreadable != nil, conditions...)
}

// sameAddress is the condition that an e-mail address is this one, in any case.
func sameAddress(want, got string) condition {
	return condition{strings.ToLower(want), strings.ToLower(got)}
}

// numbered returns the reader of a list of numbered pages. A nil match keeps every row.
func numbered[Row identified](
	a *Adapter, c call, params url.Values, match func(listed[Row]) (bool, error),
) *listing.Numbered[listed[Row]] {
	return &listing.Numbered[listed[Row]]{
		Name: c.path,
		ReadPage: func(ctx context.Context, unit, number int) ([]listed[Row], int, error) {
			a.setPage(params, unit, number)
			response, err := get[jsonx.Rows[Row]](ctx, a, c, params)
			if err != nil {
				return nil, 0, err
			}
			rows := make([]listed[Row], len(response.Data))
			for i, row := range response.Data {
				rows[i] = listRow(row)
			}
			return rows, response.Count, nil
		},
		Match: match,
		Check: listed[Row].check,
	}
}

// findRow returns the row of this id in a whole list, or nil. Other rows may be unreadable. A row
// without an id may be the wanted one, so it matters if no other row is.
func findRow[Row identified](
	ctx context.Context, list *listing.Numbered[listed[Row]], wanted string,
) (*Row, error) {
	var nameless error
	list.Check = nil
	list.Match = func(row listed[Row]) (bool, error) {
		_, _, id := row.Row.identity()
		if id == "" {
			nameless = row.unreadable
		}
		return id == wanted, nil
	}
	rows, err := list.All(ctx)
	switch {
	case err != nil:
		return nil, err
	case len(rows) == 0:
		return nil, nameless
	}
	return &rows[0].Row, rows[0].unreadable
}
