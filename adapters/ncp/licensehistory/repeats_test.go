package licensehistory

import (
	"fmt"
	"testing"

	"github.com/drmhub/drmhub/adapters/adaptertest/listtest"
)

func TestAPageThatRepeatsIsTheEnd(t *testing.T) {
	pages := func(pageOf func(int) int) *listtest.History { return &listtest.History{PageOf: pageOf} }
	first := func(int) int { return 0 }
	for name, repeating := range map[string]vendor{
		"the last page again":                      {History: &listtest.History{Again: true}},
		"the last page again, and endTime ignored": {History: &listtest.History{Again: true}, blind: true},
		"the number is ignored":                    {History: pages(first)},
		"everything is ignored":                    {blind: true, History: pages(first)},
		"the first two pages are the same":         {History: pages(func(n int) int { return max(0, n-1) })},
	} {
		for _, c := range []struct {
			seconds int64
			each    int // second, of which all rows are equal if there are several
			unit    int
			reads   int // with one call for all rows
		}{
			{1, 1, 0, 2}, {1, 3, 0, 2}, {5, 1, 0, 2}, {5, 3, 0, 2}, {1, 40, 0, 3}, {99, 1, 0, 2}, {4, 1, 40, 2},
			{100, 1, 0, 3}, {150, 1, 0, 4}, {200, 1, 0, 5}, {700, 1, 0, 16}, {300, 2, 0, 14}, {300, 2, 250, 6},
		} {
			if c.each == 40 && name == "the first two pages are the same" {
				continue // They could be real.
			}
			if name == "everything is ignored" && c.seconds > 100 {
				continue // It shows no more than a page.
			}
			for _, totals := range []bool{true, false} {
				for _, sizes := range [][]int{{1000}, {100}, {1}, {7, 1000, 1, 60}} {
					v := repeating
					v.History = &listtest.History{}
					if repeating.History != nil {
						v.PageOf, v.Again = repeating.PageOf, repeating.Again
					}
					for second := range c.seconds {
						v.Put(second, c.each, c.each > 1)
					}
					v.totals, v.unit, v.whole = totals, c.unit, totals && sizes[0] == 7
					t.Run(fmt.Sprint(name, c, totals, sizes), func(t *testing.T) {
						if sizes[0] == 1000 {
							v.readers = 1 // Others could read on before the end is seen.
						}
						v.checkWhole(t, sizes...)
						c.reads += 2 // where no total says that the full page was the last one
						if sizes[0] == 1000 && v.Reads > c.reads {
							t.Errorf("%d reads, want at most %d", v.Reads, c.reads)
						}
					})
				}
			}
		}
	}
}

func TestEqualPagesOfOneSecondAreReal(t *testing.T) {
	for _, again := range []bool{true, false} {
		for _, n := range []int{200, 250, 300, 430} {
			for _, totals := range []bool{true, false} {
				for second := range int64(2) { // in the newest seconds, and below them
					t.Run(fmt.Sprint(again, n, totals, second), func(t *testing.T) {
						v := vendor{History: &listtest.History{Again: again}, totals: totals}
						v.Put(10, 5, false)
						v.Put(20, n, true)
						v.Put(20+7*second, 5, false)
						v.checkWhole(t, 1000)
						v.Reads = 0
						v.checkWhole(t, 33)
					})
				}
			}
		}
	}
}

func TestACrowdedSecondHidesNoOlderRowsIfNumbersAreIgnored(t *testing.T) {
	for _, blind := range []bool{false, true} {
		for _, size := range []int{1000, 30} {
			v := vendor{History: &listtest.History{PageOf: func(int) int { return 0 }}, blind: blind}
			v.Put(10, 50, false)
			v.Put(20, 150, true) // of which the vendor shows no more than a page
			v.Put(29, 1, false)
			at, r, got := Cursor{}, v.reader(nil), 0
			for calls := 0; !at.Done() && calls < 20; calls++ {
				rows, next, err := r.Next(t.Context(), at, size)
				if err != nil {
					t.Fatal(err)
				}
				got, at = got+len(rows), next
			}
			if want := map[bool]int{false: 151, true: 100}[blind]; got != want || !at.Done() || v.Reads > 20 {
				t.Errorf("endTime ignored %t: %d rows with %d reads, want %d", blind, got, v.Reads, want)
			}
		}
	}
}
