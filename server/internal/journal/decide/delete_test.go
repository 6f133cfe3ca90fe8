package decide_test

import (
	"testing"
	"time"

	"github.com/drmhub/drmhub/server/internal/journal/decide"
)

func TestDelete(t *testing.T) {
	const day = 24 * time.Hour
	now := time.Date(2026, time.October, 1, 0, 0, 0, 0, time.UTC)
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	never := time.Time{}
	for what, row := range map[string]struct {
		oldest, held time.Time
		deletes      bool
		heldFrom     time.Time
	}{
		"nothing is settled":                         {never, never, true, never},
		"nothing is old":                             {ago(2 * day), never, true, never},
		"a mutation has just become old":             {ago(30*day + time.Hour), never, true, never},
		"no replica ran for a weekend":               {ago(33 * day), never, true, never},
		"the clock has jumped, or none ran for long": {ago(34 * day), never, false, now},
		"the clock was behind":                       {time.Unix(0, 0), never, false, now},
		"it jumped some days ago":                    {ago(40 * day), ago(6 * day), false, ago(6 * day)},
		"it jumped long enough ago":                  {ago(61 * day), ago(31 * day), true, ago(31 * day)},
		"it has jumped once more":                    {ago(400 * day), ago(200 * day), false, now},
		"it is right again":                          {ago(30 * day), ago(-365 * day), true, never},
		"it was further ahead":                       {ago(60 * day), ago(-365 * day), false, now},
		"what was held is deleted":                   {ago(30 * day), ago(31 * day), true, never},
	} {
		old := decide.Old{Now: now, Keep: 30 * day, Oldest: row.oldest, HeldSince: row.held}
		if deletes, held := decide.Delete(old); deletes != row.deletes || !held.Equal(row.heldFrom) {
			t.Errorf("%s: %v, held since %v; want %v, %v", what, deletes, held, row.deletes, row.heldFrom)
		}
	}
}
