package clickhouse

import (
	"errors"
	"fmt"
	"slices"
	"strings"
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
