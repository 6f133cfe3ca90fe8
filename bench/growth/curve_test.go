package main

import (
	"strings"
	"testing"
)

func TestACurveMayNotGrowFasterThanNLogN(t *testing.T) {
	for name, c := range map[string]struct {
		last float64
		ok   bool
	}{
		"constant": {10, true}, "linear": {100, true}, "n log n": {133, true}, "quadratic": {1000, false},
	} {
		b := &bench{out: &strings.Builder{}}
		curve := b.curve("sites", milliseconds("ListSites"))
		curve.add(1000, []float64{10})
		curve.add(10_000, []float64{c.last})
		if err := curve.end(); (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}
