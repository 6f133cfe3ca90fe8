package jsonx_test

import (
	"strings"
	"testing"
	"time"

	"github.com/drmhub/drmhub/adapters/upstream/jsonx"
)

func TestTimes(t *testing.T) {
	zone := time.FixedZone("here", 9*60*60)
	for value, want := range map[string]string{
		`"20260102030405"`:                 "2026-01-01T18:04:05Z",
		`20260102030405`:                   "2026-01-01T18:04:05Z",
		`"2026-01-02 03:04:05"`:            "2026-01-01T18:04:05Z",
		`" 2026-01-02 03:04:05.678 "`:      "2026-01-01T18:04:05.678Z",
		`"2026-01-02T03:04:05"`:            "2026-01-01T18:04:05Z",
		`"2026-01-02T03:04:05Z"`:           "2026-01-02T03:04:05Z",
		`"2026-01-02T03:04:05.5+09:00"`:    "2026-01-01T18:04:05.5Z",
		`"2026-01-02T03:04:05+0900"`:       "2026-01-01T18:04:05Z",
		`"2026-01-02 03:04:05 UTC"`:        "2026-01-02T03:04:05Z",
		`"2026-01-02 03:04:05 +0100"`:      "2026-01-02T02:04:05Z",
		`"2026/01/02 03:04:05"`:            "2026-01-01T18:04:05Z",
		`"Fri, 02 Jan 2026 03:04:05 GMT"`:  "2026-01-02T03:04:05Z",
		`"Fri, 2 Jan 2026 03:04:05 +0100"`: "2026-01-02T02:04:05Z",
		`"2026-01-02"`:                     "at: expected a time",
		`1767323045`:                       "2026-01-02T03:04:05Z",
		`"1767323045"`:                     "2026-01-02T03:04:05Z",
		`1767323045000`:                    "2026-01-02T03:04:05Z",
		`1767323045000.0`:                  "2026-01-02T03:04:05Z",
		`"1767323045678"`:                  "2026-01-02T03:04:05.678Z",
		`""`:                               "none",
		`null`:                             "none",
		`0`:                                "none",
		`-1`:                               "none",
		`[]`:                               "none",
		`"0000-00-00 00:00:00"`:            "none",
		`20260230030405`:                   "at: expected a time",
		`20260230`:                         "at: expected a time",
		`"soon"`:                           "at: expected a time",
		`"2026-13-02 03:04:05"`:            "at: expected a time",
		`99999999999999999`:                "at: expected a time",
		`1.5`:                              "at: expected a time",
		`true`:                             "at: expected a time, got true",
	} {
		var row struct {
			At jsonx.Time `json:"at"`
		}
		err := jsonx.Unmarshal("", []byte(`{"at":`+value+`}`), &row)
		at := time.Time{}
		if err == nil {
			at, err = row.At.In(zone)
		}
		got := at.UTC().Format(time.RFC3339Nano)
		switch {
		case err != nil:
			got = err.Error()
		case at.IsZero():
			got = "none"
		}
		if got != want {
			t.Errorf("%s: %s, want %s", value, got, want)
		}
	}
}

func FuzzParseTime(f *testing.F) {
	for _, s := range []string{
		"20260102030405", "2026-01-02 03:04:05", "1767323045000", "", "0", "2026-01-02T03:04:05+09:00",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		at, ok := jsonx.ParseTime(text, time.UTC)
		if ok && !at.IsZero() && (at.UTC().Year() < 0 || at.UTC().Year() > 10000) {
			t.Errorf("%q is %v", text, at)
		}
		if spaced, again := jsonx.ParseTime(" "+text+" ", time.UTC); again != ok || !spaced.Equal(at) {
			t.Errorf("%q with blanks: %v, %v, want %v, %v", strings.TrimSpace(text), spaced, again, at, ok)
		}
	})
}

func TestDays(t *testing.T) {
	for text, want := range map[string]string{
		"2026-01-02": "2026-01-02", "20260102": "2026-01-02", "20260102030405": "2026-01-02",
		"2026-01-01T20:00:00Z": "2026-01-02", "": "", "0": "", "20260230": "error", "soon": "error",
	} {
		got, err := jsonx.Time{Text: text}.Day(time.FixedZone("here", 9*60*60))
		if err != nil {
			got = "error"
		}
		if got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
