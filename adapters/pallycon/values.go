package pallycon

import (
	"strconv"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/upstream/jsonx"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// The formats of PallyCon's times.
const (
	secondFormat = "20060102150405" // yyyyMMddHHmmss
	dayFormat    = time.DateOnly
)

// unreadable returns the error of a thing that PallyCon showed with a value that cannot be read.
func unreadable(thing string, misfit error) *apierror.Error {
	return apierror.New(codes.Internal, pb.ErrorReason_VENDOR_RESPONSE_INVALID,
		"PallyCon shows %s with a value that drmhub cannot use: %v", thing, misfit)
}

// number returns the text of an id that is a number, or "" for none.
func number(id int64) string {
	if id <= 0 {
		return ""
	}
	return strconv.FormatInt(id, 10)
}

// checkTimes returns the error of a thing whose times cannot be read.
func checkTimes(thing string, times ...jsonx.Time) error {
	for _, t := range times {
		if _, err := t.In(time.UTC); err != nil {
			return unreadable(thing, err)
		}
	}
	return nil
}

// second returns a time in any of its usual forms as yyyyMMddHHmmss in PallyCon's zone. It returns
// "" for none.
func (a *Adapter) second(t jsonx.Time) (string, error) {
	if isSecond(t.Text) {
		return t.Text, nil
	}
	at, err := t.In(a.config.TimeZone)
	if err != nil || at.IsZero() {
		return "", err
	}
	return at.In(a.config.TimeZone).Format(secondFormat), nil
}

// isSecond reports whether s is yyyyMMddHHmmss.
func isSecond(s string) bool { return jsonx.IsSecond(s) }

// isDay reports whether s is a date of the calendar.
func isDay(s string) bool {
	_, err := time.Parse(dayFormat, s)
	return err == nil
}

// code returns the vendor's code for a value.
func code[V comparable](codes map[string]V, value V) string {
	for c, v := range codes {
		if v == value {
			return c
		}
	}
	return ""
}
