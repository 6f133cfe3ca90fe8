package sqldb

import (
	"testing"
	"time"
)

// A vendor may show a row of any time, and a caller may count in any zone. On the last day of 2040,
// Time.ZoneBounds returns an end that has passed.
func TestTheStartsOfDaysAroundTheEndOf2040(t *testing.T) {
	for _, name := range []string{
		"Europe/Berlin", "America/New_York", "Pacific/Auckland", "Africa/Cairo", "Asia/Seoul",
	} {
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		c := newClock(zone)
		for day := 28; day < 36; day++ {
			want := time.Date(2040, time.December, day, 0, 0, 0, 0, zone).Unix()
			number := time.Date(2040, time.December, day, 0, 0, 0, 0, time.UTC).Unix() / (24 * hour)
			if got := c.startOfDay(number); got != want {
				t.Errorf("%s: day %d of December begins at %d, want %d", name, day, got, want)
			}
			if got := c.day(want + 12*hour); got != number {
				t.Errorf("%s: noon of day %d of December is on day %d, want %d", name, day, got, number)
			}
		}
	}
}
