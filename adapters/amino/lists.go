package amino

import (
	"context"
	"slices"

	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/paging"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// maxVendorPagesPerCall bounds the vendor's pages for one page of drmhub. The next token continues
// the search.
const maxVendorPagesPerCall = 12

// defaultPage is the number of rows that AminoTV returns if it ignores the limit, as a sibling of
// this API does.
const defaultPage = 100

// cursor is a position in a list: the index of the next row, and the rows around it.
type cursor struct {
	Offset int `json:"o"`
	paging.Seen
}

// A part is a part of a list, read at an offset.
type part[Row identified] struct {
	offset int
	rows   []listed[Row]
	// over reports whether the list has nothing after the part.
	over bool
}

// read reads the part at a position.
func read[Row identified](ctx context.Context, a *Adapter, path string, at cursor, limit int) (part[Row], error) {
	p := part[Row]{offset: at.Offset}
	all, err := rows[Row](ctx, a, path, at.Offset, limit)
	switch {
	case at.Offset > 0 && isNotFound(err): // AminoTV says so of a part beyond the end
		return part[Row]{over: true}, nil
	case err != nil:
		return p, err
	}
	p.rows, p.over = all, len(all) == 0
	last, restarts := -1, false // where the part repeats the row before it; it begins the list again
	if at.Offset > 0 && len(all) > 0 {
		restarts = all[0].id() == at.First
		last = slices.IndexFunc(all, func(row listed[Row]) bool { return row.id() == at.Last })
	}
	switch {
	case last >= 0:
		p.offset, p.rows = at.Offset+last+1, all[last+1:]
	case restarts:
		p.rows = nil
	}
	if len(p.rows) == 0 && len(all) > 0 {
		// A whole part of earlier rows may hide later ones, if AminoTV ignores the offset.
		p.over = !restarts || len(all) < limit || limit == a.config.MaxPageSize
	}
	return p, nil
}

// page returns the page of a list that a request asks for, and the token of the next page. It skips
// rows that do not match. A nil match takes every row.
//
// AminoTV's own bound is not known, so a part with fewer rows than its limit need not be the last
// one. A list ends with a part without new rows.
func page[Row identified](ctx context.Context, a *Adapter, req interface {
	paging.Request
	GetPageSize() int32
}, path string, match func(Row) (bool, error)) (taken []Row, token string, err error) {
	var at cursor
	if _, err := paging.Resume(req, &at); err != nil {
		return nil, "", err
	}
	at.Offset = max(at.Offset, 0)
	want, whole, given := paging.Size(req.GetPageSize()), match != nil, map[string]bool{}
	for range maxVendorPagesPerCall {
		limit := a.config.MaxPageSize
		if !whole {
			limit = min(limit, want-len(taken)+1) // the row after the page shows that there is another page
		}
		p, err := read[Row](ctx, a, path, at, limit)
		if err != nil {
			return nil, "", err
		}
		fresh := false
		for i, row := range p.rows {
			if given[row.id()] {
				continue
			}
			fits, err := row.fits(match)
			switch {
			case err != nil:
				return nil, "", err
			case fits && len(taken) == want:
				token, err = paging.Token(req, at)
				return taken, token, err
			case fits:
				taken = append(taken, row.row)
			}
			fresh, given[row.id()], at.Offset = true, true, p.offset+i+1
			at.Add(row.id())
		}
		switch {
		case p.over, !fresh && len(p.rows) > 0:
			return taken, "", nil
		case !fresh: // AminoTV may ignore the offset: read as much of the list as possible
			whole = true
		}
	}
	token, err = paging.Token(req, at)
	return taken, token, err
}

// fits reports whether a row is one of those that were asked for. It fails for such a row that
// cannot be read, and for one of which nobody can say.
func (l listed[Row]) fits(match func(Row) (bool, error)) (bool, error) {
	fits, undecided := true, error(nil)
	if match != nil {
		fits, undecided = match(l.row)
	}
	switch {
	case !fits && undecided == nil:
		return false, nil
	case l.unreadable != nil:
		return false, l.unreadable
	}
	return fits, undecided
}

// all returns all rows of a list as it was at one time. Each part begins with the last row of the
// part before, so a row that vanishes meanwhile hides no other row. A list that changes each time
// is an error. whole is false if the list may have more rows, because AminoTV ignores the offset.
func all[Row identified](ctx context.Context, a *Adapter, path string) (held []listed[Row], whole bool, err error) {
	const most, tries = 100_000, 3
	known := map[string]bool{}
	for try := 0; len(held) < most; {
		n, offset := len(held), max(len(held)-1, 0)
		part, err := rows[Row](ctx, a, path, offset, a.config.MaxPageSize)
		if err != nil && (offset == 0 || !isNotFound(err)) {
			return nil, false, err
		}
		var fresh []listed[Row]
		for _, row := range part {
			if !known[row.id()] {
				fresh, known[row.id()] = append(fresh, row), true
			}
		}
		switch {
		case n == 0 && len(part) == 0, n > 0 && len(part) > 0 && len(fresh) == 0 && part[0].id() == held[n-1].id():
			return held, true, nil
		case n == 0, len(part) > 0 && part[0].id() == held[n-1].id():
			held = append(held, fresh...)
		case len(part) > 0 && part[0].id() == held[0].id(): // AminoTV ignores the offset
			return append(held, fresh...), len(part) != a.config.MaxPageSize && len(part) != defaultPage, nil
		default:
			if try++; try == tries {
				return nil, false, invalidList("changes each time it is read. Retry, and check offset_parameter.", path)
			}
			held, known = nil, map[string]bool{}
		}
	}
	return nil, false, invalidList("does not end after 100,000 rows.", path)
}

func invalidList(problem, path string) error {
	return apierror.New(codes.Internal, pb.ErrorReason_VENDOR_RESPONSE_INVALID, "AminoTV's list %s %s", path, problem)
}
