package clickhouse

import (
	"context"
	"fmt"
	"strings"
	"time"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/archive"
)

// second is the second of a row as ClickHouse computes it.
const second = "(intDiv(k, 4294967296) + 1262304000)"

// A calendar divides time into the intervals of a zone. The zone's offsets are Go's, and the
// question carries them: the servers' own rules of zones can be old.
type calendar struct {
	interval pb.SummarizeLicensesRequest_Interval
	zone     *time.Location
	pieces   []piece
}

// A piece is a time, up to the next piece, with one offset from UTC.
type piece struct{ from, offset int64 }

// calendar returns one that is right for the seconds of a question.
func (e *Engine) calendar(
	ctx context.Context, q *question, interval pb.SummarizeLicensesRequest_Interval, zone *time.Location,
) (*calendar, error) {
	if zone == nil {
		zone = time.UTC
	}
	c := &calendar{interval: interval, zone: zone}
	if interval == pb.SummarizeLicensesRequest_INTERVAL_UNSPECIFIED {
		return c, nil
	}
	c.pieces = pieces(zone, q.from.Second(), min(q.to, archive.Above(archive.MaxSecond)).Second())
	if len(c.pieces) > 8 {
		// The question has no bounds. The rows have.
		var least, most int64
		text := "SELECT min(k), max(k) FROM " + q.table + " WHERE " + q.where(q.from, q.to)
		if err := e.first().QueryRow(ctx, text).Scan(&least, &most); err != nil {
			return nil, err
		}
		c.pieces = pieces(zone, archive.Key(least).Second(), archive.Key(most).Second())
	}
	return c, nil
}

// pieces divides a time, and two days before it, where the offset of a zone changes. ZoneBounds
// also names times at which it does not change, and at the end of some years its end does not grow.
func pieces(zone *time.Location, from, to int64) (out []piece) {
	for at := from - 2*86400; at <= to; {
		t := time.Unix(at, 0).In(zone)
		if _, offset := t.Zone(); len(out) == 0 || out[len(out)-1].offset != int64(offset) {
			out = append(out, piece{at, int64(offset)})
		}
		_, end := t.ZoneBounds()
		if end.IsZero() {
			break
		}
		at = max(at+3600, end.Unix())
	}
	return out
}

// choose returns an expression for a value that each piece has.
func (c *calendar) choose(value func(piece) int64) string {
	if len(c.pieces) == 1 {
		return fmt.Sprint(value(c.pieces[0]))
	}
	var out strings.Builder
	out.WriteString("multiIf(")
	for i, p := range c.pieces[:len(c.pieces)-1] {
		fmt.Fprintf(&out, "%s < %d, toInt64(%d), ", second, c.pieces[i+1].from, value(p))
	}
	fmt.Fprintf(&out, "toInt64(%d))", value(c.pieces[len(c.pieces)-1]))
	return out.String()
}

// number is an expression for the number of a row's interval: the day's or the week's first day,
// counted from 1970, the month's year * 100 + month, or the hour's first second.
func (c *calendar) number() string {
	local := "(" + second + " + " + c.choose(func(p piece) int64 { return p.offset }) + ")"
	day := "intDiv(" + local + ", 86400)"
	switch c.interval {
	case pb.SummarizeLicensesRequest_HOUR:
		begun := second + " - " + local + " % 3600"
		return "greatest(" + begun + ", " + c.choose(func(p piece) int64 { return p.from }) + ")"
	case pb.SummarizeLicensesRequest_DAY:
		return day
	case pb.SummarizeLicensesRequest_WEEK:
		return "(" + day + " - (" + day + " + 3) % 7)"
	default:
		return "toYYYYMM(toDate(toUInt16(" + day + ")))"
	}
}

// start returns the first second of an interval by its number.
func (c *calendar) start(number int64) int64 {
	switch c.interval {
	case pb.SummarizeLicensesRequest_HOUR:
		return number
	case pb.SummarizeLicensesRequest_MONTH:
		number = time.Date(int(number/100), time.Month(number%100), 1, 0, 0, 0, 0, time.UTC).Unix() / 86400
	}
	return startOfDay(c.zone, number)
}

// startOfDay returns the first second of a day, which is counted from 1970. Where clocks go from
// midnight to a later hour, the day begins with that hour. Where midnight comes twice, it begins
// with the first.
func startOfDay(zone *time.Location, day int64) int64 {
	all := pieces(zone, day*86400-86400, day*86400+2*86400)
	for i, p := range all {
		start := max(p.from, day*86400-p.offset)
		if start < (day+1)*86400-p.offset && (i == len(all)-1 || start < all[i+1].from) {
			return start
		}
	}
	return day * 86400 // No zone lacks a day in the years of the archive, but two lack one in 2011.
}
