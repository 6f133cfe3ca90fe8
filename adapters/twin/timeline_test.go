package twin_test

import (
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/drmhub/drmhub/adapters/twin"
)

// tick is an event: a number of seconds, and a letter that tells events of one second apart.
type tick string

// Time returns the tick's second.
func (t tick) Time() time.Time {
	seconds, _ := strconv.Atoi(string(t[:1]))
	return time.Unix(int64(seconds), 0)
}

func TestTimeline(t *testing.T) {
	var line twin.Timeline[tick]
	given := []tick{"5a", "3a", "3b"}
	line.Put(given...)
	line.Put("7a")
	line.Put("9a", "3c", "1a", "7b")
	want := []tick{"1a", "3a", "3b", "3c", "5a", "7a", "7b", "9a"}
	if !slices.Equal(line, want) || given[0] != "5a" {
		t.Errorf("%v holds %v, want %v", given, line, want)
	}

	for _, c := range []struct{ start, end, first, last int }{
		{3, 7, 1, 5}, {2, 8, 1, 7}, {0, 1, 0, 0}, {8, 4, 7, 7}, {3, 0, 1, 8},
	} {
		end := time.Time{}
		if c.end > 0 {
			end = time.Unix(int64(c.end), 0)
		}
		if got := line.Between(time.Unix(int64(c.start), 0), end); !slices.Equal(got, want[c.first:c.last]) {
			t.Errorf("from %d to %d: %v, want %v", c.start, c.end, got, want[c.first:c.last])
		}
	}

	isA := func(k tick) bool { return k[1] == 'a' }
	for _, c := range []struct {
		first, size int
		matches     func(tick) bool
		page        []tick
		total       int
	}{
		{0, 3, nil, []tick{"9a", "7b", "7a"}, 8},
		{6, 3, nil, []tick{"3a", "1a"}, 8},
		{9, 3, nil, nil, 8},
		{1, 2, isA, []tick{"7a", "5a"}, 5},
		{4, 2, isA, []tick{"1a"}, 5},
		{5, 2, isA, nil, 5},
	} {
		page, total := line.Newest(c.first, c.size, c.matches)
		if !slices.Equal(page, c.page) || total != c.total {
			t.Errorf("%d after %d: %v of %d, want %v of %d", c.size, c.first, page, total, c.page, c.total)
		}
	}
}
