package adaptertest

import (
	"context"
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/drmhub/drmhub/adapters/paging"
)

// pagings are sizes of the pages, in turn, with which a list of 130 rows is paged through.
var pagings = [][]int32{{0}, {1}, {7}, {50}, {65}, {1000}, {5000}, {1, 50, 3}}

// listing is a list about the account as a whole, under one filter.
type listing[Row proto.Message] struct {
	rpc  string
	page func(ctx context.Context, size int32, token string) (rows []Row, next string, total int32, err error)
}

// all pages through the list, with these page sizes in turn. So many rows match.
func (l listing[Row]) all(t T, matching int, sizes ...int32) []Row {
	t.Helper()
	var all []Row
	var token string
	for i := range mostPages {
		size := sizes[i%len(sizes)]
		rows, next, total, err := l.page(t.Context(), size, token)
		if err != nil {
			t.Fatalf("%s, page %d of size %d: %v", l.rpc, i, size, err)
		}
		if len(rows) > paging.Size(size) {
			t.Errorf("%s answers %d rows for page_size %d", l.rpc, len(rows), size)
		}
		if total != 0 && int(total) != matching {
			t.Errorf("%s has the total_size %d, and %d rows match", l.rpc, total, matching)
		}
		all = append(all, rows...)
		if token = next; token == "" {
			return all
		}
	}
	t.Fatalf("%s with page sizes %d does not end", l.rpc, sizes)
	return nil
}

// token is the page token after the first of many rows.
func (l listing[Row]) token(t T) string {
	t.Helper()
	_, next, _, err := l.page(t.Context(), 1, "")
	if err != nil || next == "" {
		t.Fatalf("%s, page 0 of size 1 of many: the token is %q, %v", l.rpc, next, err)
	}
	return next
}

// refusesTokens checks that what is no page token is refused, and that a token of this list is
// refused by the others.
func (l listing[Row]) refusesTokens(t T, others map[string]listing[Row]) {
	t.Helper()
	token := l.token(t)
	for what, no := range noTokens(token) {
		_, _, _, err := l.page(t.Context(), 0, no)
		wantTokenRefused(t, what, err)
	}
	for what, other := range others {
		_, _, _, err := other.page(t.Context(), 0, token)
		wantTokenRefused(t, what, err)
	}
}

// choose are copies of the rows that match.
func choose[Row proto.Message](rows []Row, match func(Row) bool) []Row {
	return clones(slices.DeleteFunc(slices.Clone(rows), func(r Row) bool { return !match(r) }))
}

func clones[Row proto.Message](rows []Row) []Row {
	all := make([]Row, len(rows))
	for i, r := range rows {
		all[i] = proto.CloneOf(r)
	}
	return all
}
