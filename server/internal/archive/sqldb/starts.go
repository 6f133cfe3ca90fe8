package sqldb

import (
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// number returns the number of the interval of a second: the first second of the hour, or the
// number of the day, the week or the month. Intervals of the same kind are in the order of their
// numbers.
func (s *summary) number(second int64) int64 {
	switch s.by.Interval {
	case pb.SummarizeLicensesRequest_HOUR:
		return s.clock.hour(second)
	case pb.SummarizeLicensesRequest_DAY:
		return s.clock.day(second)
	case pb.SummarizeLicensesRequest_WEEK:
		return floorDiv(s.clock.day(second)+3, 7)
	case pb.SummarizeLicensesRequest_MONTH:
		return s.clock.month(second)
	}
	return 0
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
