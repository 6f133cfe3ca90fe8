package emulator

import (
	"slices"
	"sort"
	"time"
)

// timeline is licenses by time, oldest first; those of one second stand in the order they were put.
type timeline []License

// put adds rows in any order. Rows that are newer than all others cost nothing but their place.
func (t *timeline) put(rows []License) {
	byTime := func(a, b License) int { return a.CreatedTime.Compare(b.CreatedTime) }
	newestHeld := max(0, len(*t)-1)
	*t = append(*t, rows...)
	if !slices.IsSortedFunc((*t)[newestHeld:], byTime) {
		slices.SortStableFunc(*t, byTime)
	}
}

// between are the rows from start, inclusive, to end, exclusive. A zero end is open.
func (t timeline) between(start, end time.Time) timeline {
	first := sort.Search(len(t), func(i int) bool { return !t[i].CreatedTime.Before(start) })
	if end.IsZero() {
		return t[first:]
	}
	last := sort.Search(len(t), func(i int) bool { return !t[i].CreatedTime.Before(end) })
	return t[first:max(first, last)]
}

// newest are up to size rows that match, newest first, after skipping the first ones; and how many
// match in all. Without a condition it looks at no other rows.
func (t timeline) newest(first, size int, matches func(License) bool) (page []License, total int) {
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

// statistics are the figures of a site, in the vendor's own spelling.
type statistics struct {
	User    int `json:"siteMontlyActiveUser"`
	Device  int `json:"siteMontlyActiveDevice"`
	License int `json:"siteMontlyActiveLicense"`
}

// statistics count the licenses issued since the first of the month, in the time zone of now.
func (t timeline) statistics(now time.Time) (figures statistics) {
	year, month, _ := now.Date()
	users, devices := map[string]bool{}, map[string]bool{}
	for _, l := range t.between(time.Date(year, month, 1, 0, 0, 0, 0, now.Location()), time.Time{}) {
		if l.LicenseStatus == StatusSuccess {
			users[l.UserIDMD5], devices[l.DeviceID] = true, true
			figures.License++
		}
	}
	figures.User, figures.Device = len(users), len(devices)
	return figures
}
