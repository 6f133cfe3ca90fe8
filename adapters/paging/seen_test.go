package paging_test

import (
	"slices"
	"testing"

	"github.com/drmhub/drmhub/adapters/paging"
)

func TestOnlyNewRowsOfAPartCount(t *testing.T) {
	id := func(row string) string { return row }
	for _, c := range []struct {
		resumed           paging.Seen // from a page token
		before, part, new string
		restarts          bool
	}{
		{part: "abc", new: "abc"},
		{before: "ab", part: "cd", new: "cd"},
		{before: "ab", part: "ab", restarts: true},
		{before: "abc", part: "bc"},
		{before: "ab", part: "bc", new: "c"},
		{resumed: paging.Seen{First: "a", Last: "b"}, part: "abc", new: "c", restarts: true},
		{resumed: paging.Seen{First: "a", Last: "b"}, part: "ab", restarts: true},
		{resumed: paging.Seen{First: "a", Last: "c"}, part: "bc"},
		{resumed: paging.Seen{First: "a", Last: "c"}, part: "a", restarts: true},
		{resumed: paging.Seen{First: "a", Last: "c"}, part: "ca"},
		{resumed: paging.Seen{First: "a", Last: "c"}, part: "de", new: "de"},
		{resumed: paging.Seen{First: "a", Last: "c"}, part: ""},
	} {
		seen := c.resumed
		split := func(s string) (rows []string) {
			for _, r := range s {
				rows = append(rows, string(r))
			}
			return rows
		}
		for _, row := range split(c.before) {
			seen.Add(row)
		}
		got, restarts := paging.New(&seen, split(c.part), id), paging.Restarts(&seen, split(c.part), id)
		if !slices.Equal(got, split(c.new)) || restarts != c.restarts {
			t.Errorf("%+v, then %q: new are %q, it restarts: %t", c.resumed, c.part, got, restarts)
		}
	}
}
