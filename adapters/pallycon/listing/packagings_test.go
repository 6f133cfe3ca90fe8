package listing

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"testing"
	"time"
)

// A track is a row of a packaging history, by seconds of one day.
type track struct {
	content         string
	created, update int
}

func (t track) Times() (created, update string) { return second(t.created), second(t.update) }

func second(n int) string { return time.Date(2024, 2, 29, 0, 0, n, 0, time.UTC).Format(secondFormat) }

// A packager is a vendor with a packaging history, in pages that hold so many rows.
type packager struct {
	rows   []track
	holds  int
	ofPage bool // count is of the page
	// later reports whether a row is later than a cursor. Nil: by created_time, then by
	// update_time.
	later   func(t track, created, update string) bool
	before  func() // nil, or called before each page is read
	cursors []string
}

func (v *packager) read(_ context.Context, created, update string) (page []track, count int, err error) {
	if v.before != nil {
		v.before()
	}
	v.cursors = append(v.cursors, created+"/"+update)
	slices.SortStableFunc(v.rows, func(a, b track) int {
		return cmp.Or(cmp.Compare(a.created, b.created), cmp.Compare(a.update, b.update))
	})
	later := v.later
	if later == nil {
		later = func(t track, created, update string) bool { return compareTimes(t, created, update) > 0 }
	}
	for _, t := range v.rows {
		if created != "" && !later(t, created, update) {
			continue
		}
		if count++; len(page) < v.holds {
			page = append(page, t)
		}
	}
	if v.ofPage {
		count = len(page)
	}
	return page, count, nil
}

// contents reads the whole history with these page sizes in turn, and returns its contents.
func (v *packager) contents(t *testing.T, sizes ...int) ([]string, error) {
	t.Helper()
	list := Packagings[track]{ReadAfter: v.read, Match: func(track) bool { return true }}
	var at PackagingCursor
	var all []string
	for i := range 5000 {
		want := sizes[i%len(sizes)]
		rows, more, err := list.Next(t.Context(), &at, want)
		if err != nil {
			return all, err
		}
		if len(rows) > want {
			t.Errorf("%d rows for a page of %d", len(rows), want)
		}
		for _, r := range rows {
			all = append(all, r.content)
		}
		if !more {
			return all, nil
		}
	}
	t.Fatal("the list does not end")
	return nil, nil
}

// history has n rows, of which up to most have the very same times. Some contents were packaged
// again long after.
func history(n, most int) []track {
	var all []track
	for s := 0; len(all) < n; s++ {
		for j := range min(1+s%most, n-len(all)) {
			update := s
			if s%3 == 0 {
				update = s + j%2*500
			}
			all = append(all, track{fmt.Sprintf("content-%d", len(all)), s, update})
		}
	}
	return all
}

func TestEveryPackagingComesOnce(t *testing.T) {
	for _, holds := range []int{4, 5, 7, 25, 1000} {
		// A page of rows with the very same times might be a part of them, if count is of the page.
		for ofPage, most := range map[bool]int{false: 4, true: 3} {
			for _, sizes := range [][]int{{1}, {3}, {100}, {1000}, {2, 7, 1}} {
				vendor := &packager{rows: history(60, most), holds: holds, ofPage: ofPage}
				got, err := vendor.contents(t, sizes...)
				var want []string
				for _, r := range vendor.rows {
					want = append(want, r.content)
				}
				if err != nil || !slices.Equal(got, want) {
					t.Errorf("pages of %d, page sizes %d: %v, want %v; %v", holds, sizes, got, want, err)
				}
			}
		}
	}
}

func TestPackagingsThatArriveLeaveTheOthersInTheirPlace(t *testing.T) {
	vendor := &packager{rows: history(60, 3), holds: 10}
	held := slices.Clone(vendor.rows)
	late := 0
	vendor.before = func() {
		if late++; late <= 21 {
			vendor.rows = append(vendor.rows,
				track{"a new content", 1000 + late, 1000 + late},
				track{"packaged again, among the earlier ones", late % 30, 1000 + late},
			)
		}
	}
	got, err := vendor.contents(t, 7)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	for _, content := range got {
		seen[content]++
	}
	for _, r := range held {
		if seen[r.content] != 1 {
			t.Errorf("%s comes %d times", r.content, seen[r.content])
		}
	}
}

func TestThePackagingsOfAVendorThatIgnoresTheCursor(t *testing.T) {
	for name, rows := range map[string][]track{
		"one row":              history(1, 1),
		"rows of one second":   {{"a", 5, 5}, {"b", 5, 5}, {"c", 5, 5}},
		"rows of many seconds": history(60, 3),
	} {
		for _, size := range []int{1, 7, 100} {
			vendor := &packager{rows: rows, holds: 1000, later: func(track, string, string) bool { return true }}
			got, err := vendor.contents(t, size)
			if err != nil || len(got) != len(rows) {
				t.Errorf("%s, page size %d: %d rows, %v", name, size, len(got), err)
			}
			if n := len(vendor.cursors); name == "rows of many seconds" && size == 100 && n != 2 {
				t.Errorf("%s: the list ends after %d reads", name, n)
			}
		}
	}
	vendor := &packager{rows: history(60, 3), holds: 25, later: func(track, string, string) bool { return true }}
	_, err := vendor.contents(t, 100)
	wantContradiction(t, "a page that never shows what count says", err)
}

func TestThePackagingCursorStepsBackOneSecond(t *testing.T) {
	vendor := &packager{rows: []track{{"a", 0, 0}, {"b", 60, 3600}, {"c", 86_399, 86_400}}, holds: 2}
	if got, err := vendor.contents(t, 100); err != nil || fmt.Sprint(got) != "[a b c]" {
		t.Fatalf("%v, %v", got, err)
	}
	want := []string{"/", "20240229000059/20240229005959", "20240229235958/20240229235959"}
	if !slices.Equal(vendor.cursors, want) {
		t.Errorf("the cursors are %q, want %q", vendor.cursors, want)
	}
}

func TestAVendorThatWantsEitherTimeToBeLaterLosesNothing(t *testing.T) {
	vendor := &packager{holds: 5, later: func(t track, created, update string) bool {
		return second(t.created) > created && second(t.update) > update
	}}
	var want []string
	for i := range 40 { // two at a time, and none packaged again
		vendor.rows = append(vendor.rows, track{fmt.Sprint(i), i / 2, i / 2})
		want = append(want, fmt.Sprint(i))
	}
	if got, err := vendor.contents(t, 3); err != nil || !slices.Equal(got, want) {
		t.Errorf("%v, %v", got, err)
	}
}

func TestMoreEqualPackagingsThanAPageHolds(t *testing.T) {
	// at returns rows that were created in one second and updated in these ones.
	at := func(updates ...int) (rows []track) {
		for i, update := range updates {
			rows = append(rows, track{fmt.Sprint(i), 5, update})
		}
		return rows
	}
	spread := at(5, 6, 7, 8, 9, 10, 11)
	first, last := track{"first", 0, 0}, track{"last", 9, 9}
	crowd := func(n int, then ...track) []track {
		return slices.Concat([]track{first}, at(slices.Repeat([]int{5}, n)...), then)
	}
	for what, c := range map[string]struct {
		vendor packager
		fails  bool
	}{
		"as many as a page holds":                     {packager{rows: crowd(3), holds: 3}, false},
		"as many as a page holds, and others":         {packager{rows: crowd(2, last), holds: 3}, false},
		"more, which the count shows":                 {packager{rows: crowd(5), holds: 3}, true},
		"more, which those behind them show":          {packager{rows: crowd(5, last), holds: 3, ofPage: true}, true},
		"many of one created_time, packaged later":    {packager{rows: spread, holds: 3, ofPage: true}, false},
		"many of one created_time, two at a time":     {packager{rows: at(5, 5, 7, 7, 9, 9, 11), holds: 3}, false},
		"one row alone, and a page that holds no two": {packager{rows: at(5), holds: 1}, false},
	} {
		got, err := c.vendor.contents(t, 2)
		if c.fails {
			wantContradiction(t, what, err)
		} else if err != nil || len(got) != len(c.vendor.rows) {
			t.Errorf("%s: %v, %v", what, got, err)
		}
	}
}

func FuzzPackagingCursor(f *testing.F) {
	f.Add("20240229000003", "20240229000503", 2, 5)
	f.Add("", "", 0, 0)
	f.Add("00010101000000", "99991231235959", -1, -1)
	f.Fuzz(func(t *testing.T, created, update string, passed, most int) {
		at := PackagingCursor{Created: created, Update: update, Passed: passed, Most: most}
		if !at.Valid() {
			return // refused
		}
		vendor := &packager{rows: history(20, 3), holds: 5}
		list := Packagings[track]{ReadAfter: vendor.read, Match: func(track) bool { return true }}
		// A token that somebody made up may find nothing, or fail. The call must end, and return no
		// more rows than are wanted.
		rows, _, err := list.Next(t.Context(), &at, 7)
		if err == nil && len(rows) > 7 {
			t.Errorf("%d rows", len(rows))
		}
	})
}
