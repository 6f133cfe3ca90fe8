package ncp

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sort"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// headList is a list like the vendor's: newest first, cut into numbered pages, with rows arriving
// at its head.
type headList struct {
	unit   int  // how many rows a page has at most; 0 is as many as are asked for
	behind bool // the second behind a pin is shown too
	totals bool // every page tells how many rows there are

	mu     sync.Mutex
	rows   []licenseRow // oldest first
	serial int
	reads  int
	arrive func(l *headList)         // after every read
	pageOf func(page int) (used int) // how the vendor understands a page's number
}

// put adds n rows of one second at the head; those that are equal share everything.
func (l *headList) put(second int64, n int, equal bool) {
	for range n {
		l.serial++
		row := licenseRow{ContentID: fmt.Sprint(l.serial), second: second}
		if equal {
			row.ContentID = "equal"
		}
		l.rows = append(l.rows, row)
	}
}

func (l *headList) read(_ context.Context, pin int64, number int) (*page, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.reads++
	if l.arrive != nil {
		defer l.arrive(l)
	}
	if l.pageOf != nil {
		number = l.pageOf(number)
	}
	upTo := len(l.rows)
	if pin != unpinned {
		last := pin
		if l.behind {
			last++
		}
		upTo = sort.Search(upTo, func(i int) bool { return l.rows[i].second > last })
	}
	unit := pageSize
	if l.unit > 0 {
		unit = l.unit
	}
	end := upTo - min(unit*(number-1), upTo)
	p := &page{rows: slices.Clone(l.rows[max(0, end-unit):end])}
	slices.Reverse(p.rows)
	if l.totals {
		p.total = int32(upTo)
	}
	return p, nil
}

func (l *headList) walker(match func(*licenseRow) verdict) walker {
	if match == nil {
		match = func(*licenseRow) verdict { return take }
	}
	return walker{read: l.read, match: match, atOnce: 3, fullPages: &atomic.Bool{}}
}

// walk reads the whole list with these page sizes, one after the other and over again.
func walk(t *testing.T, l *headList, sizes ...int) []licenseRow {
	t.Helper()
	var got []licenseRow
	at, w := cursor{}, l.walker(nil)
	for i := 0; at.Stage != over; i++ {
		size := sizes[i%len(sizes)]
		rows, next, err := w.next(t.Context(), at, size)
		if err != nil {
			t.Fatalf("page %d, after %d rows: %v", i, len(got), err)
		}
		if len(rows) > size {
			t.Fatalf("page %d holds %d rows, %d were asked for", i, len(rows), size)
		}
		if i > 6000 {
			t.Fatal("the list does not end")
		}
		got, at = append(got, rows...), next
	}
	return got
}

// holds checks that got has every row of want exactly once, in order, equal rows as often as want;
// rows that arrived later may be among them.
func holds(t *testing.T, got, want []licenseRow, arrived []licenseRow) {
	t.Helper()
	count := map[licenseRow]int{}
	for _, r := range got {
		count[r]++
	}
	least, most := map[licenseRow]int{}, map[licenseRow]int{}
	for _, r := range want {
		least[r]++
	}
	for _, r := range arrived {
		most[r]++
	}
	for r, n := range most {
		if count[r] < least[r] || count[r] > n {
			t.Errorf("row %s of %d came %d times, want %d to %d", r.ContentID, r.second, count[r], least[r], n)
		}
	}
	if len(count) > len(most) {
		t.Errorf("%d kinds of rows came, and the list has %d", len(count), len(most))
	}
	if !slices.IsSortedFunc(got, func(a, b licenseRow) int { return int(b.second - a.second) }) {
		t.Error("not newest first")
	}
}

const newest = 1_000_000

// busy is a list with some empty seconds, and some crowds below its head.
func busy() *headList {
	random := rand.New(rand.NewPCG(1, 2))
	l := &headList{}
	for second := int64(newest - 600); second < newest; second++ {
		l.put(second, []int{0, 1, 1, 1, 2, 3}[random.IntN(6)], random.IntN(4) == 0)
		if second < newest-10 && random.IntN(200) == 0 {
			l.put(second, 60+random.IntN(300), random.IntN(2) == 0)
		}
	}
	l.put(newest, 5, true)
	return l
}

func TestEveryRowComesOnceWhileRowsArrive(t *testing.T) {
	arrivals := map[string]func(*headList){
		"none":                     nil,
		"in newer seconds":         func(l *headList) { l.put(newest+int64(l.reads), l.reads%4, l.reads%3 == 0) },
		"in the next second":       func(l *headList) { l.put(newest+1, l.reads%3, false) },
		"in the newest second":     func(l *headList) { l.put(newest, l.reads%3, false) },
		"equal, in the newest one": func(l *headList) { l.put(newest, l.reads%3, true) },
		"many at a time":           func(l *headList) { l.put(newest+int64(l.reads), 150*(l.reads%2), false) },
	}
	for vendor, set := range map[string]func(*headList){
		"as the API pages of 2026 say":     func(l *headList) { l.behind, l.totals = true, true },
		"endTime exclusive, and no totals": func(*headList) {},
		"pages of 30":                      func(l *headList) { l.behind, l.unit = true, 30 },
		"pages of 250":                     func(l *headList) { l.behind, l.unit = true, 250 },
	} {
		for name, arrive := range arrivals {
			for _, sizes := range [][]int{{1}, {25}, {999}, {1000}, {7, 1000, 1, 60}} {
				t.Run(fmt.Sprint(vendor, ", ", name, sizes), func(t *testing.T) {
					t.Parallel()
					l := busy()
					set(l)
					want := slices.Clone(l.rows)
					l.arrive = arrive
					holds(t, walk(t, l, sizes...), want, l.rows)
				})
			}
		}
	}
}

func TestASecondLargerThanManyPages(t *testing.T) {
	for _, behind := range []bool{false, true} {
		for _, sizes := range [][]int{{1000}, {37}, {1000, 1, 400}} {
			t.Run(fmt.Sprint(behind, sizes), func(t *testing.T) {
				l := &headList{behind: behind}
				l.put(10, 300, false)
				l.put(11, 2750, false)
				l.put(11, 900, true)
				l.put(12, 4500, true) // more than one call may read
				l.put(12, 4600, false)
				l.put(20, 3, false)
				want := slices.Clone(l.rows)
				l.arrive = func(l *headList) { l.put(21, 1, false) }
				holds(t, walk(t, l, sizes...), want, l.rows)
			})
		}
	}
}

func TestACrowdInTheNewestSeconds(t *testing.T) {
	for name, arrive := range map[string]func(*headList){
		"that stays as it is": nil,
		"that grows a while": func(l *headList) {
			if l.reads < 15 {
				l.put(newest, 1, true)
			}
		},
		"that newer rows follow": func(l *headList) { l.put(newest+1+int64(l.reads), 1, false) },
	} {
		for _, unit := range []int{0, 40} {
			for _, sizes := range [][]int{{1000}, {90, 33}} {
				t.Run(fmt.Sprint(name, unit, sizes), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) { // for the pauses between readings
						l := &headList{behind: true, unit: unit}
						l.put(newest-2, 120, false)
						l.put(newest-1, 150, true)
						l.put(newest, 130, false)
						l.put(newest, 100, true)
						want := slices.Clone(l.rows)
						l.arrive = arrive
						holds(t, walk(t, l, sizes...), want, l.rows)
					})
				})
			}
		}
	}
}

func TestACrowdThatNeverStopsIsAnErrorAndNoMistake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &headList{}
		l.put(newest, 150, false)
		l.arrive = func(l *headList) { l.put(newest, 1, false) }
		_, _, err := l.walker(nil).next(t.Context(), cursor{}, 100)
		if e := apierror.Convert(err); err == nil || e.Code != codes.Unavailable || e.Reason != pb.ErrorReason_VENDOR_UNAVAILABLE {
			t.Errorf("%v, want UNAVAILABLE", err)
		}
		if l.reads > 30 {
			t.Errorf("%d pages were read", l.reads)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, _, err := l.walker(nil).next(ctx, cursor{}, 100); apierror.Convert(err).Code != codes.Canceled {
			t.Errorf("for a caller who has gone: %v", err)
		}
	})
	l := &headList{}
	l.put(newest, headPages*pageSize+1, false)
	if _, _, err := l.walker(nil).next(t.Context(), cursor{}, 100); apierror.Convert(err).Code != codes.Unavailable || l.reads > headPages+1 {
		t.Errorf("a head without end: %v after %d pages", err, l.reads)
	}
}

func FuzzCursor(f *testing.F) {
	f.Add(1, int64(30), 3, 1, 2)
	f.Add(2, int64(30), 0, 2, 1)
	f.Add(2, int64(-5), -1, -1, -1)
	f.Add(7, int64(1<<62), 1<<40, 1<<40, 1<<40)
	f.Fuzz(func(t *testing.T, stage_ int, second int64, owed, number, passed int) {
		synctest.Test(t, func(t *testing.T) {
			l := &headList{behind: true}
			for s := range int64(50) {
				l.put(s, 1+int(s%3), s%2 == 0)
			}
			at := cursor{Stage: stage(stage_), Second: second, Owed: owed, Page: number, Passed: passed}
			// A token that somebody made up may find nothing, or fail; it must not break anything,
			// nor go on without end.
			rows, _, err := l.walker(nil).next(t.Context(), at, 10)
			if err == nil && len(rows) > 10 || l.reads > headReadings*headPages+pagesPerCall {
				t.Errorf("%d rows with %d reads, %v", len(rows), l.reads, err)
			}
		})
	})
}
