package emulator

import (
	"fmt"
	"strings"
	"time"

	"github.com/drmhub/drmhub/adapters/twin"
)

// days is the time that from and to span: start inclusive, end exclusive, either zero where it is
// open.
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
		case p["from"] > p["to"]: // days of this form sort as text
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

// kept is start, or the time of the oldest licenses kept where that is later.
func (e *Emulator) kept(start time.Time) time.Time {
	if keep := e.assumed.Retention; keep > 0 {
		if oldest := e.Clock().Now().Add(-keep); start.Before(oldest) {
			return oldest
		}
	}
	return start
}

// day is the first instant of a day whose form has been checked.
func (e *Emulator) day(text string) time.Time {
	t, _ := time.ParseInLocation(day, text, e.assumed.Zone)
	return t
}

// second is an instant as the vendor shows it.
func (e *Emulator) second(t time.Time) string { return t.In(e.assumed.Zone).Format(secondLayout) }

// within reports whether t lies in a period as days makes it.
func within(t, start, end time.Time) bool {
	return !t.Before(start) && (end.IsZero() || t.Before(end))
}

// finds reports whether a search for keyword finds value. An empty keyword is no search.
func (e *Emulator) finds(value, keyword string) bool {
	if e.assumed.ExactSearch && keyword != "" {
		return value == keyword
	}
	return strings.Contains(value, keyword)
}

// bothOrNeither refuses a request that has only one of two parameters that mean nothing alone.
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

// page is the position of the first row that the request wants, and how many rows.
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

// pageOf is the answer with up to size of the rows, after the first ones.
func pageOf[R any](e *Emulator, rows []R, first, size int) answer {
	total := len(rows)
	return listing(e, rows[min(first, total):min(first+size, total)], total)
}

// listing is the answer with these rows, of total that match.
func listing[R any](e *Emulator, rows []R, total int) answer {
	if e.assumed.CountIsPage {
		total = len(rows)
	}
	// a slice that is not nil, or no rows would be null
	return answer{append([]R{}, rows...), &total}
}
