package amino

import (
	"context"

	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/paging"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// bounds the vendor's pages for one of ours: what was not found by then is found with the next
// token
const maxVendorPagesPerCall = 12

// cursor is the position in a list: before a row, counted from 0.
type cursor struct {
	Offset int `json:"o"`
}

// page is the page of a list that a request asks for, and the token of the next one. Rows that do
// not match are left out; a nil match takes every row.
//
// That a part has fewer rows than were asked for does not make it the last one, since AminoTV's own
// bound is not known: the end is where no row is.
func page[Row identified](ctx context.Context, a *Adapter, req interface {
	paging.Request
	GetPageSize() int32
}, path string, match func(Row) bool) (taken []Row, token string, err error) {
	var at cursor
	if _, err := paging.Resume(req, &at); err != nil {
		return nil, "", err
	}
	at.Offset = max(at.Offset, 0)
	want := paging.Size(req.GetPageSize())
	var before []Row
	for range maxVendorPagesPerCall {
		limit := a.config.MaxPageSize
		if match == nil {
			limit = min(limit, want-len(taken)+1) // one more reports whether there is a next page
		}
		part, err := rows[Row](ctx, a, path, at.Offset, limit)
		switch {
		case err != nil:
			return nil, "", err
		case len(part) == 0:
			return taken, "", nil
		case same(part, before):
			return nil, "", apierror.New(codes.Internal, pb.ErrorReason_VENDOR_RESPONSE_INVALID,
				"AminoTV's list %s contradicts itself: other parts of it hold the same rows: is offset_parameter right?", path)
		}
		for _, row := range part {
			if match == nil || match(row) {
				if len(taken) == want {
					token, err = paging.Token(req, at)
					return taken, token, err
				}
				taken = append(taken, row)
			}
			at.Offset++
		}
		before = part
	}
	token, err = paging.Token(req, at)
	return taken, token, err
}

// same reports whether two parts of a list hold the same rows. Of a single row it says nothing: one
// that was pushed back by another is seen twice rightly.
func same[Row identified](a, b []Row) bool {
	if len(a) < 2 || len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i].id() != b[i].id() {
			return false
		}
	}
	return true
}

// all are all rows of a list as it was at one time: each part begins with the row that the one
// before ended with, so that what vanishes meanwhile hides no other row. A list that never stands
// still is an error.
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
		default:
			if try++; try == tries {
				return nil, apierror.New(codes.Internal, pb.ErrorReason_VENDOR_RESPONSE_INVALID,
					"AminoTV's list %s is another one each time that it is read on: is offset_parameter right? If so, try again", path)
			}
			held = nil
		}
	}
	return nil, apierror.New(codes.Internal, pb.ErrorReason_VENDOR_RESPONSE_INVALID, "AminoTV's list %s does not end after %d rows", path, most)
}
