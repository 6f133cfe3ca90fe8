package sqldb_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/drmhub/drmhub/server/internal/archive"
)

// Passes move rows between a part of a day and the whole days of a range. A count that a pass
// interrupts would count them twice, or leave them out.
func TestACountIsOfOneMoment(t *testing.T) {
	const day = 86400
	within := archive.Span{From: january + day/2 + 600, To: january + 3*day + 600}
	for name, database := range databases {
		t.Run(name, func(t *testing.T) {
			db := open(t, database(t))
			know(t, db)
			const rows = 20
			move := func(to int64) error {
				r := archive.Replacement{Site: siteA, Span: archive.Span{From: january, To: january + 4*day}}
				for i := range rows {
					r.Rows = append(r.Rows, archive.Row{Site: siteA, Second: to, User: fmt.Sprint(i), Code: "7011"})
				}
				_, err := db.Replace(t.Context(), r)
				return err
			}
			if err := move(within.From); err != nil {
				t.Fatal(err)
			}
			stop := meanwhile(t, func(i int) error {
				return move([]int64{january + 2*day, within.To - 1, within.From}[i%3])
			})
			for i := range 300 {
				q := archive.Question{Sites: []string{siteA}, Within: within}
				if i%2 == 0 {
					q.Code = "7011"
				}
				if n, err := db.Count(t.Context(), q); n != rows || err != nil {
					t.Errorf("after %d counts: %d rows, %v, want %d", i, n, err, rows)
					break
				}
			}
			stop()
		})
	}
}

// meanwhile calls change again and again, until the test calls stop.
func meanwhile(t *testing.T, change func(i int) error) (stop func()) {
	t.Helper()
	stopped, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		for i := 0; ; i++ {
			select {
			case <-stopped:
				ended <- nil
				return
			default:
			}
			if err := change(i); err != nil {
				ended <- err
				return
			}
		}
	}()
	return func() {
		t.Helper()
		close(stopped)
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

// The zone of a site decides which month a row is in. A summary between whose statements the zone
// changes would look for the row in another month than the one that counts it.
func TestASummaryIsOfOneMoment(t *testing.T) {
	const day = 86400
	seoul, err := time.LoadLocation("Asia/Seoul")
	if err != nil {
		t.Fatal(err)
	}
	for name, database := range databases {
		t.Run(name, func(t *testing.T) {
			db := open(t, database(t))
			know(t, db)
			pass(t, db, siteA, january+31*day-3600, "alice") // In Seoul, it is February.
			stop := meanwhile(t, func(i int) error {
				return db.SetZone(t.Context(), siteA, []*time.Location{seoul, time.UTC}[i%2])
			})
			q := archive.Question{Sites: []string{siteA}, Within: archive.Span{From: january, To: january + 31*day}}
			for i := range 300 {
				groups, total, err := db.Summarize(t.Context(), q, archive.Grouping{Limit: 10})
				if err != nil || total != 1 || groups[0].Total != 1 {
					t.Errorf("after %d summaries: %v, %v, want one group of one row", i, groups, err)
					break
				}
			}
			stop()
		})
	}
}

// Forget takes the devices of the rows out of the dictionary that no other row has.
func TestRowsKeepTheirTextsWhileOthersForget(t *testing.T) {
	for name, database := range databases {
		t.Run(name, func(t *testing.T) {
			db := open(t, database(t))
			know(t, db)
			q := archive.Question{Sites: []string{siteA}}
			r := archive.Replacement{Site: siteA, Span: archive.Span{From: january, To: january + 1}}
			stop := meanwhile(t, func(i int) error {
				r.Rows = []archive.Row{{Site: siteA, Second: january, User: "alice", Device: fmt.Sprint(i)}}
				if _, err := db.Replace(t.Context(), r); err != nil {
					return err
				}
				_, err := db.Forget(t.Context(), siteA, january+1)
				return err
			})
			for i := range 300 {
				rows, err := db.Search(t.Context(), q, math.MaxInt64, 10)
				if err == nil && i%2 == 0 {
					rows, err = db.Rows(t.Context(), siteA, r.Span)
				}
				if err != nil || len(rows) > 0 && (rows[0].User == "" || rows[0].Device == "") {
					t.Errorf("after %d searches: %+v, %v, want a user and a device", i, rows, err)
					break
				}
			}
			stop()
		})
	}
}
