package licensehistory

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/adaptertest/listtest"
	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// vendor pages a history as NAVER Cloud does.
type vendor struct {
	*listtest.History
	unit   int   // the largest page; 0 sets no limit
	behind bool  // the second after a pin is shown too
	totals bool  // every page holds the number of all rows
	total  int32 // if set, the number that every page holds instead
}

func (v vendor) readPage(_ context.Context, pin int64, number int) (*Page[listtest.Row], error) {
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
	return p, nil
}

// reader reads the vendor's list. A nil match keeps every row.
func (v vendor) reader(match func(*listtest.Row) Match) Reader[listtest.Row] {
	if match == nil {
		match = func(*listtest.Row) Match { return Keep }
	}
	return Reader[listtest.Row]{ReadPage: v.readPage, Match: match, Concurrency: 3, FullPages: &atomic.Bool{}}
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
			for _, sizes := range [][]int{{1}, {25}, {999}, {1000}, {7, 1000, 1, 60}} {
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

func TestASecondLargerThanManyPages(t *testing.T) {
	for _, behind := range []bool{false, true} {
		for _, sizes := range [][]int{{1000}, {37}, {1000, 1, 400}} {
			t.Run(fmt.Sprint(behind, sizes), func(t *testing.T) {
				v := vendor{History: &listtest.History{}, behind: behind}
				v.Put(10, 300, false)
				v.Put(11, 2750, false)
				v.Put(11, 900, true)
				v.Put(12, 4500, true) // more than one call may read
				v.Put(12, 4600, false)
				v.Put(20, 3, false)
				v.Arrive = func(h *listtest.History) { h.Put(21, 1, false) }
				v.checkWhole(t, sizes...)
			})
		}
	}
}

func TestACrowdInTheNewestSeconds(t *testing.T) {
	const newest = listtest.Newest
	for name, arrive := range map[string]func(*listtest.History){
		"that stays as it is": nil,
		"that grows a while": func(h *listtest.History) {
			if h.Reads < 15 {
				h.Put(newest, 1, true)
			}
		},
		"that newer rows follow": func(h *listtest.History) { h.Put(newest+1+int64(h.Reads), 1, false) },
	} {
		for _, unit := range []int{0, 40} {
			for _, sizes := range [][]int{{1000}, {90, 33}} {
				t.Run(fmt.Sprint(name, unit, sizes), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) { // for the pauses between readings
						v := vendor{History: &listtest.History{}, behind: true, unit: unit}
						v.Put(newest-2, 120, false)
						v.Put(newest-1, 150, true)
						v.Put(newest, 130, false)
						v.Put(newest, 100, true)
						v.Arrive = arrive
						v.checkWhole(t, sizes...)
					})
				})
			}
		}
	}
}

func TestRecentRowsThatNeverStopAreAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := vendor{History: &listtest.History{}}
		v.Put(listtest.Newest, 150, false)
		v.Arrive = func(h *listtest.History) { h.Put(listtest.Newest, 1, false) }
		_, _, err := v.reader(nil).Next(t.Context(), Cursor{}, 100)
		e := apierror.Convert(err)
		if err == nil || e.Code != codes.Unavailable || e.Reason != pb.ErrorReason_VENDOR_UNAVAILABLE {
			t.Errorf("%v, want UNAVAILABLE", err)
		}
		if v.Reads > 30 {
			t.Errorf("%d pages were read", v.Reads)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, _, err := v.reader(nil).Next(ctx, Cursor{}, 100); apierror.Convert(err).Code != codes.Canceled {
			t.Errorf("for a caller who has gone: %v", err)
		}
	})
	v := vendor{History: &listtest.History{}}
	v.Put(listtest.Newest, maxRecentPages*PageSize+1, false)
	_, _, err := v.reader(nil).Next(t.Context(), Cursor{}, 100)
	if apierror.Convert(err).Code != codes.Unavailable || v.Reads > maxRecentPages+1 {
		t.Errorf("more recent rows than can be read: %v after %d pages", err, v.Reads)
	}
}

func FuzzCursor(f *testing.F) {
	f.Add(1, int64(30), 3, 1, 2)
	f.Add(2, int64(30), 0, 2, 1)
	f.Add(2, int64(-5), -1, -1, -1)
	f.Add(7, int64(1<<62), 1<<40, 1<<40, 1<<40)
	f.Fuzz(func(t *testing.T, stage_ int, second int64, owed, number, passed int) {
		synctest.Test(t, func(t *testing.T) {
			v := vendor{History: &listtest.History{}, behind: true}
			for s := range int64(50) {
				v.Put(s, 1+int(s%3), s%2 == 0)
			}
			at := Cursor{Stage: stage(stage_), Second: second, Owed: owed, Page: number, Passed: passed}
			// A token that somebody made up may find nothing, or fail. It must neither panic nor
			// read without end.
			rows, _, err := v.reader(nil).Next(t.Context(), at, 10)
			if err == nil && len(rows) > 10 || v.Reads > maxRecentReads*maxRecentPages+maxPagesPerCall {
				t.Errorf("%d rows with %d reads, %v", len(rows), v.Reads, err)
			}
		})
	})
}
