package clickhouse

import (
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/drmhub/drmhub/internal/clickhouse"
	"github.com/drmhub/drmhub/server/internal/archive"
	"github.com/drmhub/drmhub/server/internal/archive/archivetest"
)

func open(t *testing.T, dsn string) *Engine {
	t.Helper()
	e, err := Open(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	return e
}

func TestTheArchiveInClickHouse(t *testing.T) {
	for name, servers := range map[string]int{"one server": 1, "two shards": 2} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			archivetest.Run(t, func(t *testing.T) func() archive.Engine {
				dsn := clickhouse.ForTest(t, servers)
				return func() archive.Engine { return open(t, dsn) }
			})
		})
	}
}

const (
	place = "vendors/a/sites/1"
	noon  = 1_790_000_000
)

var span = archive.Span{From: noon, To: noon + 100}

// shown returns the rows that a vendor shows: one for each letter, which is the viewer.
func shown(viewers string) archive.Replacement {
	r := archive.Replacement{Site: place, Span: span, Final: true}
	for i, viewer := range viewers {
		row := archive.Row{Site: place, Second: noon + int64(i%2), User: string(viewer), Device: "d"}
		r.Rows = append(r.Rows, row)
	}
	return r
}

// filled opens an archive that has rows of one site.
func filled(t *testing.T, dsn, viewers string) *Engine {
	t.Helper()
	e := open(t, dsn)
	if err := e.SetZone(t.Context(), place, time.UTC); err != nil {
		t.Fatal(err)
	}
	replace(t, e, viewers)
	return e
}

func replace(t *testing.T, e *Engine, viewers string) {
	t.Helper()
	if _, err := e.Replace(t.Context(), shown(viewers)); err != nil {
		t.Fatal(err)
	}
}

// holds checks the viewers and the spans of the site. An erased viewer is a dash.
func holds(t *testing.T, e *Engine, viewers string, spans ...archive.Span) {
	t.Helper()
	site, err := e.Site(t.Context(), place)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := e.Rows(t.Context(), place, archive.Span{From: archive.MinSecond, To: archive.MaxSecond})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range rows {
		got = append(got, r.User+strings.Repeat("-", 1-len(r.User)))
	}
	slices.Sort(got)
	if strings.Join(got, "") != viewers || site.Rows != int64(len(viewers)) || !slices.Equal(site.Spans, spans) {
		t.Errorf("the archive holds %q, %d rows and spans %v, want %q and %v", got, site.Rows, site.Spans, viewers,
			spans)
	}
	byViewer := int64(0)
	for _, viewer := range "abcdefgh" {
		person := archive.Person(string(viewer))
		n, err := e.Count(t.Context(), archive.Question{Sites: []string{place}, Person: person})
		if err != nil {
			t.Fatal(err)
		}
		byViewer += n
	}
	if want := int64(len(strings.ReplaceAll(viewers, "-", ""))); byViewer != want {
		t.Errorf("%d rows are found by viewer, want %d", byViewer, want)
	}
}

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

// A clock may be ahead for a while, that of another process or that of this one before it was set right.
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

// A question counts what was there when it began, also of a process whose numbers are ahead, and beside a site
// whose versions are.
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

func TestTheSecondOfTwoChangesFails(t *testing.T) {
	dsn := clickhouse.ForTest(t, 1)
	one := filled(t, dsn, "ab")
	other := open(t, dsn)
	l, err := one.ledger(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	replace(t, other, "abc")
	if err := one.apply(t.Context(), l, edit{spans: []archive.Span{{From: 1, To: 2}}}); !errors.Is(err, errRaced) {
		t.Errorf("the change of another process is overwritten: %v", err)
	}
	holds(t, other, "abc", span)
	replace(t, one, "ac")
	holds(t, other, "ac", span)
}

// swept sweeps as if everything were old, and checks what the tables have afterwards.
func swept(t *testing.T, e *Engine, rows, lines int64) {
	t.Helper()
	if err := e.sweep(t.Context(), -time.Hour, -time.Hour); err != nil {
		t.Fatal(err)
	}
	left, err := e.read(t.Context(), "site > 0")
	if err != nil || int64(len(left)) != lines {
		t.Errorf("the lines %v, %v are left, want %d", left, err, lines)
	}
	for _, table := range []string{"licenses", "by_user"} {
		if n, err := e.count(t.Context(), e.all(table), "1"); n != rows || err != nil {
			t.Errorf("%s has %d rows, %v, want %d", table, n, err, rows)
		}
	}
}

func TestWhatDoesNotCountIsRemoved(t *testing.T) {
	e := filled(t, clickhouse.ForTest(t, 2), "abcdeabcde")
	for range 3 { // The mask of one load can hide rows of another.
		replace(t, e, "abcdeab")
		replace(t, e, "fgh")
		replace(t, e, "abcdf")
	}
	holds(t, e, "abcdf", span)
	swept(t, e, 5, 1)
	holds(t, e, "abcdf", span)
	if n, err := e.Forget(t.Context(), place, noon+1); n != 3 || err != nil {
		t.Errorf("Forget removes %d rows, %v, want 3", n, err)
	}
	after := archive.Span{From: noon + 1, To: span.To}
	holds(t, e, "bd", after)
	swept(t, e, 2, 1)
	holds(t, e, "bd", after)
}

func TestAnErasedViewerLeavesTheRows(t *testing.T) {
	e := filled(t, clickhouse.ForTest(t, 2), "aab")
	if n, err := e.Erase(t.Context(), []string{place}, archive.Person("a")); n != 2 || err != nil {
		t.Errorf("Erase returns %d, %v, want 2", n, err)
	}
	holds(t, e, "--b", span)
	replace(t, e, "aabac")
	holds(t, e, "---bc", span)
	left := func() int64 {
		n := int64(0)
		for _, table := range []string{"licenses", "by_user"} {
			one, err := e.count(t.Context(), e.all(table), "user = 'a'")
			if err != nil {
				t.Fatal(err)
			}
			n += one
		}
		return n
	}
	for range 1000 { // A sweep orders the removal, and does not wait for it.
		swept(t, e, 5, 2)
		if lines, err := e.read(t.Context(), "state = 'erased'"); err != nil || len(lines) == 1 || t.Failed() {
			break
		}
	}
	if n := left(); n != 0 {
		t.Errorf("%d rows still have the id", n)
	}
	holds(t, e, "---bc", span)
	months, err := e.Months(t.Context(), place)
	if err != nil || len(months) != 1 || months[0].All.Users != 3 {
		t.Errorf("the months are %v, %v, want one with 3 users", months, err)
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

// Processes make the same sites known at the same time.
func TestASiteHasOneNumber(t *testing.T) {
	dsn := clickhouse.ForTest(t, 1)
	engines := []*Engine{open(t, dsn), open(t, dsn), open(t, dsn)}
	const sites = 12
	var all sync.WaitGroup
	for n, e := range engines {
		for i := range sites {
			i = (i + n) % sites
			all.Go(func() {
				if err := e.SetZone(t.Context(), fmt.Sprintf("vendors/a/sites/%d", i), time.UTC); err != nil {
					t.Error(err)
				}
			})
		}
	}
	all.Wait()
	claims, err := engines[0].claims(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	names, numbers := map[string]bool{}, map[uint16]bool{}
	for _, s := range claims {
		if names[s.name] || numbers[s.number] {
			t.Errorf("%s with the number %d is there, and the site or the number is there already", s.name, s.number)
		}
		names[s.name], numbers[s.number] = true, true
	}
	if len(names) != sites {
		t.Errorf("there are %d sites, want %d", len(names), sites)
	}
}

// A process is killed after it has claimed a number, and before its site has a line. The site gets that number
// later, whichever site is next.
func TestAClaimThatWasLeftBehind(t *testing.T) {
	const left, next = "vendors/a/sites/'\\%27\n?` {x:UInt8}é", "vendors/a/sites/next"
	for _, first := range []string{left, next} {
		dsn := clickhouse.ForTest(t, 1)
		killed, other := open(t, dsn), open(t, dsn)
		if err := killed.claim(t.Context(), nil, left, time.UTC); err != nil {
			t.Fatal(err)
		}
		if err := killed.mutate(t.Context(), killed.first(), "sites", "DELETE WHERE 1"); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{first, left, next} {
			if err := other.SetZone(t.Context(), name, time.UTC); err != nil {
				t.Fatal(err)
			}
		}
		sites, err := other.allSites(t.Context())
		if err != nil || len(sites) != 2 || sites[0].name != left || sites[0].number != 1 || sites[1].number != 2 {
			t.Errorf("the sites are %v, %v", sites, err)
		}
	}
}

// A zone that nobody can load again would keep all sites from being read.
func TestAZoneWithoutAName(t *testing.T) {
	e := filled(t, clickhouse.ForTest(t, 1), "ab")
	if err := e.SetZone(t.Context(), "vendors/a/sites/2", time.FixedZone("here", 3600)); err == nil {
		t.Error("the archive accepts a zone that it cannot load again")
	}
	holds(t, e, "ab", span)
}

func TestOpenRefuses(t *testing.T) {
	dsn := clickhouse.ForTest(t, 2)
	filled(t, dsn, "abcdef")
	before, rest, _ := strings.Cut(dsn, "@")
	hosts, database, _ := strings.Cut(rest, "/")
	first, second, _ := strings.Cut(hosts, ",")
	for _, c := range []struct{ dsn, want string }{
		{"mysql://u:secret@localhost/x", "must be clickhouse://"},
		{"clickhouse://u:secret@localhost:port/x", "must be clickhouse://"},
		{"http://u:secret@localhost:8123/x", "must be clickhouse://"},
		{"clickhouse://u:secret@a:9000,b:9000/x", "cluster=NAME"},
		{before + "@" + first + "/" + database, "the archive has 2 hosts, and archive.dsn names 1"},
		{before + "@" + second + "," + first + "/" + database, "restore the order of the hosts"},
		{before + "@" + first + "," + first + "/" + database, "restore the order of the hosts"},
		{dsn + "?cluster=unknown", "does not reach the others"},
	} {
		e, err := Open(t.Context(), c.dsn)
		if err == nil {
			_ = e.Close()
		}
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s is opened with the error %v, want %q", c.dsn, err, c.want)
		}
	}
	if os.Getenv("DRMHUB_TEST_CLICKHOUSE") == "" {
		holds(t, open(t, dsn+"?cluster="+clickhouse.Cluster), "abcdef", span)
	}
}

// The rows of a viewer are on one server, and those without a viewer on all.
func TestShardsShareTheRows(t *testing.T) {
	e := filled(t, clickhouse.ForTest(t, 2), "")
	r := shown("")
	for i := range 200 {
		row := archive.Row{Site: place, Second: noon, Device: fmt.Sprint(i)}
		row.User = []string{"", "LICENSETOKEN", "a", fmt.Sprint(i)}[i%4]
		r.Rows = append(r.Rows, row)
	}
	if _, err := e.Replace(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	// Behind the only group, ClickHouse 18.16 must not be asked for rows without columns.
	q := archive.Question{Sites: []string{place}}
	page, total, err := e.Summarize(t.Context(), q, archive.Grouping{Offset: 1, Limit: 1})
	if err != nil || len(page) != 0 || total != 1 {
		t.Errorf("behind the only group are %v of %d, %v", page, total, err)
	}
	for user, most := range map[string]uint64{"": 40, "LICENSETOKEN": 40, "a": 50} {
		var counts []uint64
		err := e.each(func(conn driver.Conn, table string) error {
			n := uint64(0)
			text := "SELECT count() FROM " + e.local(table) + " WHERE user = " + literal(user)
			err := conn.QueryRow(t.Context(), text).Scan(&n)
			counts = append(counts, n)
			return err
		})
		if err != nil || counts[0]+counts[2] != 50 || counts[1] != counts[0] || counts[3] != counts[2] ||
			(max(counts[0], counts[2]) > 40) != (most == 50) {
			t.Errorf("the rows of %q are %v, %v", user, counts, err)
		}
	}
}
