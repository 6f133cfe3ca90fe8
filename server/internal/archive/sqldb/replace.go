package sqldb

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/drmhub/drmhub/server/internal/archive"
)

// maxKey is the greatest number that a key can have.
const maxKey = math.MaxInt64

// keys returns the least and the greatest key of a range. To 0 means no end. A range that begins
// after all rows has the least key maxKey, which no row has.
func keys(span archive.Span) (lo, hi int64) {
	lo, hi = maxKey, maxKey
	if span.From <= archive.MaxSecond {
		lo = int64(archive.Above(max(span.From, archive.MinSecond)))
	}
	if span.To != 0 && span.To <= archive.MaxSecond {
		hi = int64(archive.Above(max(span.To, archive.MinSecond))) - 1
	}
	return lo, hi
}

// Replace implements archive.Engine.
func (d *DB) Replace(ctx context.Context, r archive.Replacement) (change archive.Change, err error) {
	if err := check(r); err != nil {
		return archive.Change{}, err
	}
	site, err := d.known(ctx, r.Site)
	if err != nil {
		return archive.Change{}, err
	}
	replace := func(ctx context.Context, tx *tx) error {
		change, err = tx.replace(ctx, site, r)
		return err
	}
	for range 2 {
		if err = d.makePartitions(ctx, r.Rows); err != nil {
			break
		}
		if err = d.write(ctx, replace); !lacksPartition(err) {
			break
		}
		d.partitions.forget() // Another replica has dropped one.
	}
	if err != nil {
		return archive.Change{}, err
	}
	return change, nil
}

// check returns an error unless all rows are of the site and within the range.
func check(r archive.Replacement) error {
	if r.Span.From >= r.Span.To || r.Span.From < archive.MinSecond || r.Span.To > archive.MaxSecond+1 {
		return fmt.Errorf("the range [%d, %d) is not one of the archive; nothing was changed", r.Span.From, r.Span.To)
	}
	for i := range r.Rows {
		if row := &r.Rows[i]; row.Site != r.Site || row.Second < r.Span.From || row.Second >= r.Span.To {
			return fmt.Errorf("a row of %s at %d is not within the replaced range; nothing was changed",
				row.Site, row.Second)
		}
	}
	return nil
}

// A stored is a row as the database holds it.
type stored struct {
	key archive.Key
	coded
}

func (tx *tx) replace(ctx context.Context, site siteEntry, r archive.Replacement) (archive.Change, error) {
	if err := tx.lock(ctx, site.number, false); err != nil {
		return archive.Change{}, err
	}
	// The zone may have changed since, and with it what the counts count.
	site, err := tx.site(ctx, r.Site)
	if err != nil {
		return archive.Change{}, err
	}
	if err := tx.remember(ctx); err != nil {
		return archive.Change{}, err
	}
	rows, err := tx.encode(ctx, site.number, r.Rows)
	if err != nil {
		return archive.Change{}, err
	}
	there, err := tx.there(ctx, site.number, r.Span)
	if err != nil {
		return archive.Change{}, err
	}
	added, removed, kept, err := subtract(site, rows, there)
	if err != nil {
		return archive.Change{}, err
	}
	err = errors.Join(tx.remove(ctx, removed), tx.add(ctx, site.number, added))
	if err != nil {
		return archive.Change{}, err
	}
	if err := tx.recount(ctx, site, added, removed); err != nil {
		return archive.Change{}, err
	}
	if r.Final {
		if err := tx.join(ctx, site.number, r.Span); err != nil {
			return archive.Change{}, err
		}
	}
	return archive.Change{Added: len(added), Removed: len(removed), Kept: kept}, nil
}

// recount changes the counts by rows that were added and removed.
func (tx *tx) recount(ctx context.Context, site siteEntry, added, removed []stored) error {
	shapes, err := tx.shapesOf(ctx, added, removed)
	if err != nil {
		return err
	}
	net := newNet(site.number, newClock(site.zone))
	for i := range added {
		net.count(added[i].coded, shapes[added[i].shape], 1)
	}
	for i := range removed {
		net.count(removed[i].coded, shapes[removed[i].shape], -1)
	}
	return tx.apply(ctx, net)
}

// shapesOf returns the shapes of rows by their ids. Only what is counted is filled in.
func (tx *tx) shapesOf(ctx context.Context, lists ...[]stored) (map[int64]shape, error) {
	shapes := map[int64]shape{}
	for _, rows := range lists {
		for i := range rows {
			shapes[rows[i].shape] = shape{}
		}
	}
	for chunk := range slices.Chunk(sortedKeys(shapes, cmp.Compare[int64]), perDelete) {
		rows, err := tx.QueryContext(ctx,
			"SELECT id, drm, status, code FROM archive_shapes WHERE id IN ("+list(chunk)+")")
		if err != nil {
			return nil, err
		}
		err = scanInts(rows, func(v []int64) { shapes[v[0]] = shape{drm: v[1], status: v[2], code: v[3]} })
		if err != nil {
			return nil, err
		}
	}
	return shapes, nil
}

// there returns what a range holds, the greatest key first.
func (tx *tx) there(ctx context.Context, site int, span archive.Span) (all []stored, err error) {
	lo, hi := keys(span)
	err = tx.ints(ctx, "SELECT k, shape, content, person, device, outcome FROM archive_rows "+
		tx.db.indexed("archive_rows_site")+" WHERE site = ? AND k >= ? AND k <= ? ORDER BY k DESC",
		[]any{site, lo, hi}, func(v []int64) {
			k := archive.Key(v[0])
			all = append(all, stored{k, coded{k.Second(), v[1], v[2], v[3], v[4], v[5]}})
		})
	return all, err
}

// indexed makes SQLite use an index. PostgreSQL knows by itself.
func (d *DB) indexed(index string) string {
	if d.isPostgres() {
		return ""
	}
	return "INDEXED BY " + index
}

// subtract compares what a vendor shows with what is there. Both have what is kept, as often as
// both have it.
func subtract(site siteEntry, rows []coded, there []stored) (added, removed []stored, kept int, err error) {
	// The positions in there of equal rows.
	equal := make(map[coded][]int, len(there))
	for i := range there {
		equal[there[i].coded] = append(equal[there[i].coded], i)
	}
	stays := make([]bool, len(there))
	var fresh []coded
	for _, row := range rows {
		at := equal[row]
		if len(at) == 0 {
			fresh = append(fresh, row)
			continue
		}
		stays[at[0]] = true
		equal[row] = at[1:]
		kept++
	}
	next := map[int64]int{} // of each second, the next ordinal
	for i, s := range there {
		if !stays[i] {
			removed = append(removed, s)
			continue
		}
		next[s.second] = max(next[s.second], s.key.Ordinal()+1)
	}
	for _, row := range fresh {
		ordinal := next[row.second]
		if ordinal >= archive.MaxOrdinals {
			return nil, nil, 0, fmt.Errorf("%s has more than %d rows in one second", site.name, archive.MaxOrdinals)
		}
		next[row.second]++
		added = append(added, stored{archive.NewKey(row.second, site.number, ordinal), row})
	}
	slices.SortFunc(added, func(a, b stored) int { return int(min(max(a.key-b.key, -1), 1)) })
	return added, removed, kept, nil
}

// perDelete is how many rows a DELETE names.
const perDelete = 500

func (tx *tx) remove(ctx context.Context, rows []stored) error {
	for chunk := range slices.Chunk(rows, perDelete) {
		ids := make([]int64, len(chunk))
		for i, row := range chunk {
			ids[i] = int64(row.key)
		}
		if _, err := tx.ExecContext(ctx, "DELETE FROM archive_rows WHERE k IN ("+list(ids)+")"); err != nil {
			return err
		}
		tx.written += len(chunk)
	}
	return nil
}

func (tx *tx) add(ctx context.Context, site int, rows []stored) error {
	values := make([]int64, 0, 7*len(rows))
	for _, r := range rows {
		values = append(values, int64(r.key), int64(site), r.outcome, r.shape, r.content, r.person, r.device)
	}
	return tx.insert(ctx, "archive_rows (k, site, outcome, shape, content, person, device)", 7, values, "", nil)
}

// join makes a range part of the site's spans. Spans that overlap or touch become one.
func (tx *tx) join(ctx context.Context, site int, span archive.Span) error {
	joined, touching, within := span, 0, false
	err := tx.ints(ctx, "SELECT lo, hi FROM archive_spans WHERE site = ? AND hi >= ? AND lo <= ?",
		[]any{site, span.From, span.To}, func(v []int64) {
			joined.From, joined.To = min(joined.From, v[0]), max(joined.To, v[1])
			touching++
			within = within || v[0] <= span.From && span.To <= v[1]
		})
	if err != nil || within {
		return err
	}
	if touching > 0 {
		_, err := tx.exec(ctx, "DELETE FROM archive_spans WHERE site = ? AND hi >= ? AND lo <= ?",
			site, span.From, span.To)
		if err != nil {
			return err
		}
	}
	_, err = tx.exec(ctx, "INSERT INTO archive_spans (site, lo, hi) VALUES (?, ?, ?)", site, joined.From, joined.To)
	return err
}

// sortedKeys returns the keys of a map in their order.
func sortedKeys[K comparable, V any](m map[K]V, compare func(a, b K) int) []K {
	return slices.SortedFunc(maps.Keys(m), compare)
}
