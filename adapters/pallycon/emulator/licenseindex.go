package emulator

import (
	"slices"
	"sort"
	"time"
)

// shelf holds the licenses of a site three times over, so that every search by status and day finds
// its rows and their number without looking at any other.
type licenseIndex struct{ all, success, fail timeline }

// put adds rows in any order.
func (s *licenseIndex) put(rows []*License) {
	slices.SortStableFunc(rows, func(a, b *License) int { return a.RegTime.Compare(b.RegTime) })
	var success, fail []*License
	for _, l := range rows {
		if l.Status == StatusSuccess {
			success = append(success, l)
		} else {
			fail = append(fail, l)
		}
	}
	s.all.merge(rows)
	s.success.merge(success)
	s.fail.merge(fail)
}

// of are the rows with that status, or all where it is empty.
func (s *licenseIndex) of(status string) timeline {
	switch status {
	case StatusSuccess:
		return s.success
	case StatusFail:
		return s.fail
	}
	return s.all
}

// timeline is licenses by time, oldest first; those of one second stand in the order they were put.
type timeline []*License

// merge adds rows that are in order themselves. Rows newer than all others cost nothing but their
// place.
func (t *timeline) merge(rows []*License) {
	i, j := len(*t)-1, len(rows)-1
	merged := append(*t, rows...)
	for k := len(merged) - 1; j >= 0; k-- {
		if i >= 0 && merged[i].RegTime.After(rows[j].RegTime) {
			merged[k] = merged[i]
			i--
		} else {
			merged[k] = rows[j]
			j--
		}
	}
	*t = merged
}

// between are the rows from start, inclusive, to end, exclusive. A zero end is open.
func (t timeline) between(start, end time.Time) timeline {
	first := sort.Search(len(t), func(i int) bool { return !t[i].RegTime.Before(start) })
	if end.IsZero() {
		return t[first:]
	}
	last := sort.Search(len(t), func(i int) bool { return !t[i].RegTime.Before(end) })
	return t[first:max(first, last)]
}

// newest are up to size rows that match, newest first, after skipping the first ones; and how many
// match in all. Without a condition it looks at no other rows.
func (t timeline) newest(first, size int, matches func(*License) bool) (page []*License, total int) {
	if matches == nil {
		high := max(0, len(t)-first)
		page = slices.Clone(t[max(0, high-size):high])
		slices.Reverse(page)
		return page, len(t)
	}
	for _, l := range slices.Backward(t) {
		if !matches(l) {
			continue
		}
		if total >= first && len(page) < size {
			page = append(page, l)
		}
		total++
	}
	return page, total
}
