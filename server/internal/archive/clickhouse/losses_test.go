package clickhouse

import (
	"errors"
	"math"
	"testing"

	"github.com/drmhub/drmhub/internal/clickhouse"
	"github.com/drmhub/drmhub/server/internal/archive"
)

// A process is killed after it has written rows. Its last insert can reach the server at any time.
func TestALoadThatWasLeftBehindNeverCounts(t *testing.T) {
	for _, late := range []bool{false, true} {
		dsn := clickhouse.ForTest(t, 2)
		killed := filled(t, dsn, "ab")
		l, err := killed.ledger(t.Context(), 1)
		if err != nil {
			t.Fatal(err)
		}
		load := line{Site: 1, Kind: kindLoad, State: pending, ID: killed.numbers.next(l.newest), Rows: 1}
		load.Version = load.ID
		row := record{Row: shown("c").Rows[0], who: hashOf(killed.key, "c")}
		row.Key = archive.NewKey(noon, 1, 7)
		load.Lo, load.Hi = int64(row.Key), int64(row.Key)
		commit := load
		commit.State, commit.Version = live, load.ID+1
		all := archive.Span{From: noon, To: noon + 500}
		mask := line{Site: 1, Kind: kindMask, ID: load.ID, Version: commit.Version, Ranges: []int64{0, math.MaxInt64}}
		if err := errors.Join(killed.write(t.Context(), load),
			killed.insert(t.Context(), []record{row}, load.ID)); err != nil {
			t.Fatal(err)
		}
		other := open(t, dsn)
		holds(t, other, "ab", span)
		replace(t, other, "abd")
		if late {
			spans := l.spansLine([]archive.Span{all}, 3, commit.Version)
			if err := killed.write(t.Context(), commit, mask, spans); err != nil {
				t.Fatal(err)
			}
		}
		holds(t, other, "abd", span)
		replace(t, other, "ad")
		holds(t, other, "ad", span)
		swept(t, other, 2, 1)
		holds(t, other, "ad", span)
	}
}

// A server confirms rows, and loses them when its machine fails.
func TestRowsThatAServerLostAreAHole(t *testing.T) {
	for _, table := range []string{"licenses", "by_user"} {
		dsn := clickhouse.ForTest(t, 2)
		e := filled(t, dsn, "abcdef")
		for _, conn := range e.shards {
			if err := e.mutate(t.Context(), conn, table, "DELETE WHERE user = 'c'"); err != nil {
				t.Fatal(err)
			}
		}
		again := open(t, dsn)
		holds(t, again, "", archive.Span{From: noon + 2, To: span.To})
		replace(t, again, "abcdef")
		holds(t, again, "abcdef", span)
	}
}

// What a lost load had removed comes back, so that its time is a hole, too.
func TestALostLoadGivesBackWhatItRemoved(t *testing.T) {
	dsn := clickhouse.ForTest(t, 1)
	e := filled(t, dsn, "a")
	r := shown("b")
	r.Rows[0].Second += 50
	if _, err := e.Replace(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	holds(t, e, "b", span)
	if err := e.mutate(t.Context(), e.first(), "licenses", "DELETE WHERE user = 'b'"); err != nil {
		t.Fatal(err)
	}
	holds(t, open(t, dsn), "a", archive.Span{From: noon + 1, To: noon + 50}, archive.Span{From: noon + 51, To: span.To})
}

// A server fails, or the process is killed, while the hole is noted.
func TestAHoleThatCannotBeNotedIsFoundAgain(t *testing.T) {
	dsn := clickhouse.ForTest(t, 2)
	e := filled(t, dsn, "abcdef")
	loads, err := e.read(t.Context(), "kind = 'load'")
	if err != nil {
		t.Fatal(err)
	}
	for _, conn := range e.shards {
		if err := e.mutate(t.Context(), conn, "licenses", "DELETE WHERE user = 'c'"); err != nil {
			t.Fatal(err)
		}
	}
	move := func(from, to string) {
		if err := e.shards[1].Exec(t.Context(), "RENAME TABLE "+e.local(from)+" TO "+e.local(to)); err != nil {
			t.Fatal(err)
		}
	}
	move("licenses", "away")
	if err := e.reopen(t.Context(), 1, loads); err == nil {
		t.Error("a shard without its table can be asked")
	}
	move("away", "licenses")
	holds(t, open(t, dsn), "", archive.Span{From: noon + 2, To: span.To})
}
