package pallycon

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// headList is a list like the vendor's: newest first, cut into numbered pages, with rows arriving
// at its head.
type headList struct {
	rows   []licenseRow // oldest first
	serial int
	reads  int
	arrive func(l *headList) // before every read
	pageOf func(unit, number int) (int, int)
}

// put adds n rows of one second at the head; those with equal share everything.
func (l *headList) put(second, n int, equal bool) {
	for range n {
		l.serial++
		row := licenseRow{CID: fmt.Sprint(l.serial), RegTime: time.Unix(int64(second), 0).UTC().Format(secondFormat)}
		if equal {
			row.CID = "equal"
		}
		l.rows = append(l.rows, row)
	}
}

func (l *headList) read(_ context.Context, unit, number int) ([]licenseRow, error) {
	l.reads++
	if l.arrive != nil {
		defer l.arrive(l)
	}
	if l.pageOf != nil {
		unit, number = l.pageOf(unit, number)
	}
	end := len(l.rows) - min(unit*number, len(l.rows))
	page := slices.Clone(l.rows[max(0, end-unit):end])
	slices.Reverse(page)
	return page, nil
}

// walk reads the whole list with these page sizes, one after the other and over again.
func walk(t *testing.T, l *headList, sizes ...int) []licenseRow {
	t.Helper()
	var got []licenseRow
	at := &cursor{}
	for i := 0; at != nil; i++ {
		size := sizes[i%len(sizes)]
		rows, next, err := pager{read: l.read, match: func(*licenseRow) verdict { return take }}.next(t.Context(), at.sane(), size)
		if err != nil {
			t.Fatalf("page %d: %v", i, err)
		}
		if len(rows) > size {
			t.Fatalf("page %d holds %d rows, %d were asked for", i, len(rows), size)
		}
		if i > 6000 {
			t.Fatal("the list does not end")
		}
		got = append(got, rows...)
		at = next
	}
	return got
}

// holds checks that got has every row of want exactly once, in order, equal rows as often as want;
// rows that arrived later may be among them.
func holds(t *testing.T, got, want []licenseRow) {
	t.Helper()
	count := map[licenseRow]int{}
	for _, r := range want {
		count[r]++
	}
	for _, r := range got {
		count[r]--
	}
	held := map[licenseRow]bool{}
	for _, r := range want {
		held[r] = true
	}
	for r, n := range count {
		if n != 0 && held[r] {
			t.Errorf("row %s of %s: %d too few", r.CID, r.RegTime, n)
		}
	}
	if !slices.IsSortedFunc(got, func(a, b licenseRow) int { return strings.Compare(b.RegTime, a.RegTime) }) {
		t.Error("not newest first")
	}
}

func TestEveryRowComesOnceWhileRowsArrive(t *testing.T) {
	arrivals := map[string]func(*headList){
		"none":                       nil,
		"in newer seconds":           func(l *headList) { l.put(1_000_000+l.reads, l.reads%4, l.reads%3 == 0) },
		"in the newest second":       func(l *headList) { l.put(1_000_000, l.reads%3, false) },
		"equal, in the newest one":   func(l *headList) { l.put(1_000_000, l.reads%3, true) },
		"many at a time":             func(l *headList) { l.put(1_000_000+l.reads, 150*(l.reads%2), false) },
		"many, in the newest second": func(l *headList) { l.put(1_000_000, 90*(l.reads%2), true) },
	}
	for name, arrive := range arrivals {
		for _, sizes := range [][]int{{1}, {2}, {25}, {999}, {1000}, {7, 1000, 1, 60}} {
			t.Run(fmt.Sprint(name, sizes), func(t *testing.T) {
				t.Parallel()
				random := rand.New(rand.NewPCG(1, 2))
				l := &headList{}
				// some seconds are empty, some hold a crowd
				for second := 1_000_000 - 1200; second <= 1_000_000; second++ {
					l.put(second, []int{0, 1, 1, 1, 2, 3}[random.IntN(6)], random.IntN(4) == 0)
					if random.IntN(300) == 0 {
						l.put(second, 60+random.IntN(60), random.IntN(2) == 0)
					}
				}
				l.put(1_000_000, 5, true)
				want := slices.Clone(l.rows)
				l.arrive = arrive
				holds(t, walk(t, l, sizes...), want)
			})
		}
	}
}

func TestASecondLargerThanThePages(t *testing.T) {
	for _, sizes := range [][]int{{1000}, {37}, {1000, 1, 400}} {
		t.Run(fmt.Sprint(sizes), func(t *testing.T) {
			l := &headList{}
			l.put(10, 300, false)
			l.put(11, 2750, false)
			l.put(11, 3, true)
			l.put(12, 1700, false)
			want := slices.Clone(l.rows)
			l.arrive = func(l *headList) { l.put(12, 1, false) }
			holds(t, walk(t, l, sizes...), want)
		})
	}
}

func TestOneReadAPageInTheUsualCase(t *testing.T) {
	l := &headList{}
	for second := range 20_000 {
		l.put(second, 1, false)
	}
	holds(t, walk(t, l, 100), l.rows)
	if l.reads > 201 {
		t.Errorf("%d reads for 200 pages", l.reads)
	}
}

func TestAVendorThatPagesOtherwiseIsNoticed(t *testing.T) {
	for name, c := range map[string]struct {
		pageOf func(unit, number int) (int, int)
		rows   func([]licenseRow) []licenseRow
	}{
		"the page number is ignored": {pageOf: func(unit, _ int) (int, int) { return unit, 0 }},
		"the page size is ignored":   {pageOf: func(_, number int) (int, int) { return 5000, number }},
	} {
		l := &headList{pageOf: c.pageOf}
		for second := range 6000 {
			l.put(second, 1, false)
		}
		at, pages := &cursor{}, 0
		var err error
		for ; at != nil && err == nil && pages < 1000; pages++ {
			_, at, err = pager{read: l.read, match: func(*licenseRow) verdict { return take }}.next(t.Context(), at.sane(), 500)
		}
		if err == nil || apierror.Convert(err).Reason != pb.ErrorReason_VENDOR_RESPONSE_INVALID {
			t.Errorf("%s: %v after %d pages, want VENDOR_RESPONSE_INVALID", name, err, pages)
		}
	}
	l := &headList{}
	l.put(5, 1, false)
	l.put(4, 1, false)
	if _, _, err := (pager{read: l.read}).next(t.Context(), cursor{}, 10); err == nil {
		t.Error("rows out of order were taken")
	}
}

func TestAFilterThatFewRowsMatchReadsABoundedNumberOfPages(t *testing.T) {
	l := &headList{}
	for second := range 40_000 {
		l.put(second, 1, false)
	}
	match := func(r *licenseRow) verdict {
		if r.CID == "3" {
			return take
		}
		return pass
	}
	var got []licenseRow
	calls := 0
	for at := (&cursor{}); at != nil; calls++ {
		before := l.reads
		rows, next, err := pager{read: l.read, match: match}.next(t.Context(), *at, 100)
		if err != nil {
			t.Fatal(err)
		}
		if n := l.reads - before; n > maxVendorPagesPerCall {
			t.Fatalf("one call made %d reads", n)
		}
		got, at = append(got, rows...), next
	}
	if len(got) != 1 || got[0].CID != "3" {
		t.Errorf("found %v", got)
	}
	t.Logf("%d calls, %d reads", calls, l.reads)
}

func TestWindowReachesEveryRow(t *testing.T) {
	for offset := 0; offset < 3_000_000; offset += 1 + offset/97 {
		for _, need := range []int{1, 33, 132, 432, 500, 1000} {
			unit, number := window(offset, need)
			holds := unit*(number+1) - offset
			if unit < 1 || unit > maxUnit || unit*number > offset || holds < min(need, 400) {
				t.Fatalf("window(%d, %d) = %d, %d, which holds %d", offset, need, unit, number, holds)
			}
		}
	}
}

func FuzzCursor(f *testing.F) {
	f.Add("19700101000005", 3, 7, uint32(9))
	f.Fuzz(func(t *testing.T, second string, owed, offset int, anchor uint32) {
		l := &headList{}
		for s := range 50 {
			l.put(s, 1+s%3, s%2 == 0)
		}
		at := cursor{Second: second, Owed: owed, Offset: offset}
		if anchor != 0 {
			at.Anchor = []uint32{anchor}
		}
		// A token that somebody made up may find nothing, or fail; it must not break anything.
		_, _, _ = pager{read: l.read, match: func(*licenseRow) verdict { return take }}.next(t.Context(), at.sane(), 10)
	})
}
