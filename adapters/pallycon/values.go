package pallycon

import "time"

// The formats of PallyCon's times.
const (
	secondFormat = "20060102150405" // yyyyMMddHHmmss
	dayFormat    = time.DateOnly
)

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
