package emulator

import (
	"fmt"
	"strings"
	"time"

	"github.com/drmhub/drmhub/adapters/twin"
)

// days returns the time from the parameters from and to. Start is inclusive, and end is exclusive.
// Each is zero if it is open.
func (e *Emulator) days(p twin.Params) (start, end time.Time, err error) {
	if p["from"] != "" {
		start = e.day(p["from"])
	}
	if p["to"] != "" {
		end = e.day(p["to"])
		if !e.assumed.ToExclusive {
			end = end.AddDate(0, 0, 1)
		}
	}
	if p["from"] != "" && p["to"] != "" {
		switch limit := e.assumed.MaxDays; {
		case p["from"] > p["to"]: // Days sort as text.
			return start, end, failure{e.assumed.Codes.InvalidParameter, "from is after to"}
		case limit > 0 && start.AddDate(0, 0, limit).Before(end):
			message := fmt.Sprintf("the period is longer than %d days", limit)
			return start, end, failure{e.assumed.Codes.InvalidParameter, message}
		}
	}
	return start, end, nil
}

// period is days for licenses, which are kept for a limited time.
func (e *Emulator) period(p twin.Params) (start, end time.Time, err error) {
	start, end, err = e.days(p)
	return e.kept(start), end, err
}

// kept returns the later one of start and the time of the oldest licenses that are kept.
func (e *Emulator) kept(start time.Time) time.Time {
	if keep := e.assumed.Retention; keep > 0 {
		if oldest := e.Clock().Now().Add(-keep); start.Before(oldest) {
			return oldest
		}
	}
	return start
}

// day returns the first instant of a day. The form of the day has been checked.
func (e *Emulator) day(text string) time.Time {
	t, _ := time.ParseInLocation(day, text, e.assumed.Zone)
	return t
}

// second returns an instant in the form of the vendor.
func (e *Emulator) second(t time.Time) string { return t.In(e.assumed.Zone).Format(secondLayout) }

// within reports whether t is in a period from days.
func within(t, start, end time.Time) bool {
	return !t.Before(start) && (end.IsZero() || t.Before(end))
}

// finds reports whether a search for keyword finds value. An empty keyword finds all.
func (e *Emulator) finds(value, keyword string) bool {
	if e.assumed.ExactSearch && keyword != "" {
		return value == keyword
	}
	return strings.Contains(value, keyword)
}

// bothOrNeither fails if a request has only one of two parameters.
func (e *Emulator) bothOrNeither(p twin.Params, one, other string) error {
	missing := one
	if p[other] == "" {
		missing = other
	}
	if (p[one] == "") == (p[other] == "") {
		return nil
	}
	return failure{e.assumed.Codes.MissingParameter, "missing parameter " + missing}
}

// page returns the position of the first row that the request wants, and the number of rows.
func (e *Emulator) page(p twin.Params) (first, size int, err error) {
	base := 1
	if e.assumed.ZeroBasedPages {
		base = 0
	}
	size = p.Int("page_unit", 25)
	index := p.Int("page_index", base)
	if index < base {
		message := fmt.Sprintf("invalid parameter page_index: the first page is %d", base)
		return 0, 0, failure{e.assumed.Codes.InvalidParameter, message}
	}
	return (index - base) * size, size, nil
}

// pageOf returns the response with up to size rows after the first ones.
func pageOf[R any](e *Emulator, rows []R, first, size int) response {
	total := len(rows)
	return listing(e, rows[min(first, total):min(first+size, total)], total)
}

// listing returns the response with these rows, of total that match.
func listing[R any](e *Emulator, rows []R, total int) response {
	if e.assumed.CountIsPage {
		total = len(rows)
	}
	// The slice must not be nil, which is null in JSON.
	return response{data: append([]R{}, rows...), count: &total}
}
