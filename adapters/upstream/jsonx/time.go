package jsonx

import (
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// A Time is a time as the vendor writes it: a text, or a number.
type Time struct {
	Text string
	Path string // of the value, such as "data[3].reg_dt"
}

// UnmarshalJSONFrom decodes the next value.
func (t *Time) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	value, err := d.ReadValue()
	if err != nil {
		return err
	}
	*t = Time{Path: path(string(d.StackPointer()))}
	switch value.Kind() {
	case '"':
		t.Text = plain(value)
	case '0':
		t.Text = digits(string(value))
	case 'n':
	default:
		if !isNone(value) {
			return &Misfit{Path: t.Path, Expected: "a time", Got: nouns[value.Kind()]}
		}
	}
	return nil
}

// In returns the time. It is the zero time without a value. zone is that of a time without one.
func (t Time) In(zone *time.Location) (time.Time, error) {
	at, ok := ParseTime(t.Text, zone)
	if !ok {
		return at, &Misfit{Path: t.Path, Expected: "a time"}
	}
	return at, nil
}

const secondForm = "20060102150405"

// The forms of times besides seconds and milliseconds since 1970. A fraction of a second may follow
// each second.
var timeForms = []string{
	secondForm,
	time.RFC3339,
	"2006-01-02T15:04:05Z0700",
	"2006-01-02T15:04:05Z07",
	"2006-01-02T15:04:05",
	"2006-01-02 15:04:05",
	"2006-01-02 15:04:05Z07:00",
	"2006-01-02 15:04:05Z0700",
	"2006-01-02 15:04:05 Z07:00",
	"2006-01-02 15:04:05 Z0700",
	"2006/01/02 15:04:05",
	"2006-01-02T15:04Z07:00",
	"2006-01-02T15:04",
	"2006-01-02 15:04",
	"20060102T150405Z0700",
	"20060102T150405",
	"Mon, 2 Jan 2006 15:04:05", // of HTTP, without its GMT
	"Mon, 2 Jan 2006 15:04:05 -0700",
}

// ParseSecond reads a time that is written as yyyyMMddHHmmss, of which zone is the zone. A fraction
// of a second may follow.
func ParseSecond(text string, zone *time.Location) (at time.Time, ok bool) {
	year, month, day, ok := usualDay(text)
	if !ok {
		at, err := time.ParseInLocation(secondForm, text, zone)
		return at, err == nil
	}
	hour, minute, second := pair(text, 8), pair(text, 10), pair(text, 12)
	if hour > 23 || minute > 59 || second > 59 {
		return time.Time{}, false
	}
	return time.Date(year, time.Month(month), day, hour, minute, second, 0, zone), true
}

// IsSecond reports whether a text is a time that is written as yyyyMMddHHmmss.
func IsSecond(text string) bool {
	_, _, _, ok := usualDay(text)
	if ok {
		return pair(text, 8) <= 23 && pair(text, 10) <= 59 && pair(text, 12) <= 59
	}
	_, err := time.Parse(secondForm, text)
	return err == nil
}

// usualDay returns the day in a text of 14 digits. It leaves the last days of long months to the
// time package, which knows them all.
func usualDay(text string) (year, month, day int, ok bool) {
	if len(text) != len(secondForm) {
		return 0, 0, 0, false
	}
	for i := range len(text) {
		if !isDigit(text[i]) {
			return 0, 0, 0, false
		}
	}
	year, month, day = pair(text, 0)*100+pair(text, 2), pair(text, 4), pair(text, 6)
	return year, month, day, month >= 1 && month <= 12 && day >= 1 && day <= 28
}

// pair returns the number that two digits are.
func pair(text string, at int) int { return int(text[at]-'0')*10 + int(text[at+1]-'0') }

// ParseTime reads a time in any of the usual forms: RFC 3339, "2006-01-02 15:04:05",
// yyyyMMddHHmmss, that of HTTP, and seconds or milliseconds since 1970. zone is that of a time
// without one. "", 0, a negative number and "0000-00-00" mean no time: they return the zero time
// and true.
func ParseTime(text string, zone *time.Location) (time.Time, bool) {
	// In two forms, most times of most vendors are written: a second, and milliseconds since 2001.
	if usual := len(text) > 0 && text[0] >= '1' && text[0] <= '8'; usual {
		switch len(text) {
		case len(secondForm):
			if _, _, _, ok := usualDay(text); ok {
				return ParseSecond(text, zone)
			}
		case maxMillisecondDigits:
			if n, err := strconv.ParseInt(text, 10, 64); err == nil {
				return time.UnixMilli(n), true
			}
		}
	}
	return parseTime(text, zone)
}

// parseTime is ParseTime for all forms.
func parseTime(text string, zone *time.Location) (time.Time, bool) {
	text = strings.TrimSpace(text)
	if strings.Trim(text, "0-:T. Z") == "" {
		return time.Time{}, true
	}
	for _, name := range []string{" UTC", " GMT"} {
		if at, isUTC := strings.CutSuffix(text, name); isUTC {
			text, zone = at, time.UTC
		}
	}
	for _, form := range timeForms {
		if !canHaveForm(text, form) {
			continue
		}
		if at, err := time.ParseInLocation(form, text, zone); err == nil {
			if at.UTC().Year() < 1 {
				at = time.Time{}
			}
			return at, at.UTC().Year() <= 9999
		}
	}
	n, ok := wholeNumber(text)
	switch {
	case !ok || n > maxMilliseconds || n > 0 && n < 1e8: // rather a day or a count than a time before 1973
		return time.Time{}, false
	case n <= 0:
		return time.Time{}, true
	case n < 1e11: // the year 5138 in seconds, the year 1973 in milliseconds
		return time.Unix(n, 0), true
	}
	return time.UnixMilli(n), true
}

// canHaveForm reports whether a text may have one of timeForms. It spares the errors of most
// others.
func canHaveForm(text, form string) bool {
	const afterYear, afterDay = 4, 10 // where forms that begin with a year differ
	switch {
	case len(text) <= afterDay:
		return false
	case isDigit(form[afterYear]):
		return isDigit(text[afterYear]) && (len(text) == len(secondForm) || !isAllDigits(text))
	case text[afterYear] != form[afterYear]:
		return false
	}
	return form[afterYear] == ' ' || text[afterDay] == form[afterDay]
}

func isDigit(ch byte) bool { return ch >= '0' && ch <= '9' }

func isAllDigits(text string) bool { return strings.Trim(text, "0123456789") == "" }

// Day returns the day of a time, or a day alone, as YYYY-MM-DD. It returns "" for none.
func (t Time) Day(zone *time.Location) (string, error) {
	for _, form := range []string{time.DateOnly, "20060102"} {
		if day, err := time.Parse(form, strings.TrimSpace(t.Text)); err == nil {
			return day.Format(time.DateOnly), nil
		}
	}
	at, err := t.In(zone)
	if err != nil || at.IsZero() {
		return "", err
	}
	return at.In(zone).Format(time.DateOnly), nil
}

// maxMilliseconds is in the year 2286. A longer number may be a day and a time that do not exist.
const (
	maxMilliseconds      = 9_999_999_999_999
	maxMillisecondDigits = 13
)
