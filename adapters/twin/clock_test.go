package twin_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/drmhub/drmhub/adapters/twin"
)

func TestClockFollowsItsBaseFromWhereItWasSet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var clock twin.Clock
		if got := clock.Now(); !got.Equal(time.Now()) || got.Location() != time.UTC {
			t.Errorf("a new clock shows %v, want real time in UTC", got)
		}
		set := time.Date(2020, 3, 2, 23, 59, 59, 0, time.FixedZone("KST", 9*3600))
		clock.Set(set)
		time.Sleep(time.Minute)
		clock.Advance(time.Hour)
		if got, want := clock.Now(), set.Add(time.Hour+time.Minute); !got.Equal(want) {
			t.Errorf("clock shows %v, want %v", got, want)
		}
	})
}

func TestAFrozenClockShowsWhatItWasMovedTo(t *testing.T) {
	clock := twin.FrozenClock(now)
	clock.Advance(-time.Second)
	if got := clock.Now(); !got.Equal(now.Add(-time.Second)) {
		t.Errorf("clock shows %v", got)
	}
	clock.Set(now.AddDate(1, 0, 0))
	if got := clock.Now(); got.Year() != 2027 {
		t.Errorf("clock shows %v", got)
	}
}

func TestRandIsReproducibleAndSeparateByPurpose(t *testing.T) {
	draw := func(seed uint64, purpose string) uint64 { return twin.Rand(seed, purpose).Uint64() }
	if a := draw(1, "a"); a != draw(1, "a") || a == draw(1, "b") || a == draw(2, "a") {
		t.Error("only the same seed and purpose give the same numbers")
	}
}
