package clickhouse

import (
	"errors"
	"testing"
	"time"

	"github.com/drmhub/drmhub/internal/clickhouse"
	"github.com/drmhub/drmhub/server/internal/archive"
)

// A clock may be ahead for a while, that of another process or that of this one before it was set
// right.
func TestRowsOfAClockThatIsAheadCount(t *testing.T) {
	dsn := clickhouse.ForTest(t, 1)
	ahead := open(t, dsn)
	ahead.numbers.last = uint64(time.Now().Add(24 * time.Hour).UnixNano())
	if err := ahead.SetZone(t.Context(), place, time.UTC); err != nil {
		t.Fatal(err)
	}
	replace(t, ahead, "abc")
	holds(t, open(t, dsn), "abc", span)
	if err := ahead.sweep(t.Context(), -48*time.Hour, -48*time.Hour); err != nil {
		t.Fatal(err)
	}
	other := open(t, dsn)
	holds(t, other, "abc", span)
	replace(t, other, "abd")
	holds(t, open(t, dsn), "abd", span)
}

// A question counts what was there when it began, also of a process whose numbers are ahead, and
// beside a site whose versions are.
func TestAQuestionOfAClockThatIsAhead(t *testing.T) {
	dsn := clickhouse.ForTest(t, 1)
	other, ahead := filled(t, dsn, "abc"), open(t, dsn)
	ahead.numbers.last = uint64(time.Now().Add(24 * time.Hour).UnixNano())
	beside := archive.Replacement{Site: "vendors/a/sites/2", Span: span, Final: true}
	if err := ahead.SetZone(t.Context(), beside.Site, time.UTC); err != nil {
		t.Fatal(err)
	}
	if _, err := ahead.Replace(t.Context(), beside); err != nil {
		t.Fatal(err)
	}
	var questions []*question
	for _, sites := range [][]string{{place}, {place, beside.Site}} {
		q, err := ahead.ask(t.Context(), archive.Question{Sites: sites})
		if err != nil {
			t.Fatal(err)
		}
		questions = append(questions, q)
	}
	replace(t, other, "abdef")
	for _, q := range questions {
		if rows, err := ahead.rows(t.Context(), q, q.from, q.to, 0); len(rows) != 3 || err != nil {
			t.Errorf("a question that began before the change shows %d rows, %v, want 3", len(rows), err)
		}
	}
	holds(t, ahead, "abdef", span)
}

// What is noted last holds, also after a process whose clock is ahead.
func TestNotesAfterAClockThatIsAhead(t *testing.T) {
	dsn := clickhouse.ForTest(t, 1)
	ahead, other := open(t, dsn), open(t, dsn)
	ahead.numbers.last = uint64(time.Now().Add(24 * time.Hour).UnixNano())
	if err := ahead.SetZone(t.Context(), place, time.UTC); err != nil {
		t.Fatal(err)
	}
	for i, e := range []*Engine{ahead, other, ahead} {
		note := int64(i + 1)
		state := archive.State{Head: note}
		err := errors.Join(e.SetState(t.Context(), place, state), e.SetSince(t.Context(), place, note))
		if err != nil {
			t.Fatal(err)
		}
		site, err := other.Site(t.Context(), place)
		if err != nil || site.State.Head != note || site.State.Since != note {
			t.Errorf("the head is %d and the reach %d, %v, want %d", site.State.Head, site.State.Since, err, note)
		}
	}
}
