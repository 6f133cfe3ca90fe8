package wiretest

import (
	"strings"
	"testing"
)

// WantEffects demands that n changes have taken effect at the vendor.
func WantEffects(t *testing.T, vendor Twin, n int) {
	t.Helper()
	if effects := vendor.Ledger().Effects(); len(effects) != n {
		t.Errorf("%d changes took effect at the vendor, want %d: %v", len(effects), n, effects)
	}
}

// Requests returns the statuses with which the twin has answered this request.
func Requests(vendor Twin, name string) []int {
	var statuses []int
	for _, r := range vendor.Ledger().Requests() {
		if path, _, _ := strings.Cut(r.Target, "?"); r.Method+" "+path == name {
			statuses = append(statuses, r.Status)
		}
	}
	return statuses
}
