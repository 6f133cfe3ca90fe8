package clickhouse

import (
	"testing"
	"time"
)

func TestDaysBeginAtTheirFirstSecond(t *testing.T) {
	for _, name := range []string{
		"UTC", "Asia/Seoul", "Africa/Cairo", "America/Havana", "America/Sao_Paulo", "Australia/Lord_Howe",
		"Asia/Beirut", "Asia/Kathmandu",
	} {
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		first := time.Date(2012, 1, 1, 0, 0, 0, 0, time.UTC).Unix() / 86400
		at := first*86400 - 2*86400
		for day := first; day < first+6*366; day++ {
			want := time.Unix(day*86400, 0).UTC().Format(time.DateOnly)
			for time.Unix(at, 0).In(zone).Format(time.DateOnly) < want {
				at += 900
			}
			if got := startOfDay(zone, day); got != at {
				t.Fatalf("%s begins at %d in %s, want %d", want, got, name, at)
			}
		}
	}
}
