package suggest_test

import (
	"strings"
	"testing"

	"github.com/drmhub/drmhub/server/internal/suggest"
)

func TestSuggestions(t *testing.T) {
	for _, c := range []struct{ unknown, known, nearest, alike string }{
		{"displayNam", "displayName policyId", "displayName", "displayName"},
		{"pagesize", "pageSize pageToken", "pageSize", "pageSize"},
		{"user_Id", "userId deviceId", "userId", "userId"},
		{"pageSize", "pageToken", "", ""},
		{"start", "startTime status", "", "startTime"},
		{"device", "deviceId deviceNo", "deviceId", "deviceId"},
		{"device", "deviceModel", "", "deviceModel"},
		{"sites", "siteNames siteNotes", "", ""},
		{"ab", "id", "", ""},
		{"FAILED", "SUCCESS FAILURE", "", "FAILURE"},
		{"succeeded", "SUCCESS FAILURE", "", "SUCCESS"},
		{"OK", "SUCCESS FAILURE", "", ""},
		{"", "id SUCCESS", "", ""},
		{strings.Repeat("x", 1_000_000), "id SUCCESS", "", ""},
	} {
		known := strings.Fields(c.known)
		nearest, alike := suggest.Nearest(c.unknown, known), suggest.NearestOrAlike(c.unknown, known)
		if nearest != c.nearest || alike != c.alike {
			t.Errorf("%.20s: %q and %q, want %q and %q", c.unknown, nearest, alike, c.nearest, c.alike)
		}
	}
}
