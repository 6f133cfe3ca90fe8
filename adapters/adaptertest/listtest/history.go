// Package listtest tests readers of lists that grow while they are read: a vendor's license
// history, where rows arrive at the start of the list and push all others back.
package listtest

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"sort"
	"sync"
	"testing"
)

// A Row is a row of a list. Equal rows are real.
type Row struct {
	Content string
	At      int64 // in seconds
}

// Second returns the row's time.
func (r Row) Second() int64 { return r.At }

// Newest is the newest second of a list that [Busy] makes.
const Newest = 1_000_000

// A History is a list of rows, newest first. Of one second's rows, the latest comes first.
type History struct {
	Rows   []Row            // oldest first
	Reads  int              // of pages
	Arrive func(h *History) // runs after every read
	PageOf func(n int) int  // the page that the vendor returns for a number
	UnitOf func(int) int    // the page size that the vendor uses for the one asked for
	Again  bool             // the vendor shows the last page again after the end
	serial int
	mu     sync.Mutex
}

// Each returns a history with n rows in each second below seconds.
func Each(seconds int64, n int) *History {
	h := &History{}
	for second := range seconds {
		h.Put(second, n, false)
	}
	return h
}

// A Shape says how a busy history looks.
type Shape struct {
	Seconds    int64 // of the history
	CrowdEvery int   // how many seconds there are for each crowded one
	Crowd      int   // the number by which the sizes of crowds differ
	Calm       int64 // how many of the newest seconds have no crowd
}

// Busy returns a history with some empty and some crowded seconds.
func Busy(s Shape) *History {
	random := rand.New(rand.NewPCG(1, 2))
	h := &History{}
	for second := Newest - s.Seconds; second < Newest; second++ {
		h.Put(second, []int{0, 1, 1, 1, 2, 3}[random.IntN(6)], random.IntN(4) == 0)
		if random.IntN(s.CrowdEvery) == 0 && second < Newest-s.Calm {
			h.Put(second, 60+random.IntN(s.Crowd), random.IntN(2) == 0)
		}
	}
	h.Put(Newest, 5, true)
	return h
}

// Arrivals returns ways in which rows arrive while a history is read.
func Arrivals() map[string]func(*History) {
	return map[string]func(*History){
		"none":                     nil,
		"in newer seconds":         func(h *History) { h.Put(Newest+int64(h.Reads), h.Reads%4, h.Reads%3 == 0) },
		"in the next second":       func(h *History) { h.Put(Newest+1, h.Reads%3, false) },
		"in the newest second":     func(h *History) { h.Put(Newest, h.Reads%3, false) },
		"equal, in the newest one": func(h *History) { h.Put(Newest, h.Reads%3, true) },
		"many at a time":           func(h *History) { h.Put(Newest+int64(h.Reads), 150*(h.Reads%2), false) },
	}
}

// Put adds n rows of one second. They are equal, or all different.
func (h *History) Put(second int64, n int, equal bool) {
	for range n {
		h.serial++
		row := Row{Content: fmt.Sprint(h.serial), At: second}
		if equal {
			row.Content = "equal"
		}
		h.Rows = append(h.Rows, row)
	}
}

// Page returns a page, numbered from 0, of the rows that are not newer than a second, and how many
// such rows there are.
func (h *History) Page(upTo int64, unit, number int) ([]Row, int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.Reads++
	if h.Arrive != nil {
		defer h.Arrive(h)
	}
	if h.PageOf != nil {
		number = h.PageOf(number)
	}
	if h.UnitOf != nil {
		unit = h.UnitOf(unit)
	}
	total := len(h.Rows)
	if upTo != math.MaxInt64 {
		total = sort.Search(total, func(i int) bool { return h.Rows[i].At > upTo })
	}
	if h.Again && total > 0 {
		number = min(number, (total-1)/unit)
	}
	end := total - min(unit*number, total)
	rows := slices.Clone(h.Rows[max(0, end-unit):end])
	slices.Reverse(rows)
	return rows, total
}

// A Next returns up to want rows that follow those it has returned, and whether there may be more.
type Next func(want int) (rows []Row, more bool, err error)

// CheckWhole reads a whole history with these page sizes in turn. It checks that every row of the
// beginning comes exactly once and in order, and no row more often than the history holds it.
func CheckWhole(t *testing.T, h *History, next Next, sizes ...int) {
	t.Helper()
	least := tally(h.Rows)
	var got []Row
	for i, more := 0, true; more; i++ {
		if i > 6000 {
			t.Fatal("the list does not end")
		}
		want := sizes[i%len(sizes)]
		var rows []Row
		var err error
		if rows, more, err = next(want); err != nil {
			t.Fatalf("page %d, after %d rows: %v", i, len(got), err)
		}
		if len(rows) > want {
			t.Fatalf("page %d holds %d rows, %d were asked for", i, len(rows), want)
		}
		got = append(got, rows...)
	}
	checkCounts(t, tally(got), least, tally(h.Rows))
	if !slices.IsSortedFunc(got, func(a, b Row) int { return cmp.Compare(b.At, a.At) }) {
		t.Error("not newest first")
	}
}

// checkCounts checks that each row came at least and at most as often as it should.
func checkCounts(t *testing.T, got, least, most map[Row]int) {
	t.Helper()
	all := maps.Clone(least)
	maps.Copy(all, got)
	for r := range all {
		if n := got[r]; n < least[r] || n > most[r] {
			t.Errorf("row %q of second %d came %d times, want %d to %d", r.Content, r.At, n, least[r], most[r])
		}
	}
}

func tally(rows []Row) map[Row]int {
	count := map[Row]int{}
	for _, r := range rows {
		count[r]++
	}
	return count
}
