package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/drmhub/drmhub/server/internal/archive"
)

// The ages at which a sweep acts. A load's rows are on the disk long before its age of settled. A
// question that began before a line was written may take as long as old.
const (
	sweepInterval = 10 * time.Minute
	settled       = 10 * time.Minute
	old           = time.Hour
)

// sweepTime is how long a sweep may take. A server may never finish a change, and the next sweep
// still has to look for rows that were lost.
const sweepTime = time.Hour

func (e *Engine) sweepNowAndThen(ctx context.Context) {
	ticker := time.NewTicker(sweepInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		within, cancel := context.WithTimeout(ctx, sweepTime)
		err := e.sweep(within, settled, old)
		cancel()
		if err != nil && ctx.Err() == nil {
			slog.WarnContext(ctx, "the archive cannot remove what no longer counts; it tries again", "error", err)
		}
	}
}

// sweep removes rows that do not count, and lines that are no longer needed.
func (e *Engine) sweep(ctx context.Context, settled, old time.Duration) error {
	now := time.Now()
	before := uint64(now.Add(-settled).UnixNano())
	if err := e.verify(ctx, before); err != nil {
		return err
	}
	lines, err := e.read(ctx, "kind = 'load'")
	if err != nil {
		return err
	}
	if err := e.settle(ctx, lines, before); err != nil {
		return err
	}
	if lines, err = e.read(ctx, "kind IN ('load', 'mask', 'erased')"); err != nil {
		return err
	}
	before = uint64(now.Add(-old).UnixNano())
	if err := e.remove(ctx, lines, before); err != nil {
		return err
	}
	return e.confirmErased(ctx, lines, before)
}

// verify counts the rows of live loads. ClickHouse confirms rows before they are on the disk, so
// that a power failure can lose some. Then the load is dead, and its time is a hole, which passes
// fill again.
func (e *Engine) verify(ctx context.Context, before uint64) error {
	lines, err := e.read(ctx, "kind = 'load'")
	if err != nil {
		return err
	}
	sites := map[uint16][]line{}
	for _, l := range lines {
		if l.State == live && l.Rows > 0 && l.Version < before {
			sites[l.Site] = append(sites[l.Site], l)
		}
	}
	for site, loads := range sites {
		for some := range slices.Chunk(loads, 1000) {
			lost, err := e.lost(ctx, some)
			if err != nil {
				return err
			}
			if err := e.reopen(ctx, site, lost); err != nil {
				return err
			}
		}
	}
	return nil
}

// lost returns those loads of a site that lack rows.
func (e *Engine) lost(ctx context.Context, loads []line) ([]line, error) {
	var ids []uint64
	least, most := loads[0].Lo, loads[0].Hi
	for _, l := range loads {
		ids = append(ids, l.ID)
		least, most = min(least, l.Lo), max(most, l.Hi)
	}
	short := map[uint64]bool{}
	for _, table := range []string{"licenses", "by_user"} {
		held := map[uint64]uint64{}
		text := fmt.Sprintf("SELECT load, count() FROM %s WHERE site = %d AND k >= %d AND k <= %d AND load IN (%s) "+
			"GROUP BY load", e.all(table), loads[0].Site, least, most, list(ids))
		err := e.query(ctx, text, func(row func(...any) error) error {
			var id, n uint64
			err := row(&id, &n)
			held[id] = n
			return err
		})
		if err != nil {
			return nil, err
		}
		for _, l := range loads {
			short[l.ID] = short[l.ID] || held[l.ID] != uint64(l.Rows)
		}
	}
	return slices.DeleteFunc(slices.Clone(loads), func(l line) bool { return !short[l.ID] }), nil
}

// maxReopens is how often reopen begins again when another process changes the site.
const maxReopens = 5

// reopen declares loads dead that lack rows, and takes their time out of the spans. Both are one
// change: a process that is killed in between would leave a time final without its rows.
func (e *Engine) reopen(ctx context.Context, site uint16, lost []line) error {
	if len(lost) == 0 {
		return nil
	}
	unlock, err := e.lock(ctx, site)
	if err != nil {
		return err
	}
	defer unlock()
	for range maxReopens {
		if err = e.reopenOnce(ctx, site, lost); !errors.Is(err, errRaced) {
			break
		}
	}
	return err
}

func (e *Engine) reopenOnce(ctx context.Context, site uint16, lost []line) error {
	l, err := e.ledger(ctx, site)
	if err != nil {
		return err
	}
	made := edit{spans: l.spans()}
	for i := range l.lines {
		one := &l.lines[i]
		is := func(other line) bool { return other.ID == one.ID }
		if one.Kind != kindLoad || one.State != live || !slices.ContainsFunc(lost, is) {
			continue // Another process has reopened it.
		}
		one.State = dead
		made.lost = append(made.lost, *one)
		for _, hole := range l.changed(*one) {
			made.spans = cut(made.spans, hole)
		}
	}
	if len(made.lost) == 0 {
		return nil
	}
	if made.rows, err = e.count(ctx, e.all("licenses"), l.view(l.newest).counts()); err != nil {
		return err
	}
	if err := e.apply(ctx, l, made); err != nil {
		return err
	}
	for _, one := range made.lost {
		slog.WarnContext(ctx, "ClickHouse lost rows of the archive, which are read again from the vendor",
			"site_number", site, "load", one.ID, "rows", one.Rows, "from", one.time().From, "to", one.time().To)
	}
	return nil
}

// changed returns the times of what a load changed: its rows, and those that its mask hides, which
// come back once it is dead.
func (l *ledger) changed(load line) []archive.Span {
	out := []archive.Span{load.time()}
	for _, one := range l.lines {
		if one.Kind != kindMask || one.ID != load.ID {
			continue
		}
		for pair := range slices.Chunk(one.Ranges, 2) {
			out = append(out, line{Lo: pair[0], Hi: pair[1]}.time())
		}
	}
	return out
}

// time returns the seconds from the first row of a load to its last.
func (l line) time() archive.Span {
	return archive.Span{From: archive.Key(l.Lo).Second(), To: archive.Key(l.Hi).Second() + 1}
}

// settle removes the lines of live loads, which have been verified. A load without a line counts.
func (e *Engine) settle(ctx context.Context, lines []line, before uint64) error {
	var ids []uint64
	for _, l := range lines {
		if l.Kind == kindLoad && l.State == live && l.Version < before {
			ids = append(ids, l.ID)
		}
	}
	return e.drop(ctx, ids, pending, live)
}

// drop removes the lines of loads, in the order of the states. ClickHouse can show a state before
// it while another is gone already.
func (e *Engine) drop(ctx context.Context, ids []uint64, states ...string) error {
	for some := range slices.Chunk(ids, 10_000) {
		for _, state := range states {
			err := e.mutate(ctx, e.first(), "loads",
				"DELETE WHERE kind = 'load' AND state = "+literal(state)+" AND id IN ("+list(some)+")")
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// remove removes the rows of old dead loads and of old masks, and then their lines. The masks of
// dead loads go before the loads, because they do not hold.
func (e *Engine) remove(ctx context.Context, lines []line, before uint64) error {
	states := map[uint64]string{}
	var loads, masks []uint64
	for _, l := range lines {
		if l.Kind == kindLoad {
			states[l.ID] = l.State
		}
		if l.Kind == kindLoad && l.State != live && l.Version < before {
			loads = append(loads, l.ID)
		}
	}
	var rows []string
	for _, l := range lines {
		if l.Kind != kindMask || l.Version >= before || states[l.ID] == live {
			continue // The rows of a live load are still to be verified.
		}
		masks = append(masks, l.ID)
		if states[l.ID] == "" {
			rows = append(rows, "("+l.masked()+")")
		}
	}
	if len(loads) > 0 {
		rows = append(rows, "load IN ("+list(loads)+")")
	}
	if len(rows) > 0 {
		err := e.each(func(conn driver.Conn, table string) error {
			return e.mutate(ctx, conn, table, "DELETE WHERE "+strings.Join(rows, " OR "))
		})
		if err != nil {
			return err
		}
	}
	if len(masks) > 0 {
		err := e.mutate(ctx, e.first(), "loads", "DELETE WHERE kind = 'mask' AND id IN ("+list(masks)+")")
		if err != nil {
			return err
		}
	}
	return e.drop(ctx, loads, live, pending, dead)
}

// mutate changes a table of a server, and blocks until that is done. It first waits for earlier
// changes, so that none pile up behind one that never ends.
func (e *Engine) mutate(ctx context.Context, conn driver.Conn, table, command string) error {
	if err := e.finished(ctx, conn, table); err != nil {
		return fmt.Errorf("no change of the table %s was ordered, since ClickHouse has not finished an earlier one: %w",
			table, err)
	}
	if err := conn.Exec(ctx, "ALTER TABLE "+e.local(table)+" "+command); err != nil {
		return err
	}
	if err := e.finished(ctx, conn, table); err != nil {
		return fmt.Errorf("a change of the table %s was ordered, and ClickHouse has not finished it: %w", table, err)
	}
	return nil
}

// finished blocks until a server has finished all changes of a table.
func (e *Engine) finished(ctx context.Context, conn driver.Conn, table string) error {
	for wait := 10 * time.Millisecond; ; wait = min(2*wait, time.Second) {
		n := uint64(0)
		row := conn.QueryRow(ctx, "SELECT count() FROM system.mutations WHERE database = "+literal(e.database)+
			" AND table = "+literal(table)+" AND is_done = 0")
		if err := row.Scan(&n); err != nil || n == 0 {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("system.mutations of the server shows why: %w", ctx.Err())
		case <-time.After(wait):
		}
	}
}

// confirmErased looks for ids of erased viewers in rows. When there are none any more, questions no
// longer have to hide them.
func (e *Engine) confirmErased(ctx context.Context, lines []line, before uint64) error {
	lines = slices.DeleteFunc(slices.Clone(lines), func(l line) bool {
		return l.Kind != kindErased || l.State != erasing
	})
	if len(lines) == 0 {
		return nil
	}
	held := int64(0)
	condition := "(" + (&view{lines: lines}).hidden() + ") AND (user != '' OR user_md5 != '')"
	for _, table := range []string{"licenses", "by_user"} {
		n, err := e.count(ctx, e.all(table), condition)
		if err != nil {
			return err
		}
		held += n
	}
	if held > 0 {
		return e.blank(ctx, lines)
	}
	var done []line
	for _, l := range lines {
		if l.Version < before {
			l.State, l.Version = erased, e.numbers.next(l.Version)
			done = append(done, l)
		}
	}
	if len(done) == 0 {
		return nil
	}
	return e.write(ctx, done...)
}
