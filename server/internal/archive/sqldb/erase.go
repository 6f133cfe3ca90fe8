package sqldb

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/drmhub/drmhub/server/internal/archive"
)

// Erase implements archive.Engine. The rows of the sites get the negative id of the person, so that
// the person still counts once everywhere. Once no site shows the person, the id and the MD5 leave
// the dictionary. What stays is the keyed hash, under which Replace finds the person again.
func (d *DB) Erase(ctx context.Context, sites []string, person string) (rows int64, err error) {
	entries, err := d.entries(ctx, append([]string{}, sites...))
	if err != nil || len(entries) == 0 {
		return 0, err
	}
	err = d.write(ctx, func(ctx context.Context, tx *tx) error {
		rows, err = tx.erase(ctx, sortedNumbers(entries), digest(person))
		return err
	})
	return rows, err
}

func (tx *tx) erase(ctx context.Context, sites []int64, digest []byte) (rows int64, err error) {
	for _, site := range sites {
		if err := tx.lock(ctx, int(site), true); err != nil {
			return 0, err
		}
	}
	if err := tx.remember(ctx); err != nil {
		return 0, err
	}
	id, err := tx.sealed(ctx, digest)
	if err != nil {
		return 0, err
	}
	for _, site := range sites {
		const note = "INSERT INTO archive_erased (site, person) VALUES (?, ?) ON CONFLICT DO NOTHING"
		_, err := tx.exec(ctx, note, site, id)
		if err != nil {
			return 0, err
		}
	}
	rows, err = tx.exec(ctx, "UPDATE archive_rows SET person = -person WHERE person = ? AND site IN ("+
		list(sites)+")", id)
	if err != nil {
		return 0, err
	}
	tx.written += truncateAfter // The WAL holds the id until it is emptied.
	if err := tx.collect(ctx, map[int64]bool{id: true}, nil); err != nil {
		return 0, err
	}
	return rows, tx.forgetIDs(ctx)
}

// sealed returns the id of a person in the dictionary, with the seal beside it. A person of whom no
// row is known yet gets only a seal.
func (tx *tx) sealed(ctx context.Context, digest []byte) (id int64, err error) {
	seal := tx.db.codes.seal(digest)
	for _, find := range []struct {
		query string
		args  []any
	}{
		{"UPDATE archive_people SET seal = ? WHERE digest = ? RETURNING id", []any{seal, digest}},
		{"SELECT id FROM archive_people WHERE seal = ?", []any{seal}},
		{"INSERT INTO archive_people (seal) VALUES (?) RETURNING id", []any{seal}},
	} {
		err := tx.ints(ctx, find.query, find.args, func(v []int64) { id = v[0] })
		if err != nil || id != 0 {
			return id, err
		}
	}
	return id, nil
}

// Forget implements archive.Engine. Each step is a transaction of its own, after which all counts
// are those of the rows that are left.
func (d *DB) Forget(ctx context.Context, name string, before int64) (removed int64, err error) {
	entries, err := d.entries(ctx, []string{name})
	if err != nil || len(entries) == 0 {
		return 0, err
	}
	for n := perStep; n == perStep; {
		err := d.write(ctx, func(ctx context.Context, tx *tx) error {
			n, err = tx.forget(ctx, name, before)
			return err
		})
		if err != nil && removed > 0 { // What the error says is about the last step alone.
			err = fmt.Errorf("the archive has forgotten %d rows of %s, and not all that it should; do it again: %w",
				removed, name, errors.Unwrap(err))
		}
		if err != nil {
			return removed, err
		}
		removed += int64(n)
	}
	return removed, d.dropEmpty(ctx, before)
}

// forget removes the oldest rows before a second, and cuts the spans there.
func (tx *tx) forget(ctx context.Context, name string, before int64) (int, error) {
	site, err := tx.site(ctx, name)
	if err != nil {
		return 0, err
	}
	if err := tx.lock(ctx, site.number, true); err != nil {
		return 0, err
	}
	if site, err = tx.site(ctx, name); err != nil {
		return 0, err
	}
	if _, err := tx.exec(ctx, "DELETE FROM archive_spans WHERE site = ? AND hi <= ?", site.number, before); err != nil {
		return 0, err
	}
	_, err = tx.exec(ctx, "UPDATE archive_spans SET lo = ? WHERE site = ? AND lo < ?", before, site.number, before)
	if err != nil {
		return 0, err
	}
	if before <= archive.MinSecond {
		return 0, nil
	}
	_, hi := keys(archive.Span{To: before})
	rows, err := tx.oldest(ctx, site.number, 0, hi, perStep)
	if err != nil || len(rows) == 0 {
		return 0, err
	}
	if err := tx.remove(ctx, rows); err != nil {
		return 0, err
	}
	if err := tx.recount(ctx, site, nil, rows); err != nil {
		return 0, err
	}
	people, devices := map[int64]bool{}, map[int64]bool{}
	for _, r := range rows {
		people[max(r.person, -r.person)], devices[r.device] = true, true
	}
	if err := tx.collect(ctx, people, devices); err != nil {
		return 0, err
	}
	return len(rows), tx.forgetIDs(ctx)
}

// collect removes those persons and devices from the dictionaries that no row shows any more. Of an
// erased person the seal stays.
func (tx *tx) collect(ctx context.Context, people, devices map[int64]bool) error {
	for chunk := range slices.Chunk(slices.Sorted(maps.Keys(people)), perDelete) {
		const unseen = " AND NOT EXISTS (SELECT 1 FROM archive_rows r WHERE r.person = archive_people.id)"
		ids := "id IN (" + list(chunk) + ")"
		for _, query := range []string{
			"DELETE FROM archive_people WHERE seal IS NULL AND " + ids + unseen,
			"UPDATE archive_people SET digest = NULL, text = NULL, raw = NULL WHERE digest IS NOT NULL AND " +
				ids + unseen,
		} {
			if _, err := tx.ExecContext(ctx, query); err != nil {
				return err
			}
		}
	}
	for chunk := range slices.Chunk(slices.Sorted(maps.Keys(devices)), perDelete) {
		_, err := tx.ExecContext(ctx, "DELETE FROM archive_devices WHERE id > 0 AND id IN ("+list(chunk)+
			") AND NOT EXISTS (SELECT 1 FROM archive_rows r WHERE r.device = archive_devices.id)")
		if err != nil {
			return err
		}
	}
	return nil
}
