package sqldb

import (
	"time"

	"github.com/drmhub/drmhub/server/internal/archive"
)

// A segment is a time in which the clocks of a zone keep one distance from UTC, in seconds.
type segment struct {
	from, to int64 // [from, to)
	offset   int64
}

// A clock computes hours, days and months of a zone. It remembers the segment of the last second,
// and is not safe for concurrent use.
type clock struct {
	zone   *time.Location
	now    segment
	months map[int64]int64 // by day
}

func newClock(zone *time.Location) *clock {
	return &clock{zone: zone, months: map[int64]int64{}}
}

// at returns the segment of a second.
func (c *clock) at(second int64) segment {
	if second < c.now.from || second >= c.now.to {
		t := time.Unix(second, 0).In(c.zone)
		_, offset := t.Zone()
		c.now = segment{from: archive.MinSecond - 400*day, to: archive.MaxSecond + 400*day, offset: int64(offset)}
		start, end := t.ZoneBounds()
		if !start.IsZero() {
			c.now.from = start.Unix()
		}
		if !end.IsZero() {
			c.now.to = end.Unix()
		}
		if c.now.to <= second { // On the last day of some years from 2040 on, ZoneBounds returns a wrong end.
			c.now.to = second + hour
		}
	}
	return c.now
}

const (
	hour = 3600
	day  = 24 * hour
)

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// hour returns the first second of the hour of a second. An hour that the clocks repeat is two
// hours.
func (c *clock) hour(second int64) int64 {
	s := c.at(second)
	return max(floorDiv(second+s.offset, hour)*hour-s.offset, s.from)
}

// day returns the number of the day of a second: days since 1970-01-01, by the zone's calendar.
func (c *clock) day(second int64) int64 { return floorDiv(second+c.at(second).offset, day) }

// month returns the month of a second, as year * 100 + month.
func (c *clock) month(second int64) int64 {
	d := c.day(second)
	m, ok := c.months[d]
	if !ok {
		t := time.Unix(d*day, 0).UTC()
		m = int64(t.Year()*100 + int(t.Month()))
		c.months[d] = m
	}
	return m
}

// startOfDay returns the first second of a day, or of the next day that the calendar has.
func (c *clock) startOfDay(number int64) int64 {
	for at := number*day - 16*hour; ; at = c.now.to { // No clock is more than 15 hours from UTC.
		s := c.at(at)
		if first := max(number*day-s.offset, s.from); first < s.to {
			return first
		}
	}
}

// startOfMonth returns the first second of a month.
func (c *clock) startOfMonth(month int64) int64 {
	first := time.Date(int(month/100), time.Month(month%100), 1, 0, 0, 0, 0, time.UTC)
	return c.startOfDay(first.Unix() / day)
}

// nextMonth returns the month after a month.
func nextMonth(month int64) int64 {
	if month%100 == 12 {
		return month + 100 - 11
	}
	return month + 1
}

// startOfWeek returns the first second of a week. Weeks begin on Monday, and 1970-01-01 was a
// Thursday.
func (c *clock) startOfWeek(number int64) int64 { return c.startOfDay(number*7 - 3) }
