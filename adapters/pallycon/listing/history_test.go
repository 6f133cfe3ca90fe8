package listing

import (
	"context"
	"fmt"
	"hash/fnv"
	"math"
	"testing"
	"time"

	"github.com/drmhub/drmhub/adapters/adaptertest/listtest"
)

// row is a row of listtest's, with its time as the vendor writes it.
type row struct{ listtest.Row }

func (r row) Second() string { return time.Unix(r.At, 0).UTC().Format(secondFormat) }

func (r row) Digest() uint32 {
	h := fnv.New32a()
	fmt.Fprint(h, r.Content, r.At)
	return h.Sum32()
}

func keepAll(*row) Match { return Keep }

// reader reads a history as PallyCon pages it.
func reader(list *listtest.History, match func(*row) Match) History[row] {
	return History[row]{Match: match, ReadPage: func(_ context.Context, unit, number int) ([]row, error) {
		page, _ := list.Page(math.MaxInt64, unit, number)
		rows := make([]row, len(page))
		for i, r := range page {
			rows[i] = row{r}
		}
		return rows, nil
	}}
}

// checkWhole checks that every row comes once, with these page sizes in turn.
func checkWhole(t *testing.T, list *listtest.History, sizes ...int) {
	t.Helper()
	at, r := &Cursor{}, reader(list, keepAll)
	listtest.CheckWhole(t, list, func(want int) ([]listtest.Row, bool, error) {
		page, next, err := r.Next(t.Context(), *at, want)
		var rows []listtest.Row
		for _, r := range page {
			rows = append(rows, r.Row)
		}
		at = next
		return rows, next != nil, err
	}, sizes...)
}

func TestEveryRowComesOnceWhileRowsArrive(t *testing.T) {
	arrivals := listtest.Arrivals()
	arrivals["many, in the newest second"] = func(h *listtest.History) {
		h.Put(listtest.Newest, 90*(h.Reads%2), true)
	}
	for name, arrive := range arrivals {
		for _, sizes := range [][]int{{1}, {2}, {25}, {999}, {1000}, {7, 1000, 1, 60}} {
			t.Run(fmt.Sprint(name, sizes), func(t *testing.T) {
				t.Parallel()
				list := listtest.Busy(listtest.Shape{Seconds: 1200, CrowdEvery: 300, Crowd: 60})
				list.Arrive = arrive
				checkWhole(t, list, sizes...)
			})
		}
	}
}

func TestASecondLargerThanThePages(t *testing.T) {
	for _, sizes := range [][]int{{1000}, {37}, {1000, 1, 400}} {
		t.Run(fmt.Sprint(sizes), func(t *testing.T) {
			list := &listtest.History{}
			list.Put(10, 300, false)
			list.Put(11, 2750, false)
			list.Put(11, 3, true)
			list.Put(12, 1700, false)
			list.Arrive = func(h *listtest.History) { h.Put(12, 1, false) }
			checkWhole(t, list, sizes...)
		})
	}
}

func TestOneReadAPageInTheUsualCase(t *testing.T) {
	list := listtest.Each(20_000, 1)
	checkWhole(t, list, 100)
	if list.Reads > 201 {
		t.Errorf("%d reads for 200 pages", list.Reads)
	}
}

func TestAVendorThatPagesOtherwiseIsNoticed(t *testing.T) {
	for name, set := range map[string]func(*listtest.History){
		"the page number is ignored": func(h *listtest.History) { h.PageOf = func(int) int { return 0 } },
		"the page size is ignored":   func(h *listtest.History) { h.UnitOf = func(int) int { return 5000 } },
		"the rows are out of order":  func(h *listtest.History) { h.Put(0, 1, false) },
	} {
		list := listtest.Each(6000, 1)
		set(list)
		at, pages, err, r := &Cursor{}, 0, error(nil), reader(list, keepAll)
		for ; at != nil && err == nil && pages < 1000; pages++ {
			_, at, err = r.Next(t.Context(), *at, 500)
		}
		wantContradiction(t, fmt.Sprintf("%s, after %d pages", name, pages), err)
	}
}

func TestAHistoryEndsAtAPageWithoutANewRow(t *testing.T) {
	for name, pageOf := range map[string]func(rows, unit, number int) int{
		"the page number is ignored": func(int, int, int) int { return 0 },
		"the last page again":        func(rows, unit, number int) int { return min(number, max(rows-1, 0)/unit) },
	} {
		for _, rows := range []int{0, 1, 25, 26, 100, 132, 500, 998, 999} {
			for _, want := range []int{1, 7, 25, 1000} {
				list, got := listtest.Each(int64(rows), 1), 0
				r := reader(list, keepAll)
				readPage := r.ReadPage
				r.ReadPage = func(ctx context.Context, unit, number int) ([]row, error) {
					return readPage(ctx, unit, pageOf(rows, unit, number))
				}
				for at := (&Cursor{}); at != nil && got <= rows; {
					page, next, err := r.Next(t.Context(), *at, want)
					if err != nil {
						t.Errorf("%s, %d of %d rows: %v", name, got, rows, err)
					}
					at, got = next, got+len(page)
				}
				if got != rows {
					t.Errorf("%s: %d rows of %d, page size %d", name, got, rows, want)
				}
			}
		}
	}
}

func TestAFilterThatFewRowsMatchReadsABoundedNumberOfPages(t *testing.T) {
	list := listtest.Each(40_000, 1)
	r := reader(list, func(r *row) Match {
		if r.Content == "3" {
			return Keep
		}
		return Skip
	})
	var got []row
	for at := (&Cursor{}); at != nil; {
		before := list.Reads
		rows, next, err := r.Next(t.Context(), *at, 100)
		if err != nil {
			t.Fatal(err)
		}
		if n := list.Reads - before; n > maxVendorPagesPerCall {
			t.Fatalf("one call made %d reads", n)
		}
		got, at = append(got, rows...), next
	}
	if len(got) != 1 || got[0].Content != "3" {
		t.Errorf("found %v", got)
	}
}

func TestWindowReachesEveryRow(t *testing.T) {
	for offset := 0; offset < 3_000_000; offset += 1 + offset/97 {
		for _, need := range []int{1, 33, 132, 432, 500, 1000} {
			unit, number := window(offset, need)
			holds := unit*(number+1) - offset
			if unit < 1 || unit > MaxUnit || unit*number > offset || holds < min(need, 400) {
				t.Fatalf("window(%d, %d) = %d, %d, which holds %d", offset, need, unit, number, holds)
			}
		}
	}
}

func FuzzCursor(f *testing.F) {
	f.Add("19700101000005", 3, 7, uint32(9))
	f.Fuzz(func(t *testing.T, second string, owed, offset int, anchor uint32) {
		list := &listtest.History{}
		for s := range 50 {
			list.Put(int64(s), 1+s%3, s%2 == 0)
		}
		at := Cursor{Second: second, Owed: owed, Offset: offset}
		if anchor != 0 {
			at.Anchor = []uint32{anchor}
		}
		// A token that somebody made up may find nothing, or fail. It must not panic.
		_, _, _ = reader(list, keepAll).Next(t.Context(), at, 10)
	})
}
