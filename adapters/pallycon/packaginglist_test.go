package pallycon

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
)

func FuzzPackagingPlace(f *testing.F) {
	f.Add("20240229000003", "20240229000503", 2, 5)
	f.Add("", "", 0, 0)
	f.Add("00010101000000", "99991231235959", -1, -1)
	f.Fuzz(func(t *testing.T, created, update string, passed, most int) {
		at := packagingPlace{Created: created, Update: update, Passed: passed, Most: most}
		if !at.sane() {
			return // refused
		}
		l := packagingList{
			read: func(_ context.Context, created, update string) (rows []packagingRow, count int, err error) {
				for i := range 20 {
					r := packagingRow{CID: fmt.Sprint(i), CreatedTime: time.Date(2024, 2, 29, 0, 0, i/3, 0, time.UTC).Format(secondFormat)}
					if created == "" || r.compare(created, update) > 0 {
						rows = append(rows, r)
					}
				}
				return rows[:min(len(rows), 5)], len(rows), nil
			},
			match: func(packagingRow) bool { return true },
		}
		// A token that somebody made up may find nothing, or fail; it must end, and give no more
		// than was wanted.
		rows, _, err := l.next(t.Context(), &at, 7)
		if err == nil && len(rows) > 7 {
			t.Errorf("%d rows", len(rows))
		}
	})
}

func FuzzTargetDate(f *testing.F) {
	for _, s := range []string{`20260302`, `"2026-03-02"`, `"20260302"`, `null`, `2.0260302e7`, `-1`, `{}`, `""`, `"2026-02-30"`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var d targetDate
		if err := json.Unmarshal([]byte(text), &d); err == nil && d != "" && !isDay(string(d)) {
			t.Errorf("%s is read as %q", text, d)
		}
	})
}
