package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/drmhub/drmhub/server/internal/archive"
)

// A line of the table loads. Of lines with the same site, kind, id and who, the one of the greatest
// version holds.
//
//   - A load: id is its number, state is below, Lo and Hi are its least and greatest key, Rows its
//     rows. A load without a line counts.
//   - A mask: rows of the site within Ranges (pairs of keys, inclusive) whose load is less than id
//     do not count. It holds unless the load of the same number is pending or dead.
//   - Spans: Ranges are the site's spans, and Rows how many rows it has.
//   - Since: Lo is the second that the archive of the site shall reach back to. Passes do not write
//     it.
//   - An erased viewer: state is erasing while rows can still hold the id.
//   - Shards: Rows is the number of servers.
//
// A load is pending before its first row is written, and so before a change takes effect. The lines
// by which the change takes effect have the version after the load's number. So a load that another
// process declared dead in between stays dead.
type line struct {
	Site    uint16
	Kind    string
	ID      uint64
	Who     string
	Version uint64
	State   string
	Lo, Hi  int64
	Rows    int64
	Ranges  []int64
}

const (
	kindLoad   = "load"
	kindMask   = "mask"
	kindSpans  = "spans"
	kindSince  = "since"
	kindErased = "erased"
	kindShards = "shards"

	pending = "pending"
	live    = "live"
	dead    = "dead"
	erasing = "erasing"
	erased  = "erased"
)

// nobody is the hash of rows without a viewer.
var nobody = strings.Repeat("\x00", 16)

const lineColumns = "site, kind, id, who, version, state, lo, hi, rows, ranges"

// read returns the lines that hold, of those that match a condition.
func (e *Engine) read(ctx context.Context, condition string) ([]line, error) {
	type place struct {
		site uint16
		kind string
		id   uint64
		who  string
	}
	var out []line
	at := map[place]int{}
	text := "SELECT " + lineColumns + " FROM " + e.local("loads") + " WHERE " + condition
	err := e.query(ctx, text, func(row func(...any) error) error {
		var l line
		err := row(&l.Site, &l.Kind, &l.ID, &l.Who, &l.Version, &l.State, &l.Lo, &l.Hi, &l.Rows, &l.Ranges)
		p := place{l.Site, l.Kind, l.ID, l.Who}
		if i, ok := at[p]; !ok {
			at[p] = len(out)
			out = append(out, l)
		} else if out[i].Version < l.Version {
			out[i] = l
		}
		return err
	})
	return out, err
}

// write adds lines, all or none. The end of a call does not interrupt it, so that nobody has to ask
// what became of them.
func (e *Engine) write(ctx context.Context, lines ...line) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	batch, err := e.first().PrepareBatch(ctx, "INSERT INTO "+e.local("loads")+" ("+lineColumns+")")
	if err != nil {
		return err
	}
	for _, l := range lines {
		if l.Who == "" {
			l.Who = nobody
		}
		if l.Ranges == nil {
			l.Ranges = []int64{}
		}
		err := batch.Append(l.Site, l.Kind, l.ID, l.Who, l.Version, l.State, l.Lo, l.Hi, l.Rows, l.Ranges)
		if err != nil {
			return errors.Join(err, batch.Abort())
		}
	}
	return batch.Send()
}

// A ledger is the lines of one site.
type ledger struct {
	site   uint16
	lines  []line
	newest uint64 // version
}

// ledger returns the lines of a site. Loads that another process left behind are declared dead
// before. Only the owner of a site may call it, to change the site.
func (e *Engine) ledger(ctx context.Context, site uint16) (*ledger, error) {
	lines, err := e.read(ctx, fmt.Sprintf("site = %d", site))
	if err != nil {
		return nil, err
	}
	l := &ledger{site: site, lines: lines}
	for _, one := range lines {
		l.newest = max(l.newest, one.Version)
	}
	return l, e.bury(ctx, l)
}

// bury declares pending loads dead. The spans are written again, in case the insert by which a load
// takes effect is still on its way to the server.
func (e *Engine) bury(ctx context.Context, l *ledger) error {
	version := e.numbers.next(l.newest)
	var lines []line
	for i := range l.lines {
		if one := &l.lines[i]; one.Kind == kindLoad && one.State == pending {
			one.State, one.Version = dead, version
			lines = append(lines, *one)
		}
	}
	if lines == nil {
		return nil
	}
	l.newest = version
	return e.write(ctx, append(lines, l.spansLine(l.spans(), l.rows(), version))...)
}

// spans returns what is final.
func (l *ledger) spans() []archive.Span {
	for _, one := range l.lines {
		if one.Kind == kindSpans {
			return one.spans()
		}
	}
	return nil
}

// spans returns the ranges of a line of spans.
func (l line) spans() (out []archive.Span) {
	for pair := range slices.Chunk(l.Ranges, 2) {
		out = append(out, archive.Span{From: pair[0], To: pair[1]})
	}
	return out
}

// rows returns how many rows the site has.
func (l *ledger) rows() int64 {
	for _, one := range l.lines {
		if one.Kind == kindSpans {
			return one.Rows
		}
	}
	return 0
}

func (l *ledger) spansLine(spans []archive.Span, rows int64, version uint64) line {
	out := line{Site: l.site, Kind: kindSpans, Version: version, Rows: rows}
	for _, s := range spans {
		out.Ranges = append(out.Ranges, s.From, s.To)
	}
	return out
}

// erased returns the hashes of the viewers that are erased at the site.
func (l *ledger) erased() map[string]bool {
	out := map[string]bool{}
	for _, one := range l.lines {
		if one.Kind == kindErased {
			out[one.Who] = true
		}
	}
	return out
}

// A view says which rows counted at one moment.
type view struct {
	sites []uint16
	upTo  uint64 // Loads that began later do not count.
	lines []line
	// ahead is the newest version of each site that was changed by a process whose clock is ahead.
	// Loads of the site up to that count.
	ahead map[uint16]uint64
}

// view returns what counts now, at some sites. A later load has a greater number than all versions
// of its site. It is also greater than the time here, unless the clock of its process is behind.
// The numbers of this process are no such bound: they stay ahead for a while after those of a clock
// that was ahead.
func (e *Engine) view(ctx context.Context, sites []uint16) (*view, error) {
	v := &view{sites: sites, ahead: map[uint16]uint64{}}
	now, newest := uint64(time.Now().UnixNano()), map[uint16]uint64{}
	var err error
	// The line of a load is removed in time. That of the spans stays, and has the version of the
	// newest load.
	v.lines, err = e.read(ctx, "kind IN ('load', 'mask', 'erased', 'spans') AND site IN ("+list(sites)+")")
	for _, one := range v.lines {
		newest[one.Site] = max(newest[one.Site], one.Version)
		v.upTo = min(max(v.upTo, one.Version), now)
	}
	for site, version := range newest {
		if version > v.upTo {
			v.ahead[site] = version
		}
	}
	return v, err
}

// view returns what counts for the one who changes the site.
func (l *ledger) view(upTo uint64) *view {
	return &view{sites: []uint16{l.site}, upTo: upTo, lines: l.lines}
}

// counts returns the condition for rows that count.
func (v *view) counts() string {
	var out strings.Builder
	fmt.Fprintf(&out, "site IN (%s) AND (load <= %d", list(v.sites), v.upTo)
	for _, site := range v.sites {
		if newest := v.ahead[site]; newest > 0 {
			fmt.Fprintf(&out, " OR site = %d AND load <= %d", site, newest)
		}
	}
	out.WriteString(")")
	var without []uint64
	for _, one := range v.lines {
		if one.Kind == kindLoad && one.State != live {
			without = append(without, one.ID)
		}
	}
	if len(without) > 0 {
		out.WriteString(" AND load NOT IN (" + list(without) + ")")
	}
	for _, one := range v.lines {
		if one.Kind == kindMask && !slices.Contains(without, one.ID) {
			out.WriteString(" AND NOT (" + one.masked() + ")")
		}
	}
	return out.String()
}

// masked returns the condition for the rows that a mask hides.
func (l line) masked() string {
	var ranges []string
	for pair := range slices.Chunk(l.Ranges, 2) {
		ranges = append(ranges, fmt.Sprintf("(k >= %d AND k <= %d)", pair[0], pair[1]))
	}
	return fmt.Sprintf("site = %d AND load < %d AND (%s)", l.Site, l.ID, strings.Join(ranges, " OR "))
}

// hidden returns the condition for the rows of viewers who are erased, while rows can hold their
// ids. It is empty if no row can.
func (v *view) hidden() string {
	var all []string
	for _, one := range v.lines {
		if one.Kind == kindErased && one.State == erasing {
			all = append(all, fmt.Sprintf("(site = %d AND who = %s)", one.Site, hash(one.Who)))
		}
	}
	return strings.Join(all, " OR ")
}

// hash returns the hash of a viewer as ClickHouse reads it.
func hash(who string) string { return fmt.Sprintf("toFixedString(unhex('%x'), 16)", who) }

// list returns numbers with commas between.
func list[T uint16 | uint64](all []T) string {
	var out strings.Builder
	for i, n := range all {
		if i > 0 {
			out.WriteString(", ")
		}
		fmt.Fprintf(&out, "%d", n)
	}
	return out.String()
}
