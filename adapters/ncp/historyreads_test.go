package ncp

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

func TestFewPagesAreReadForMany(t *testing.T) {
	for size, most := range map[int]int{10: 2010, 50: 420, 100: 420, 1000: 230} { // of 20,000 rows
		l := &headList{behind: true, totals: true}
		for second := range int64(20_000) {
			l.put(second, 1, false)
		}
		holds(t, walk(t, l, size), l.rows, l.rows)
		if l.reads > most {
			t.Errorf("page_size %d: %d reads, want at most %d", size, l.reads, most)
		}
	}
}

func TestTheEndIsWhereNoMoreRowsAre(t *testing.T) {
	for name, c := range map[string]struct {
		rows, unit, size int
		before           int // rows that filled pages earlier
		reads            int
	}{
		"a short page of a vendor that nobody knows": {30, 0, 100, 0, 2},
		"a short page of one that fills pages":       {30, 0, 100, 1000, 1},
		// and the next call finds the end
		"a page that is just full": {100, 0, 100, 0, 1},
		// two by their numbers, and three below a pin
		"smaller pages than asked for": {60, 30, 1000, 0, 5},
		"nothing":                      {0, 0, 100, 0, 1},
	} {
		w := (&headList{}).walker(nil)
		w.atOnce = 1 // or pages behind the end may be asked for together with the last
		if c.before > 0 {
			l := &headList{}
			l.put(1, c.before, false)
			w.read = l.read
			if _, _, err := w.next(t.Context(), cursor{}, c.before); err != nil {
				t.Fatal(err)
			}
		}
		l := &headList{unit: c.unit}
		for second := range int64(c.rows) {
			l.put(second, 1, false)
		}
		w.read = l.read
		rows, next, err := w.next(t.Context(), cursor{}, c.size)
		if err != nil || len(rows) != c.rows || l.reads != c.reads || next.Empty != (c.rows == 0) {
			t.Errorf("%s: %d rows with %d reads, and goes on at %v; want %d rows with %d reads; %v", name, len(rows), l.reads, next, c.rows, c.reads, err)
		}
	}
}

func TestAFilterThatFewRowsMatchReadsABoundedNumberOfPages(t *testing.T) {
	l := &headList{}
	for second := range int64(40_000) {
		l.put(second, 1, false)
	}
	w := l.walker(func(r *licenseRow) verdict {
		if r.ContentID == "3" {
			return take
		}
		return pass
	})
	var got []licenseRow
	calls := 0
	for at := (cursor{}); at.Stage != over; calls++ {
		before := l.reads
		rows, next, err := w.next(t.Context(), at, 100)
		if err != nil {
			t.Fatal(err)
		}
		if n := l.reads - before; n > pagesPerCall+2 {
			t.Fatalf("one call made %d reads", n)
		}
		got, at = append(got, rows...), next
	}
	if len(got) != 1 || got[0].ContentID != "3" || calls > 400/pagesPerCall+2 {
		t.Errorf("found %v with %d calls", got, calls)
	}
}

func TestNothingBehindTheFirstUnwantedRowIsRead(t *testing.T) {
	l := &headList{}
	for second := range int64(4000) {
		l.put(second, 1, false)
	}
	w := l.walker(func(r *licenseRow) verdict {
		if r.second < 3700 {
			return stop
		}
		return take
	})
	rows, next, err := w.next(t.Context(), cursor{}, 1000)
	if err != nil || len(rows) != 300 || next.Stage != over || l.reads > 11 {
		t.Errorf("%d rows with %d reads, and goes on at %v; %v", len(rows), l.reads, next, err)
	}
}

func TestAVendorThatPagesOtherwiseIsNoticed(t *testing.T) {
	for name, c := range map[string]struct {
		pageOf func(int) int
		totals bool
		rows   int64
	}{
		"the page number is ignored":         {func(int) int { return 1 }, false, 6000},
		"the first two pages are the same":   {func(n int) int { return max(1, n-1) }, false, 6000},
		"the first page is the second":       {func(n int) int { return n + 1 }, true, 130},
		"pages stand in another order":       {func(n int) int { return max(1, 30-n) }, false, 6000},
		"rows are counted and not there":     {func(n int) int { return n * n }, true, 30},
		"no page but the first has any rows": {func(n int) int { return 1 + 1000*(n-1) }, true, 30},
	} {
		l := &headList{pageOf: c.pageOf, totals: c.totals}
		for second := range c.rows {
			l.put(second, 1, false)
		}
		if c.rows == 30 {
			read := l.read
			w := l.walker(nil)
			w.read = func(ctx context.Context, pin int64, number int) (*page, error) {
				p, err := read(ctx, pin, number)
				p.total = 77
				return p, err
			}
			_, _, err := w.next(t.Context(), cursor{}, 500)
			wantContradiction(t, name, err)
			continue
		}
		at, pages := cursor{}, 0
		var err error
		for w := l.walker(nil); at.Stage != over && err == nil && pages < 100; pages++ {
			_, at, err = w.next(t.Context(), at, 500)
		}
		wantContradiction(t, name, err)
	}
}

func wantContradiction(t *testing.T, what string, err error) {
	t.Helper()
	if err == nil || apierror.Convert(err).Reason != pb.ErrorReason_VENDOR_RESPONSE_INVALID {
		t.Errorf("%s: %v, want VENDOR_RESPONSE_INVALID", what, err)
	}
}

func TestRowsThatAreGoneAreNoticed(t *testing.T) {
	l := &headList{}
	for second := range int64(500) {
		l.put(second, 4, false)
	}
	w := l.walker(nil)
	for _, size := range []int{2, 410} { // in the head, and below it
		_, at, err := w.next(t.Context(), cursor{}, size)
		if err != nil {
			t.Fatal(err)
		}
		kept := l.rows
		l.rows = slices.DeleteFunc(slices.Clone(l.rows), func(r licenseRow) bool { return r.second >= at.Second-1 })
		_, _, err = w.next(t.Context(), at, 10)
		wantContradiction(t, fmt.Sprintf("after %d rows", size), err)
		l.rows = kept
	}
}

func TestTheTotalIsThatOfTheBeginning(t *testing.T) {
	for what, c := range map[string]struct {
		totals bool
		rows   int64
		want   int32
	}{
		"the vendor tells":          {true, 500, 500},
		"it does not":               {false, 500, 0},
		"all are on the first page": {false, 50, 50},
		"there are none":            {true, 0, 0},
	} {
		l := &headList{totals: c.totals}
		for second := range c.rows {
			l.put(second, 1, false)
		}
		l.arrive = func(l *headList) { l.put(c.rows+int64(l.reads), 1, false) }
		w, at := l.walker(nil), cursor{}
		for range 3 {
			var err error
			if _, at, err = w.next(t.Context(), at, 10); err != nil || at.Total != c.want {
				t.Errorf("%s: %d, want %d; %v", what, at.Total, c.want, err)
			}
			if at.Stage == over {
				break
			}
		}
	}
}
