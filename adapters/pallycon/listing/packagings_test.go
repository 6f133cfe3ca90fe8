package listing

import (
	"context"
	"testing"
	"time"
)

// track is a packaging whose two times are the same.
type track string

func (t track) Times() (created, update string) { return string(t), string(t) }

func FuzzPackagingCursor(f *testing.F) {
	f.Add("20240229000003", "20240229000503", 2, 5)
	f.Add("", "", 0, 0)
	f.Add("00010101000000", "99991231235959", -1, -1)
	f.Fuzz(func(t *testing.T, created, update string, passed, most int) {
		at := PackagingCursor{Created: created, Update: update, Passed: passed, Most: most}
		if !at.Valid() {
			return // refused
		}
		l := Packagings[track]{
			ReadAfter: func(_ context.Context, created, update string) (rows []track, count int, err error) {
				for i := range 20 {
					r := track(time.Date(2024, 2, 29, 0, 0, i/3, 0, time.UTC).Format(secondFormat))
					if created == "" || compareTimes(r, created, update) > 0 {
						rows = append(rows, r)
					}
				}
				return rows[:min(len(rows), 5)], len(rows), nil
			},
			Match: func(track) bool { return true },
		}
		// A token that somebody made up may find nothing, or fail. The call must end, and return no
		// more rows than are wanted.
		rows, _, err := l.Next(t.Context(), &at, 7)
		if err == nil && len(rows) > 7 {
			t.Errorf("%d rows", len(rows))
		}
	})
}
