package pallycon

import (
	"context"
	"fmt"
	"net/url"
	"strconv"

	"github.com/drmhub/drmhub/adapters/pallycon/listing"
	"github.com/drmhub/drmhub/adapters/upstream/jsonx"
)

// setPage sets the parameters for a page, numbered from 0.
func (a *Adapter) setPage(params url.Values, unit, number int) {
	params.Set("page_unit", strconv.Itoa(unit))
	params.Set("page_index", strconv.Itoa(number+a.config.PageIndexBase))
}

// numbered returns the reader of a list of numbered pages. A nil match keeps every row.
func numbered[Row any](
	a *Adapter, c call, params url.Values, match func(Row) (bool, error),
) *listing.Numbered[Row] {
	return &listing.Numbered[Row]{
		Name: c.path,
		ReadPage: func(ctx context.Context, unit, number int) ([]Row, int, error) {
			a.setPage(params, unit, number)
			response, err := get[[]Row](ctx, a, c, params)
			if err != nil {
				return nil, 0, err
			}
			for i, row := range response.Data {
				if has, ok := any(row).(interface{ hasID() (string, bool) }); ok {
					if name, has := has.hasID(); !has {
						misfit := &jsonx.Misfit{Path: fmt.Sprintf("data[%d].%s", i, name), Expected: "an id"}
						return nil, 0, unreadable("a row of "+c.path, misfit)
					}
				}
			}
			return response.Data, response.Count, nil
		},
		Match: match,
	}
}
