package sqldb_test

import (
	"fmt"
	"testing"

	"github.com/drmhub/drmhub/server/internal/archive"
)

// Passes move rows between a part of a day and the whole days of a range. A count that a pass interrupts
// would count them twice, or leave them out.
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
			stop, moved := make(chan struct{}), make(chan error, 1)
			go func() {
				var err error
				for i := 0; err == nil; i++ {
					select {
					case <-stop:
						moved <- nil
						return
					default:
						err = move([]int64{january + 2*day, within.To - 1, within.From}[i%3])
					}
				}
				moved <- err
			}()
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
			close(stop)
			if err := <-moved; err != nil {
				t.Error(err)
			}
		})
	}
}
