package sqldb

import (
	"maps"
	"math/rand/v2"
	"testing"
)

// Groups with few rows and groups with many count different ids, also those that come before a
// group has many rows and after it. Nothing remains for the next interval.
func TestDistinct(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var d distinct
	for _, rows := range []int{10_000, 300, 40_000} {
		want, got, seen, total := map[int]int{}, map[int]int{}, map[[2]int64]bool{}, map[int]int64{}
		for range rows {
			group, id := random.IntN(5)*random.IntN(2), 1+random.Int64N(1000)*random.Int64N(100)
			total[group]++
			d.add(group, id, total[group])
			if key := [2]int64{int64(group), id}; !seen[key] {
				seen[key] = true
				want[group]++
			}
		}
		d.count(func(group, n int) { got[group] += n })
		if !maps.Equal(got, want) {
			t.Errorf("%d rows: %v, want %v", rows, got, want)
		}
	}
}
