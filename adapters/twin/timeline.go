package twin

import (
	"slices"
	"sort"
	"time"
)

// An Event is a row that a Timeline can hold.
type Event interface {
	// Time returns when the event happened.
	Time() time.Time
}

// A Timeline is a list of events, oldest first. Events of the same time are in the order in which
// they were put.
type Timeline[T Event] []T

// Put adds rows in any order. Rows newer than all others are appended without moving any other.
func (t *Timeline[T]) Put(rows ...T) {
	rows = slices.Clone(rows)
	slices.SortStableFunc(rows, func(a, b T) int { return a.Time().Compare(b.Time()) })
	i, j := len(*t)-1, len(rows)-1
	merged := append(*t, rows...)
	for k := len(merged) - 1; j >= 0; k-- {
		if i >= 0 && merged[i].Time().After(rows[j].Time()) {
			merged[k] = merged[i]
			i--
		} else {
			merged[k] = rows[j]
			j--
		}
	}
	*t = merged
}

// Between returns the events from start, inclusive, to end, exclusive. A zero end is open.
func (t Timeline[T]) Between(start, end time.Time) Timeline[T] {
	first := t.search(start)
	if end.IsZero() {
		return t[first:]
	}
	return t[first:max(first, t.search(end))]
}

// search returns the index of the first event that is not before at.
func (t Timeline[T]) search(at time.Time) int {
	return sort.Search(len(t), func(i int) bool { return !t[i].Time().Before(at) })
}

// Newest returns a page of the events that match, newest first, and the number of all that match.
// The page begins after the first ones and has at most size events. A nil matches accepts every
// event, and then Newest looks at no event outside of the page.
func (t Timeline[T]) Newest(first, size int, matches func(T) bool) (page []T, total int) {
	if matches == nil {
		high := max(0, len(t)-first)
		page = slices.Clone(t[max(0, high-size):high])
		slices.Reverse(page)
		return page, len(t)
	}
	for _, event := range slices.Backward(t) {
		if !matches(event) {
			continue
		}
		if total >= first && len(page) < size {
			page = append(page, event)
		}
		total++
	}
	return page, total
}
