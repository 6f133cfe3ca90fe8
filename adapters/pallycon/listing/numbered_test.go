package listing

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// A numberedVendor has a list of numbers that counts down to 1.
type numberedVendor struct {
	rows    int
	count   func(page, all int) int // nil: of all
	atMost  int                     // rows of a page, whatever is asked for; 0 is no limit
	ignores bool                    // the page's number
	whole   bool                    // it gives all rows on each page
	// place returns where a page begins, in the place of a position. Nil: at the position.
	place  func(from, rows, unit int) int
	base   int      // the number of the first page, for the vendor
	asked  []string // the unit and the number of every page
	before func()   // nil, or called before each page is read
}

func (v *numberedVendor) read(_ context.Context, unit, number int) (rows []int, count int, err error) {
	if v.before != nil {
		v.before()
	}
	v.asked = append(v.asked, fmt.Sprint(unit, "/", number))
	if v.atMost > 0 {
		unit = min(unit, v.atMost)
	}
	if v.ignores {
		number = 0
	}
	from := (number - v.base) * unit
	switch {
	case v.whole:
		from, unit = 0, v.rows
	case v.place != nil:
		from = v.place(from, v.rows, unit)
	}
	for i := from; i < v.rows && len(rows) < unit; i++ {
		rows = append(rows, v.rows-max(i, 0))
	}
	if v.count == nil {
		return rows, v.rows, nil
	}
	return rows, v.count(len(rows), v.rows), nil
}

func (v *numberedVendor) list() *Numbered[int] {
	return &Numbered[int]{Name: "/list", ReadPage: v.read}
}

func ofPage(page, _ int) int { return page }

// readPages reads the list with these page sizes in turn, and returns its rows and the totals that
// it tells.
func (v *numberedVendor) readPages(t *testing.T, sizes ...int32) (rows []int, totals []int32, err error) {
	t.Helper()
	req := &pb.ListMembersRequest{}
	for i := 0; i == 0 || req.GetPageToken() != ""; i++ {
		if i > 3000 {
			t.Fatal("the list does not end")
		}
		req.PageSize = sizes[i%len(sizes)]
		list := v.list()
		page, token, err := list.Page(t.Context(), req)
		if err != nil {
			return rows, totals, err
		}
		if len(page) > int(cmp.Or(req.GetPageSize(), 100)) {
			t.Errorf("%d rows for page_size %d", len(page), req.GetPageSize())
		}
		rows, totals, req.PageToken = append(rows, page...), append(totals, list.Total()), token
	}
	return rows, totals, nil
}

func TestANumberedListIsWhole(t *testing.T) {
	for name, vendor := range map[string]numberedVendor{
		"count is of all":              {},
		"count is of the page":         {count: ofPage},
		"count is missing":             {count: func(int, int) int { return 0 }},
		"pages are shorter than asked": {atMost: 10},
	} {
		for _, n := range []int{0, 1, 24, 25, 26, 50, 99, 100, 101, 1000, 1001, 2345} {
			for _, sizes := range [][]int32{{0}, {1000}, {25}, {1}, {7, 1000, 3}, {1000, 1, 300}, {3, 1000}, {26, 24}} {
				what := fmt.Sprintf("%s, %d rows, page sizes %d", name, n, sizes)
				v := vendor
				v.rows = n
				rows, totals, err := v.readPages(t, sizes...)
				if err != nil || len(rows) != n {
					t.Fatalf("%s: %d rows, %v", what, len(rows), err)
				}
				for i, row := range rows {
					if row != n-i {
						t.Fatalf("%s: row %d is %d", what, i, row)
					}
				}
				if slices.ContainsFunc(totals, func(total int32) bool { return total != 0 && int(total) != n }) {
					t.Errorf("%s: the totals are %d", what, totals)
				}
				// A full page may be all rows, or one page of many.
				if unit := max(25, int(cmp.Or(sizes[0], 100))); v.count == nil && n != unit && int(totals[0]) != n {
					t.Errorf("%s: the first total is %d", what, totals[0])
				}
				unit, _, _ := strings.Cut(v.asked[0], "/")
				if slices.ContainsFunc(v.asked, func(a string) bool { return !strings.HasPrefix(a, unit+"/") }) {
					t.Errorf("%s: page_unit changes from page to page: %v", what, v.asked)
				}
			}
		}
	}
}

func TestAPageIsReadAgainForItsOtherRows(t *testing.T) {
	vendor := &numberedVendor{rows: 120}
	if _, _, err := vendor.readPages(t, 50, 7, 1000); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(vendor.asked); got != "[50/0 50/1 50/1 50/2]" {
		t.Errorf("the pages %s were read", got)
	}
}

func wantContradiction(t *testing.T, what string, err error) {
	t.Helper()
	if err == nil || apierror.Convert(err).Reason != pb.ErrorReason_VENDOR_RESPONSE_INVALID {
		t.Errorf("%s: %v, want VENDOR_RESPONSE_INVALID", what, err)
	}
}

func TestANumberedListThatContradictsItself(t *testing.T) {
	for what, vendor := range map[string]*numberedVendor{
		"pages count from 0, and not 1":    {rows: 120, base: -1},
		"one page, and it is not the next": {rows: 20, base: -1},
	} {
		for _, size := range []int32{100, 50, 1} {
			_, _, err := vendor.readPages(t, size)
			wantContradiction(t, what, err)
		}
	}
}

// The vendor's count is of the page where it is called so, and of all rows otherwise.
func TestANumberedListEndsAtAPageWithoutANewRow(t *testing.T) {
	last := func(from, rows, unit int) int { return min(from, max(rows-1, 0)/unit*unit) }
	lastFull := func(from, rows, unit int) int { return min(from, max(rows-unit, 0)) }
	first := func(from, rows, _ int) int {
		if from >= rows {
			return 0
		}
		return from
	}
	for name, vendor := range map[string]numberedVendor{
		"the last page again":                     {place: last},
		"the last page again, count is of a page": {place: last, count: ofPage},
		"the last rows again":                     {place: lastFull},
		"the last rows again, count is of a page": {place: lastFull, count: ofPage},
		"the first page again":                    {place: first},
		"every page is the first":                 {ignores: true},
		"every page is the whole list":            {whole: true},
		"every page is the whole list, no count":  {whole: true, count: func(int, int) int { return 0 }},
	} {
		for _, n := range []int{0, 1, 2, 25, 26, 50, 60, 100, 1000} {
			for _, sizes := range [][]int32{{0}, {1000}, {25}, {1}, {7, 1000, 3}, {26, 24}} {
				v := vendor
				v.rows = n
				rows, _, err := v.readPages(t, sizes...)
				if err != nil || len(rows) != n || len(slices.Compact(rows)) != n {
					t.Errorf("%s, %d rows, page sizes %d: %d rows, %v", name, n, sizes, len(rows), err)
				}
			}
		}
	}
	// The end costs at most one read.
	for _, v := range []*numberedVendor{
		{rows: 50, ignores: true, count: ofPage}, {rows: 25, place: last, count: ofPage},
	} {
		rows, _, err := v.readPages(t, 25)
		if err != nil || len(rows) != 25 || len(v.asked) != 2 {
			t.Errorf("%d rows after %v, %v", len(rows), v.asked, err)
		}
	}
	// A list that hides rows ends, and proves nothing about them.
	hiding := &numberedVendor{rows: 1200, ignores: true}
	if rows, totals, err := hiding.readPages(t, 1000); err != nil || len(rows) != 1000 || totals[0] != 1200 {
		t.Errorf("%d rows, totals %d, %v", len(rows), totals, err)
	}
	_, err := hiding.list().All(t.Context())
	wantContradiction(t, "a list that hides rows", err)
}

func TestASearchReadsABoundedNumberOfPages(t *testing.T) {
	vendor := &numberedVendor{rows: 30_500}
	list := vendor.list()
	list.Match = func(row int) (bool, error) { return row == 1, nil }
	var found []int
	calls := 0
	for at := new(list.Start(100)); at != nil; calls++ {
		before := len(vendor.asked)
		rows, next, err := list.Next(t.Context(), *at, 100)
		if err != nil || len(vendor.asked)-before > maxVendorPagesPerCall {
			t.Fatalf("one call reads %d pages, %v", len(vendor.asked)-before, err)
		}
		found, at = append(found, rows...), next
	}
	if fmt.Sprint(found) != "[1]" || calls < 2 {
		t.Errorf("%d in %d calls", found, calls)
	}
}

func TestAllRowsOfANumberedList(t *testing.T) {
	_, err := (&numberedVendor{rows: 10_000_000}).list().All(t.Context())
	wantContradiction(t, "a list without an end", err)

	vendor := &numberedVendor{rows: 1500}
	vendor.before = func() { vendor.rows++ }
	_, err = vendor.list().All(t.Context())
	wantContradiction(t, "a list that changes all the time", err)

	vendor = &numberedVendor{rows: 1500}
	vendor.before = func() {
		if len(vendor.asked) == 1 {
			vendor.rows-- // the first row: row 500 slides from the second page to the first
		}
	}
	rows, err := vendor.list().All(t.Context())
	if err != nil || len(rows) != 1499 || !slices.Contains(rows, 499) {
		t.Errorf("%d rows, %v", len(rows), err)
	}
}
