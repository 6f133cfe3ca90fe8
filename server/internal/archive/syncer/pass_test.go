package syncer_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/archive"
	"github.com/drmhub/drmhub/server/internal/archive/archivetest"
	"github.com/drmhub/drmhub/server/internal/archive/syncer"
)

const (
	site  = "vendors/v/sites/s"
	start = int64(1790000000)
	hour  = int64(3600)
	days  = 24 * hour
)

var settings = syncer.Settings{
	Interval: 5 * time.Minute, Lag: 15 * time.Minute, Backfill: 90 * 24 * time.Hour, Keep: 400 * 24 * time.Hour,
}

// A bench is a vendor whose history a test writes, an archive, and one clock for both.
type bench struct {
	*testing.T
	now     int64
	fault   *archivetest.Fault
	reads   int
	history archivetest.History
	vendor  archivetest.Vendor
	engine  *archivetest.Memory
	pass    syncer.Pass
}

func newBench(t *testing.T) *bench {
	b := &bench{T: t, now: start, engine: archivetest.NewMemory()}
	clock := func() time.Time { return time.Unix(b.now, 0) }
	b.vendor = archivetest.Vendor{
		Now: clock, Sites: []string{site}, Source: b.history.Source,
		Fault: func(*pb.StreamLicensesRequest) *archivetest.Fault {
			b.reads++
			return b.fault
		},
	}
	b.pass = syncer.Pass{Engine: b.engine, Vendor: &b.vendor, Site: site, Settings: settings, Now: clock}
	return b
}

// add adds a row to the vendor that appears with a delay.
func (b *bench) add(at, delay int64, content string) {
	b.history.Add(at+delay, archive.Row{Site: site, Second: at, Content: content, User: "u" + content})
}

// every adds rows to the vendor that are a step apart.
func (b *bench) every(step, from, to int64) {
	for at := from; at < to; at += step {
		b.add(at, 0, fmt.Sprint(at))
	}
}

// after makes a pass after a time.
func (b *bench) after(seconds int64) (more bool, err error) {
	b.now += seconds
	return b.pass.Run(b.Context())
}

// must makes a pass after a time. It must succeed.
func (b *bench) must(seconds int64) archive.Site {
	b.Helper()
	if _, err := b.after(seconds); err != nil {
		b.Fatal(err)
	}
	return b.site()
}

func (b *bench) site() archive.Site {
	s, err := b.engine.Site(b.Context(), site)
	if err != nil {
		b.Fatal(err)
	}
	return s
}

// stored returns the contents of all rows of the archive, the oldest first.
func (b *bench) stored() (all []string) {
	rows, err := b.engine.Rows(b.Context(), site, archive.Span{From: archive.MinSecond, To: archive.MaxSecond + 1})
	if err != nil {
		b.Fatal(err)
	}
	for _, r := range slices.Backward(rows) {
		all = append(all, r.Content)
	}
	return all
}

func (b *bench) want(contents ...string) {
	b.Helper()
	if got := b.stored(); !slices.Equal(got, contents) {
		b.Errorf("the archive holds %q, want %q", got, contents)
	}
}

// covers checks the spans, as seconds before now.
func (b *bench) covers(want ...[2]int64) {
	b.Helper()
	var got [][2]int64
	for _, s := range b.site().Spans {
		got = append(got, [2]int64{b.now - s.From, b.now - s.To})
	}
	if !slices.Equal(got, want) {
		b.Errorf("final is %v before now, want %v", got, want)
	}
}

// head is how long before now the head begins: the lag, and the allowed difference of clocks.
const head = 15*60 + 30

func TestAFirstPassReadsAllThatTheVendorShows(t *testing.T) {
	b := newBench(t)
	b.every(hour, start-100*days, start)
	if more, err := b.after(0); more || err != nil {
		t.Fatal(more, err)
	}
	b.covers([2]int64{90 * days, head})
	if n := len(b.stored()); n != 90*24 {
		t.Errorf("%d rows", n)
	}
	if s := b.site().State; s.Failure != nil || s.Head != start-30 || s.LastSync.Unix() != start ||
		s.Next.Unix() != start+300 || s.Fill.Seconds == 0 {
		t.Errorf("%+v", s)
	}
	b.reads = 0
	b.must(300)
	if b.reads != 1 {
		t.Errorf("%d calls for a pass with little news, want 1", b.reads)
	}
	b.covers([2]int64{90*days + 300, head})
}

func TestEqualRowsLateRowsAndRowsOfOneSecond(t *testing.T) {
	b := newBench(t)
	b.pass.Chunk = 10
	for range 3 {
		b.add(start-2*hour, 0, "equal")
	}
	for range 35 { // more than a chunk, in one second
		b.add(start-hour, 0, "burst")
	}
	b.add(start-10*60, 14*60, "late")
	b.add(start-100*days, 0, "before")
	b.must(0)
	if n := len(b.stored()); n != 38 {
		t.Errorf("%d rows: %q", n, b.stored())
	}
	b.must(300)
	b.must(300)
	if got := b.site().State.Lateness; got < 60 || got > 14*60 {
		t.Errorf("a row that was 14 minutes late counts as %d s", got)
	}
	if got := b.stored(); got[len(got)-1] != "late" {
		t.Errorf("the late row is missing: %q", got)
	}
}

func TestABudgetIsKeptAndAPassGoesOn(t *testing.T) {
	b := newBench(t)
	b.every(hour, start-100*days, start)
	b.vendor.Page, b.pass.Chunk, b.pass.Budget = 100, 100, 5
	passes := 1
	for more := true; more; passes++ {
		var err error
		if more, err = b.after(10); err != nil || passes > 10 {
			t.Fatal(err)
		}
		if s := b.site(); len(s.Spans) != 1 {
			t.Fatalf("holes: %v", s.Spans)
		}
	}
	if passes < 5 {
		t.Errorf("%d passes", passes)
	}
	if s := b.site().Spans[0]; s.From > b.now-90*days {
		t.Errorf("final is %v", s)
	}
	if n := len(b.stored()); n < 90*24-1 {
		t.Errorf("%d rows", n)
	}
}

func TestWhatIsFinalStays(t *testing.T) {
	b := newBench(t)
	b.every(hour, start-100*days, start-hour)
	b.must(0)
	newest := b.stored()[len(b.stored())-1]
	b.history.Remove(func(r archive.Row) bool { return r.Content == newest })
	rows := len(b.stored())
	s := b.must(300)
	d := s.State.Drift
	if len(d) != 1 || d[0].Archived != 1 || d[0].Vendor != 0 || len(b.stored()) != rows {
		t.Fatalf("%+v", d)
	}
	if s.Spans[len(s.Spans)-1].To != start-head {
		t.Errorf("the hole was filled in spite of a difference below it: %v", s.Spans)
	}
	s = b.must(300)
	if s.Spans[len(s.Spans)-1].To != b.now-head || len(s.State.Drift) != 1 {
		t.Errorf("the same difference keeps the hole open: %v", s.Spans)
	}
}

func TestTheWeeklyCheck(t *testing.T) {
	b := newBench(t)
	b.every(hour, start-3*days, start+30*days)
	b.add(start-100*days, 0, "before")
	b.must(0)
	if err := b.pass.CheckIfDue(t.Context()); err != nil || b.site().State.Checked.Unix() != start {
		t.Fatal(err)
	}
	b.pass.Settings.Backfill = 2 * 24 * time.Hour
	b.must(3 * days)
	b.history.Add(0, archive.Row{Site: site, Second: b.now - 30*hour, Content: "too late"})
	for range 40 { // The days are chosen by chance.
		if err := b.pass.Check(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	s := b.site()
	if len(s.State.Drift) != 1 || s.State.Drift[0].Vendor != s.State.Drift[0].Archived+1 ||
		!strings.Contains(s.State.Drift[0].Message, "archive.lag") {
		t.Fatalf("%+v", s.State.Drift)
	}
	if slices.Contains(b.stored(), "too late") {
		t.Error("what is final has changed")
	}
	b.history.Remove(func(r archive.Row) bool { return r.Content == "too late" })
	for range 40 {
		_ = b.pass.Check(t.Context())
	}
	if s := b.site(); len(s.State.Drift) != 0 {
		t.Errorf("%+v", s.State.Drift)
	}
}

// TestTheCheckReadsDifferencesAgain says how the difference goes away that a pass found in one
// second.
func TestTheCheckReadsDifferencesAgain(t *testing.T) {
	b := newBench(t)
	b.every(hour, start-100*days, start-hour)
	b.must(0)
	newest := b.stored()[len(b.stored())-1]
	b.history.Remove(func(r archive.Row) bool { return r.Content == newest })
	b.must(300)
	b.must(300)
	if err := b.pass.Check(t.Context()); err != nil || len(b.site().State.Drift) != 1 {
		t.Fatalf("while the vendor differs: %v, %+v", err, b.site().State.Drift)
	}
	drift := b.site().State.Drift
	b.add(drift[0].Span.From, 0, newest)
	if err := b.pass.Check(t.Context()); err != nil || len(b.site().State.Drift) != 0 {
		t.Errorf("once the vendor shows the row again: %v, %+v", err, b.site().State.Drift)
	}
	state := b.site().State
	state.Drift = drift
	if err := b.engine.SetState(t.Context(), site, state); err != nil {
		t.Fatal(err)
	}
	b.pass.Settings.Keep = time.Hour
	if err := b.pass.Check(t.Context()); err != nil || len(b.site().State.Drift) != 0 {
		t.Errorf("once the rows are no longer kept: %v, %+v", err, b.site().State.Drift)
	}
}

func TestAnErasedViewerIsNoDrift(t *testing.T) {
	b := newBench(t)
	b.every(hour, start-5*days, start)
	b.add(start-100*days, 0, "before")
	b.must(0)
	for _, content := range b.stored() {
		person := archive.Person("u" + content)
		if _, err := b.engine.Erase(t.Context(), []string{site}, person); err != nil {
			t.Fatal(err)
		}
	}
	b.must(300)
	if err := b.pass.Check(t.Context()); err != nil || len(b.site().State.Drift) != 0 {
		t.Errorf("%v, %+v", err, b.site().State.Drift)
	}
}
