package jsonx

import (
	"testing"
	"time"
)

// FuzzParseSecond demands that the usual times are read as all others are.
func FuzzParseSecond(f *testing.F) {
	for _, s := range []string{
		"20260102030405", "20260229030405", "20240229235959", "20261301000000", "20260132000000", "20260128240000",
		"20260128006000", "20260128000060", "00000101000000", "99991231235959", "20260102030405.5", "2026010203040x",
		"1767323045000", "8999999999999", "9999999999999", "176732304500x", "+767323045000", "10000101000000", "",
		"2026\xff10203040", "20261115013000",
	} {
		f.Add(s)
	}
	summer, err := time.LoadLocation("America/New_York")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, zone := range []*time.Location{time.UTC, time.FixedZone("here", 9*60*60), summer} {
			want, err := time.ParseInLocation(secondForm, text, zone)
			got, ok := ParseSecond(text, zone)
			if ok != (err == nil) || IsSecond(text) != ok || !got.Equal(want) || got.Location() != want.Location() {
				t.Errorf("%q is %v, %t, want %v, %v", text, got, ok, want, err)
			}
			want, wantOK := parseTime(text, zone)
			got, ok = ParseTime(text, zone)
			if ok != wantOK || !got.Equal(want) {
				t.Errorf("%q is the time %v, %t, want %v, %t", text, got, ok, want, wantOK)
			}
		}
	})
}
