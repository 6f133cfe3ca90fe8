package licensehistory

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"testing"
	"testing/synctest"

	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/adaptertest/listtest"
	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// vendor pages a history as NAVER Cloud does.
type vendor struct {
	readers int // at once; 0 means three
	*listtest.History
	unit   int   // the largest page; 0 sets no limit
	behind bool  // the second after a pin is shown too
	totals bool  // every page holds the number of all rows
	whole  bool  // totals count newer rows than the pin too
	total  int32 // if set, the number that every page holds instead
	blind  bool  // endTime is ignored
}

func (v vendor) readPage(_ context.Context, pin int64, number int) (*Page[listtest.Row], error) {
	if v.blind {
		pin = Unpinned
	}
	if v.behind && pin != Unpinned {
		pin++
	}
	unit := PageSize
	if v.unit > 0 {
		unit = v.unit
	}
	rows, total := v.Page(pin, unit, number-1)
	p := &Page[listtest.Row]{Rows: rows, Total: v.total}
	if v.totals {
		p.Total = int32(total)
	}
	if v.whole {
		p.Total = int32(len(v.Rows))
	}
	return p, nil
}

// reader reads the vendor's list. A nil match keeps every row.
func (v vendor) reader(match func(*listtest.Row) Match) Reader[listtest.Row] {
	if match == nil {
		match = func(*listtest.Row) Match { return Keep }
	}
	readers := cmp.Or(v.readers, 3)
	return Reader[listtest.Row]{ReadPage: v.readPage, Match: match, Concurrency: readers, Habits: &Habits{}}
}

// checkWhole checks that every row comes once, with these page sizes in turn.
func (v vendor) checkWhole(t *testing.T, sizes ...int) {
	t.Helper()
	at, r := Cursor{}, v.reader(nil)
	listtest.CheckWhole(t, v.History, func(want int) (rows []listtest.Row, more bool, err error) {
		rows, at, err = r.Next(t.Context(), at, want)
		return rows, !at.Done(), err
	}, sizes...)
}

func TestEveryRowComesOnceWhileRowsArrive(t *testing.T) {
	for name, v := range map[string]vendor{
		"as the API pages of 2026 say":     {behind: true, totals: true},
		"endTime exclusive, and no totals": {},
		"pages of 30":                      {behind: true, unit: 30},
		"pages of 250":                     {behind: true, unit: 250},
	} {
		for arrival, arrive := range listtest.Arrivals() {
			for _, sizes := range [][]int{{1}, {25}, {1000}, {7, 1000, 1, 60}} {
				t.Run(fmt.Sprint(name, ", ", arrival, sizes), func(t *testing.T) {
					t.Parallel()
					v := v
					v.History = listtest.Busy(listtest.Shape{Seconds: 600, CrowdEvery: 200, Crowd: 300, Calm: 10})
					v.Arrive = arrive
					v.checkWhole(t, sizes...)
				})
			}
		}
	}
}

func TestACrowdedSecond(t *testing.T) {
	const newest = listtest.Newest
	type put struct {
		second int64
		n      int
		equal  bool
	}
	arrivals := map[string]func(*listtest.History){
		"no arrivals":     nil,
		"newer rows":      func(h *listtest.History) { h.Put(newest+1+int64(h.Reads), 1, false) },
		"some equal rows": func(h *listtest.History) { h.Put(newest, max(0, min(1, 15-h.Reads)), true) },
	}
	for _, crowd := range [][]put{
		{{10, 300, false}, {11, 2750, false}, {11, 900, true}, {12, 9000, true}, {12, 100, false}, {20, 3, false}},
		{{newest - 2, 120, false}, {newest - 1, 150, true}, {newest, 130, false}, {newest, 100, true}},
	} {
		for _, v := range []vendor{{}, {behind: true}, {behind: true, unit: 40}} {
			for arrival, arrive := range arrivals {
				for _, sizes := range [][]int{{1000}, {90, 33}} {
					synctest.Test(t, func(t *testing.T) { // for the pauses between readings
						t.Log(crowd, v.behind, v.unit, arrival, sizes)
						v.History = &listtest.History{Arrive: arrive}
						for _, p := range crowd {
							v.Put(p.second, p.n, p.equal)
						}
						v.checkWhole(t, sizes...)
					})
				}
			}
		}
	}
}

func TestRecentRowsThatCannotBeReadAtOnceAreAnError(t *testing.T) {
	for rows, c := range map[int]struct {
		arrive func(*listtest.History)
		reads  int // at most
	}{
		150:                         {func(h *listtest.History) { h.Put(listtest.Newest, 1, false) }, 30},
		maxRecentPages*PageSize + 1: {nil, maxRecentPages + 1},
	} {
		synctest.Test(t, func(t *testing.T) {
			v := vendor{History: &listtest.History{Arrive: c.arrive}}
			v.Put(listtest.Newest, rows, false)
			_, _, err := v.reader(nil).Next(t.Context(), Cursor{}, 100)
			unavailable := err != nil && apierror.Convert(err).Reason == pb.ErrorReason_VENDOR_UNAVAILABLE
			if !unavailable || v.Reads > c.reads {
				t.Errorf("%v after %d pages, want UNAVAILABLE", err, v.Reads)
			}
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			_, _, err = v.reader(nil).Next(ctx, Cursor{}, 100)
			if c.arrive != nil && apierror.Convert(err).Code != codes.Canceled { // in a pause
				t.Errorf("for a caller who has gone: %v", err)
			}
		})
	}
}

func FuzzCursor(f *testing.F) {
	f.Add(1, int64(30), 3, 1, 2)
	f.Add(2, int64(30), 0, 2, 1)
	f.Add(2, int64(-5), -1, -1, -1)
	f.Add(7, int64(1<<62), 1<<40, 1<<40, 1<<40)
	f.Add(2, int64(math.MaxInt64), 0, math.MaxInt, math.MaxInt)
	f.Fuzz(func(t *testing.T, stage_ int, second int64, owed, number, passed int) {
		synctest.Test(t, func(t *testing.T) {
			v := vendor{History: &listtest.History{}, behind: true}
			for s := range int64(50) {
				v.Put(s, 1+int(s%3), s%2 == 0)
			}
			at := Cursor{Stage: stage(stage_), Second: second, Owed: owed, Page: number, Passed: passed}
			// A made-up token may find nothing, or fail. It must not panic, and must end.
			rows, _, err := v.reader(nil).Next(t.Context(), at, 10)
			if err == nil && len(rows) > 10 || v.Reads > maxRecentReads*maxRecentPages+maxPagesPerCall {
				t.Errorf("%d rows with %d reads, %v", len(rows), v.Reads, err)
			}
		})
	})
}
