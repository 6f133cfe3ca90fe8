package sqldb

import (
	"fmt"
	"strings"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/archive"
)

// interval returns an expression for the number of a row's interval: the first second of the hour, or the
// number of the day, the week or the month. Intervals of the same kind are in the order of their numbers.
func (s *summary) interval() string {
	segments := s.clock.segments(archive.Key(s.lo).Second(), archive.Key(s.hi).Second()+1)
	second := fmt.Sprintf("((r.k >> 32) + %d)", archive.MinSecond)
	switch s.by.Interval {
	case pb.SummarizeLicensesRequest_HOUR:
		return cases(segments, func(one segment) string {
			hour := fmt.Sprintf("(%s + %d) / 3600 * 3600 - %[2]d", second, one.offset)
			if (one.from+one.offset)%3600 == 0 {
				return hour
			}
			// The clocks changed within an hour, which begins there.
			return fmt.Sprintf("CASE WHEN %[1]s < %[2]d THEN %[2]d ELSE %[1]s END", hour, one.from)
		})
	case pb.SummarizeLicensesRequest_DAY:
		return cases(segments, func(one segment) string { return fmt.Sprintf("(%s + %d) / 86400", second, one.offset) })
	case pb.SummarizeLicensesRequest_WEEK:
		return cases(segments, func(one segment) string {
			return fmt.Sprintf("((%s + %d) / 86400 + 3) / 7", second, one.offset)
		})
	case pb.SummarizeLicensesRequest_MONTH:
		return s.months()
	}
	return "0"
}

// cases returns an expression that differs by segments.
func cases(segments []segment, of func(segment) string) string {
	last := len(segments) - 1
	if last == 0 {
		return of(segments[0])
	}
	var b strings.Builder
	b.WriteString("CASE")
	for i := last; i > 0; i-- { // Most rows are of the newest segments.
		fmt.Fprintf(&b, " WHEN r.k >= %d THEN %s", archive.Above(segments[i].from), of(segments[i]))
	}
	return b.String() + " ELSE " + of(segments[0]) + " END"
}

func (s *summary) months() string {
	var months []int64
	last := s.clock.month(archive.Key(s.hi).Second())
	for m := s.clock.month(archive.Key(s.lo).Second()); m <= last; m = nextMonth(m) {
		months = append(months, m)
	}
	if len(months) == 1 {
		return fmt.Sprintf("%d + 0 * r.k", months[0]) // A bare number is a position in GROUP BY.
	}
	var b strings.Builder
	b.WriteString("CASE")
	for i := len(months) - 1; i > 0; i-- {
		fmt.Fprintf(&b, " WHEN r.k >= %d THEN %d", archive.Above(s.clock.startOfMonth(months[i])), months[i])
	}
	return b.String() + fmt.Sprintf(" ELSE %d END", months[0])
}

// start returns the first second of an interval by its number.
func (s *summary) start(number int64) int64 {
	switch s.by.Interval {
	case pb.SummarizeLicensesRequest_DAY:
		return s.clock.startOfDay(number)
	case pb.SummarizeLicensesRequest_WEEK:
		return s.clock.startOfWeek(number)
	case pb.SummarizeLicensesRequest_MONTH:
		return s.clock.startOfMonth(number)
	}
	return number
}
