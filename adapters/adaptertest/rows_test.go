package adaptertest

import (
	"strings"
	"testing"
	"time"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

func TestDifferencesOfRowsCanBeRead(t *testing.T) {
	a, b, c, late := license("a", midnight), license("b", midnight), license("c", midnight), license("late", midnight)
	type rows = []*pb.License
	differences := []string{"3 rows for 2", "1 lost", `"b"`, "1 too often", `"a"`, "1 not held", `"c"`}
	for name, test := range map[string]struct {
		got, want, may rows
		says           []string // nothing: the rows are the same
	}{
		"another order":             {rows{b, a, a}, rows{a, b, a}, nil, nil},
		"a row that may come":       {rows{a, late}, rows{a}, rows{late}, nil},
		"one that did not come":     {rows{a}, rows{a}, rows{late}, nil},
		"an equal row that may":     {rows{a, a}, rows{a}, rows{a}, nil},
		"one that comes twice":      {rows{a, late, late}, rows{a}, rows{late}, []string{"1 too often", `"late"`}},
		"lost, doubled and strange": {rows{a, a, c}, rows{a, b}, nil, differences},
		"one of three equal rows":   {rows{a, a}, rows{a, a, a}, nil, []string{"2 rows for 3", "1 lost"}},
		"many":                      {nil, history(60), nil, []string{"60 lost"}},
	} {
		failures := Failures(t.Context(), func(t T) { sameRows(t, "rows", test.got, test.want, test.may...) })
		if (len(failures) == 0) != (test.says == nil) {
			t.Errorf("%s: %q", name, failures)
		}
		for _, words := range test.says {
			if text := strings.Join(failures, "\n"); !strings.Contains(text, words) || strings.Count(text, "\n") > 20 {
				t.Errorf("%s: %q is not said, or too much is: %s", name, words, text)
			}
		}
	}
}

func TestHistoryHoldsEqualRowsWithinASecond(t *testing.T) {
	rows := history(60)
	if at := rows[59].GetCreateTime().AsTime(); !at.Equal(midnight) {
		t.Errorf("the newest row is of %s, want %s", at, midnight)
	}
	perSecond := map[time.Time]int{}
	for _, r := range rows {
		perSecond[r.GetCreateTime().AsTime()]++
	}
	for at, n := range perSecond {
		if n != 5 {
			t.Errorf("%d rows of %s, want 5", n, at)
		}
	}
	if distinct := len(count(rows)); distinct >= 30 {
		t.Errorf("%d of 60 rows are distinct: too few are equal", distinct)
	}
}
