package licensehistory

import (
	"fmt"
	"slices"
	"testing"

	"github.com/drmhub/drmhub/adapters/adaptertest/listtest"
	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

func TestFewPagesAreReadForMany(t *testing.T) {
	for size, most := range map[int]int{10: 2010, 50: 420, 100: 420, 1000: 230} { // of 20,000 rows
		v := vendor{History: listtest.Each(20_000, 1), behind: true, totals: true}
		v.checkWhole(t, size)
		if v.Reads > most {
			t.Errorf("page_size %d: %d reads, want at most %d", size, v.Reads, most)
		}
	}
}

func TestTheEndIsWhereNoMoreRowsAre(t *testing.T) {
	for name, c := range map[string]struct {
		rows, unit, size int
		before           int // rows that filled pages earlier
		reads            int
	}{
		"a short page of an unknown vendor":       {rows: 30, size: 100, reads: 2},
		"a short page of one that fills pages":    {rows: 30, size: 100, before: 1000, reads: 1},
		"a full page, and the next call is empty": {rows: 100, size: 100, reads: 1},
		"small pages, two and three below a pin":  {rows: 60, unit: 30, size: 1000, reads: 5},
		"nothing":                                 {size: 100, reads: 1},
	} {
		r := vendor{}.reader(nil)
		r.Concurrency = 1 // or pages after the end may be asked for together with the last
		if c.before > 0 {
			r.ReadPage = vendor{History: listtest.Each(1, c.before)}.readPage
			if _, _, err := r.Next(t.Context(), Cursor{}, c.before); err != nil {
				t.Fatal(err)
			}
		}
		v := vendor{History: listtest.Each(int64(c.rows), 1), unit: c.unit}
		r.ReadPage = v.readPage
		rows, next, err := r.Next(t.Context(), Cursor{}, c.size)
		if err != nil || len(rows) != c.rows || v.Reads != c.reads || next.Empty != (c.rows == 0) {
			t.Errorf("%s: %d rows with %d reads, and continues at %v; %v", name, len(rows), v.Reads, next, err)
		}
	}
}

func TestAFilterBoundsThePagesThatAreRead(t *testing.T) {
	v := vendor{History: listtest.Each(40_000, 1)}
	r := v.reader(func(row *listtest.Row) Match {
		if row.Content == "3" {
			return Keep
		}
		return Skip
	})
	var got []listtest.Row
	calls := 0
	for at := (Cursor{}); !at.Done(); calls++ {
		before := v.Reads
		rows, next, err := r.Next(t.Context(), at, 100)
		if n := v.Reads - before; err != nil || n > maxPagesPerCall+2 {
			t.Fatalf("one call made %d reads, %v", n, err)
		}
		got, at = append(got, rows...), next
	}
	if len(got) != 1 || got[0].Content != "3" || calls > 400/maxPagesPerCall+2 {
		t.Errorf("found %v with %d calls", got, calls)
	}

	v = vendor{History: listtest.Each(4000, 1)}
	r = v.reader(func(row *listtest.Row) Match {
		if row.At < 3700 {
			return Stop
		}
		return Keep
	})
	rows, next, err := r.Next(t.Context(), Cursor{}, 1000)
	if err != nil || len(rows) != 300 || !next.Done() || v.Reads > 11 {
		t.Errorf("%d rows with %d reads, and continues at %v; %v", len(rows), v.Reads, next, err)
	}
}

func TestAVendorThatPagesOtherwiseIsNoticed(t *testing.T) {
	for name, c := range map[string]struct {
		pageOf func(int) int // from 0
		rows   int64
		vendor vendor
		calls  int // within which the contradiction shows
	}{
		"the first page is the second":       {func(n int) int { return n + 1 }, 130, vendor{totals: true}, 100},
		"pages are in another order":         {func(n int) int { return max(0, 28-n) }, 6000, vendor{}, 100},
		"rows are counted and not there":     {func(n int) int { return n * (n + 2) }, 30, vendor{total: 77}, 1},
		"no page but the first has any rows": {func(n int) int { return 1000 * n }, 30, vendor{total: 77}, 1},
	} {
		c.vendor.History = listtest.Each(c.rows, 1)
		c.vendor.PageOf = c.pageOf
		at, calls, err, r := Cursor{}, 0, error(nil), c.vendor.reader(nil)
		for ; !at.Done() && err == nil && calls < c.calls; calls++ {
			_, at, err = r.Next(t.Context(), at, 500)
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
	v := vendor{History: listtest.Each(500, 4)}
	r := v.reader(nil)
	for _, size := range []int{2, 410} { // in the recent rows, and below them
		_, at, err := r.Next(t.Context(), Cursor{}, size)
		if err != nil {
			t.Fatal(err)
		}
		kept := v.Rows
		v.Rows = slices.DeleteFunc(slices.Clone(kept), func(row listtest.Row) bool { return row.At >= at.Second-1 })
		_, _, err = r.Next(t.Context(), at, 10)
		wantContradiction(t, fmt.Sprintf("after %d rows", size), err)
		v.Rows = kept
	}
}

func TestTheTotalIsThatOfTheStart(t *testing.T) {
	for what, c := range map[string]struct {
		totals bool
		rows   int64
		want   int32
	}{
		"the vendor's number":       {true, 500, 500},
		"no number of the vendor's": {false, 500, 0},
		"all are on the first page": {false, 50, 50},
		"there are none":            {true, 0, 0},
	} {
		v := vendor{History: listtest.Each(c.rows, 1), totals: c.totals}
		v.Arrive = func(h *listtest.History) { h.Put(c.rows+int64(h.Reads), 1, false) }
		r, at := v.reader(nil), Cursor{}
		for i := 0; i < 3 && !at.Done(); i++ {
			var err error
			if _, at, err = r.Next(t.Context(), at, 10); err != nil || at.Total != c.want {
				t.Errorf("%s: %d, want %d; %v", what, at.Total, c.want, err)
			}
		}
	}
}
