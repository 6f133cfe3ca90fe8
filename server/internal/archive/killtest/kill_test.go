package main

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/drmhub/drmhub/internal/clickhouse"
	"github.com/drmhub/drmhub/internal/postgres"
	"github.com/drmhub/drmhub/server/internal/archive"
	"github.com/drmhub/drmhub/server/internal/archive/archivetest"
)

// TestMain makes the test binary the process that is killed, where the arguments say so.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "-child" {
		main()
		return
	}
	os.Exit(m.Run())
}

// The short form of the kill test. The long form is `go run ./bench/archive -kills 40`.
func TestKill(t *testing.T) {
	for name, dsn := range map[string]func(*testing.T) string{
		"sqlite":     func(t *testing.T) string { return "sqlite:" + filepath.Join(t.TempDir(), "archive.db") },
		"postgres":   func(t *testing.T) string { return postgres.ForTest(t) },
		"clickhouse": func(t *testing.T) string { return clickhouse.ForTest(t, 2) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := run(t.Context(), []string{"-dsn", dsn(t), "-kills", "5", "-rows", "6000"}, t.Output())
			if err != nil {
				t.Error(err)
			}
		})
	}
}

// Passes over a vendor that misbehaves bring every row into the archive.
func TestPasses(t *testing.T) {
	clock := int64(start)
	c := child{
		options: options{rows: 6000}, clock: func() time.Time { return time.Unix(clock, 0) },
		out: t.Output(), seen: newSeen(),
	}
	memory := archivetest.NewMemory()
	if err := c.prepare(t.Context(), memory); err != nil {
		t.Fatal(err)
	}
	for round, done := 0, false; !done; round++ {
		c.kill = round
		if err := c.change(t.Context(), memory); err != nil {
			t.Fatal(err)
		}
		var err error
		if done, err = c.round(t.Context(), memory); err != nil {
			t.Fatal(err)
		}
		switch clock += 217; round {
		case 40: // Nothing fails any more.
			c.until = clock
		case 100:
			sites, _ := memory.Sites(t.Context())
			t.Fatalf("the archive does not catch up with %d: %v", c.until, sites)
		}
	}
	if err := c.passes[deletes].Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	if site, _ := memory.Site(t.Context(), c.world.Sites[deletes]); len(site.State.Drift) == 0 {
		t.Error("no pass reports the rows that the vendor deleted")
	}
	end := evidence{until: clock, now: clock, seen: c.seen}
	if err := compare(t.Context(), t.Output(), memory, c.world, end); err != nil {
		t.Error(err)
	}
}

// The comparison finds rows that are lost, rows that are doubled, and rows that nobody has shown.
func TestDifference(t *testing.T) {
	row := func(second int64) archive.Row { return archive.Row{Site: "s", Second: second} }
	shown := []archive.Row{row(1), row(2), row(2), row(3), row(9)}
	for _, c := range []struct {
		stored        []int64
		lost, doubled int
		site          int
	}{
		{stored: []int64{1, 2, 2, 3}},
		{stored: []int64{1, 2, 2, 3, 9}},
		{stored: []int64{1, 2, 3}, lost: 1},
		{stored: []int64{}, lost: 4},
		{stored: []int64{1, 2, 2, 2, 3}, doubled: 1},
		{stored: []int64{1, 2, 2, 3, 4}, doubled: 1},
		{stored: []int64{1, 2, 4, 3}, lost: 1, doubled: 1},
		{stored: []int64{2, 2, 3}, site: keeps},
		{stored: []int64{1, 2, 2, 3}, site: keeps, doubled: 1},
	} {
		var stored []archive.Row
		for i, second := range c.stored {
			r := row(second)
			r.Key = archive.Key(i)
			stored = append(stored, r)
		}
		e := evidence{now: 9, seen: &seen{forgot: 2}}
		lost, doubled := difference(stored, shown, []archive.Span{{From: 0, To: 5}}, e, c.site)
		if fmt.Sprint(lost, doubled) != fmt.Sprint(c.lost, c.doubled) {
			t.Errorf("%v: lost %d, doubled %d, want %d, %d", c.stored, lost, doubled, c.lost, c.doubled)
		}
	}
}

// A row that the vendor deletes must stay if it was final before, and must go if it never was.
func TestFate(t *testing.T) {
	row := func(early bool) *archive.Row {
		for i := 0; ; i++ {
			r := archive.Row{Second: start, Content: fmt.Sprint(i)}
			if gone := deleted(&r); gone != 0 && (gone < start+lag) == early {
				return &r
			}
		}
	}
	early, late, whole := row(true), row(false), archive.Span{From: start, To: start + 1}
	e := evidence{now: start + 1e6, seen: newSeen()}
	if f := e.fate(deletes, early, true); f != never {
		t.Errorf("a row that was gone before it was final: %v, want %v", f, never)
	}
	if f := e.fate(deletes, late, true); f != may {
		t.Errorf("a row of which nobody knows: %v, want %v", f, may)
	}
	e.seen.final = []noted{{whole, deleted(late)}}
	if f := e.fate(deletes, late, true); f != may {
		t.Errorf("a row that was final when it was gone: %v, want %v", f, may)
	}
	e.seen.final = []noted{{whole, deleted(late) - 1}}
	if f := e.fate(deletes, late, true); f != must {
		t.Errorf("a row that was final before it was gone: %v, want %v", f, must)
	}
}

// An erased viewer is in no row, and another one in all rows or in none.
func TestRestore(t *testing.T) {
	w := archivetest.NewWorld(archivetest.Size{Rows: 10, Days: 1, Sites: 1, Users: 20, Contents: 1})
	rows := func(users ...string) (all []archive.Row) {
		for i, user := range users {
			all = append(all, archive.Row{Second: int64(i), User: user, Device: "d"})
		}
		return all
	}
	ann := w.User(1)
	for _, c := range []struct {
		stored []archive.Row
		erased bool
		wrong  bool
	}{
		{stored: rows(ann, ann)},
		{stored: rows("", "")},
		{stored: rows("", ""), erased: true},
		{stored: rows(ann, ""), wrong: true},
		{stored: rows(ann, ann), erased: true, wrong: true},
	} {
		s := newSeen()
		s.erased[ann] = c.erased
		_, err := restore(w, s, c.stored, rows(ann, ann))
		if (err != nil) != c.wrong {
			t.Errorf("%v, erased %t: %v", c.stored, c.erased, err)
		}
	}
}
