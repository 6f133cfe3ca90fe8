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

// cursor is a position in a list: the index of the next row, and the rows around it.
type cursor struct {
	Offset int `json:"o"`
	paging.Seen
}

// page returns the page of a list that a request asks for, and the token of the next page. It skips
// rows that do not match. A nil match takes every row.
//
// AminoTV's own bound is not known, so a part with fewer rows than its limit need not be the last
// one. A list ends with a part without new rows.
func page[Row identified](ctx context.Context, a *Adapter, req interface {
	paging.Request
	GetPageSize() int32
}, path string, match func(Row) bool) (taken []Row, token string, err error) {
	var at cursor
	if _, err := paging.Resume(req, &at); err != nil {
		return nil, "", err
	}
	at.Offset = max(at.Offset, 0)
	want, whole := paging.Size(req.GetPageSize()), match != nil
	for range maxVendorPagesPerCall {
		limit := a.config.MaxPageSize
		if !whole {
			limit = min(limit, want-len(taken)+1) // the row after the page shows that there is another page
		}
		part, err := rows[Row](ctx, a, path, at.Offset, limit)
		if err != nil {
			return nil, "", err
		}
		restarts := at.Offset > 0 && paging.Restarts(&at.Seen, part, Row.id)
		added := paging.New(&at.Seen, part, Row.id)
		switch {
		case len(added) == 0 && restarts && len(part) == limit && limit < a.config.MaxPageSize:
			whole = true // AminoTV may ignore the offset: read as much of the list as possible
			continue
		case len(added) == 0 && restarts && len(part) == limit:
			return nil, "", invalidList("has the same rows in different parts. Check offset_parameter.", path)
		case len(added) == 0:
			return taken, "", nil
		}
		for _, row := range added {
			if match == nil || match(row) {
				if len(taken) == want {
					token, err = paging.Token(req, at)
					return taken, token, err
				}
				taken = append(taken, row)
			}
			at.Offset++
			at.Add(row.id())
		}
	}
	token, err = paging.Token(req, at)
	return taken, token, err
}

// all returns all rows of a list as it was at one time. Each part begins with the last row of the
// part before, so a row that vanishes meanwhile hides no other row. A list that changes each time is
// an error.
func all[Row identified](ctx context.Context, a *Adapter, path string) ([]Row, error) {
	const most, tries = 100_000, 3
	var held []Row
	for try := 0; len(held) < most; {
		part, err := rows[Row](ctx, a, path, max(len(held)-1, 0), a.config.MaxPageSize)
		if err != nil {
			return nil, err
		}
		switch {
		case len(held) == 0 && len(part) == 0:
			return nil, nil
		case len(held) == 0:
			held = part
		case len(part) > 0 && part[0].id() == held[len(held)-1].id():
			if len(part) == 1 {
				return held, nil
			}
			held = append(held, part[1:]...)
		case slices.EqualFunc(part, held, sameID) && len(part) != a.config.MaxPageSize:
			return held, nil // AminoTV ignores the offset, and shows the whole list
		default:
			if try++; try == tries {
				return nil, invalidList("changes each time it is read. Retry, and check offset_parameter.", path)
			}
			held = nil
		}
	}
	return nil, invalidList("does not end after 100,000 rows.", path)
}

func sameID[Row identified](a, b Row) bool { return a.id() == b.id() }

func invalidList(problem, path string) error {
	return apierror.New(codes.Internal, pb.ErrorReason_VENDOR_RESPONSE_INVALID, "AminoTV's list %s %s", path, problem)
}
