package archive

import (
	"math"
	"testing"
)

// Above is greater than the keys of all rows before a second, and not of any other, also for
// seconds that no row has.
func TestAboveIsBetweenTwoSeconds(t *testing.T) {
	for _, second := range []int64{MinSecond, 1_790_000_000, MaxSecond} {
		first, last := NewKey(second, 0, 0), NewKey(second, MaxSites-1, MaxOrdinals-1)
		if first.Second() != second || last.Second() != second {
			t.Errorf("the keys of %d have the seconds %d and %d", second, first.Second(), last.Second())
		}
		for _, c := range []struct {
			before int64
			has    bool
		}{
			{math.MinInt64, false},
			{0, false},
			{second, false},
			{second + 1, true},
			{253402300800, true}, // the year 10000
			{math.MaxInt64, true},
		} {
			if got := first < Above(c.before); got != c.has {
				t.Errorf("the first key of %d is below Above(%d): %t", second, c.before, got)
			}
			if got := last < Above(c.before); got != c.has && last != math.MaxInt64 {
				t.Errorf("the last key of %d is below Above(%d): %t", second, c.before, got)
			}
		}
	}
}
