package sqldb

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/drmhub/drmhub/server/internal/archive"
)

// A siteEntry is what the database holds of a site, without its spans.
type siteEntry struct {
	name   string
	number int
	zone   *time.Location
	state  string
}

const siteColumns = "SELECT name, id, zone, state FROM archive_sites"

func scanSites(rows *sql.Rows) (all []siteEntry, err error) {
	defer rows.Close()
	for rows.Next() {
		var s siteEntry
		var zone string
		if err := rows.Scan(&s.name, &s.number, &zone, &s.state); err != nil {
			return nil, err
		}
		if s.zone, err = time.LoadLocation(zone); err != nil {
			return nil, fmt.Errorf("%s has the time zone %q, which this machine does not know: %w", s.name, zone, err)
		}
		all = append(all, s)
	}
	return all, rows.Err()
}

// errUnknown is the error of a change to a site that the archive does not know.
func errUnknown(name string) error {
	return fmt.Errorf("the archive does not know %s", name)
}

// known returns a site that SetZone has made known.
func (d *DB) known(ctx context.Context, name string) (siteEntry, error) {
	all, err := d.entries(ctx, []string{name})
	if err == nil && len(all) == 0 {
		err = errUnknown(name)
	}
	if err != nil {
		return siteEntry{}, err
	}
	return all[0], nil
}

// entries returns those of the sites that the archive knows. nil means all sites.
func (r reader) entries(ctx context.Context, names []string) (all []siteEntry, err error) {
	where, args := "", []any(nil)
	if names != nil {
		where = " WHERE name IN (SELECT value FROM json_each(?))"
		if r.db.isPostgres() {
			where = " WHERE name IN (SELECT json_array_elements_text(?::json))"
		}
		text, err := json.Marshal(names)
		if err != nil {
			return nil, err
		}
		args = append(args, string(text))
	}
	rows, err := r.query(ctx, siteColumns+where+" ORDER BY name", args...)
	if err != nil {
		return nil, err
	}
	return scanSites(rows)
}

// site returns a site as the transaction sees it. One that is not known has no name.
func (tx *tx) site(ctx context.Context, name string) (siteEntry, error) {
	rows, err := tx.query(ctx, siteColumns+" WHERE name = ?", name)
	if err != nil {
		return siteEntry{}, err
	}
	all, err := scanSites(rows)
	if err != nil || len(all) == 0 {
		return siteEntry{}, err
	}
	return all[0], nil
}

// Sites implements archive.Engine.
func (d *DB) Sites(ctx context.Context) ([]archive.Site, error) { return d.sites(ctx, nil) }

// Site implements archive.Engine.
func (d *DB) Site(ctx context.Context, name string) (archive.Site, error) {
	all, err := d.sites(ctx, []string{name})
	if err != nil || len(all) == 0 {
		return archive.Site{Name: name}, err
	}
	return all[0], nil
}

func (d *DB) sites(ctx context.Context, names []string) ([]archive.Site, error) {
	entries, err := d.entries(ctx, names)
	if err != nil {
		return nil, err
	}
	var out []archive.Site
	at := map[int64]int{}
	for i, e := range entries {
		s := archive.Site{Name: e.name, Zone: e.zone}
		if err := json.Unmarshal([]byte(e.state), &s.State); err != nil {
			return nil, fmt.Errorf("cannot read the state of %s: %w", e.name, err)
		}
		out = append(out, s)
		at[int64(e.number)] = i
	}
	where := " WHERE site IN (" + list(sortedNumbers(entries)) + ")"
	if len(entries) == 0 {
		return nil, nil
	}
	err = d.ints(ctx, "SELECT site, CAST(sum(n) AS BIGINT) FROM archive_month_totals"+where+" GROUP BY site", nil,
		func(v []int64) { out[at[v[0]]].Rows = v[1] })
	if err != nil {
		return nil, err
	}
	err = d.ints(ctx, "SELECT site, lo, hi FROM archive_spans"+where+" ORDER BY site, lo", nil, func(v []int64) {
		s := &out[at[v[0]]]
		s.Spans = append(s.Spans, archive.Span{From: v[1], To: v[2]})
	})
	return out, err
}

func sortedNumbers(entries []siteEntry) []int64 {
	numbers := map[int64]bool{}
	for _, e := range entries {
		numbers[int64(e.number)] = true
	}
	return sortedKeys(numbers, compare)
}

func compare(a, b int64) int { return int(min(max(a-b, -1), 1)) }

// SetState implements archive.Engine.
func (d *DB) SetState(ctx context.Context, name string, state archive.State) error {
	return d.changeState(ctx, name, func(held archive.State) archive.State {
		state.Since, state.Asked = held.Since, held.Asked
		return state
	})
}

// SetSince implements archive.Engine.
func (d *DB) SetSince(ctx context.Context, name string, since int64) error {
	return d.changeState(ctx, name, func(held archive.State) archive.State {
		held.Since, held.Asked = since, held.Asked+1
		return held
	})
}

// changeState replaces the state of a site by what change makes of it. Nobody else changes it
// meanwhile.
func (d *DB) changeState(ctx context.Context, name string, change func(held archive.State) archive.State) error {
	return d.write(ctx, func(ctx context.Context, tx *tx) error {
		site, err := tx.site(ctx, name)
		if err != nil {
			return err
		}
		if site.name == "" {
			return errUnknown(name)
		}
		if err := tx.lock(ctx, site.number, false); err != nil {
			return err
		}
		if site, err = tx.site(ctx, name); err != nil {
			return err
		}
		var held archive.State
		if err := json.Unmarshal([]byte(site.state), &held); err != nil {
			return fmt.Errorf("cannot read the state of %s: %w", name, err)
		}
		text, err := json.Marshal(change(held))
		if err != nil {
			return err
		}
		_, err = tx.exec(ctx, "UPDATE archive_sites SET state = ? WHERE id = ?", string(text), site.number)
		return err
	})
}

// SetZone implements archive.Engine.
func (d *DB) SetZone(ctx context.Context, name string, zone *time.Location) error {
	if _, err := time.LoadLocation(zone.String()); err != nil {
		return fmt.Errorf("the time zone %q has no name that a later start knows; nothing was changed", zone)
	}
	entry, err := d.known(ctx, name)
	if err == nil && entry.zone.String() == zone.String() {
		return nil
	}
	return d.write(ctx, func(ctx context.Context, tx *tx) error {
		// All that makes sites known wait for one another, so that no two sites get the same
		// number.
		if err := tx.lock(ctx, 0, false); err != nil {
			return err
		}
		entry, err := tx.site(ctx, name)
		if err != nil {
			return err
		}
		if entry.name == "" {
			return tx.addSite(ctx, name, zone)
		}
		if err := tx.lock(ctx, entry.number, false); err != nil {
			return err
		}
		entry.zone = zone
		_, err = tx.exec(ctx, "UPDATE archive_sites SET zone = ? WHERE id = ?", zone.String(), entry.number)
		return errors.Join(err, tx.rebuild(ctx, entry))
	})
}

func (tx *tx) addSite(ctx context.Context, name string, zone *time.Location) error {
	var last int64
	err := tx.ints(ctx, "SELECT coalesce(max(id), 0) FROM archive_sites", nil, func(v []int64) { last = v[0] })
	if err != nil {
		return err
	}
	if last+1 >= archive.MaxSites {
		return fmt.Errorf("the archive is full: it holds %d sites", archive.MaxSites-1)
	}
	_, err = tx.exec(ctx, "INSERT INTO archive_sites (id, name, zone, state) VALUES (?, ?, ?, '{}')",
		last+1, name, zone.String())
	return err
}

// perStep is how many rows a step of a long change reads.
const perStep = 20_000

// rebuild counts the rows of a site again.
func (tx *tx) rebuild(ctx context.Context, site siteEntry) error {
	for _, c := range countings {
		if _, err := tx.exec(ctx, "DELETE FROM "+c.table+" WHERE site = ?", site.number); err != nil {
			return err
		}
	}
	for from := int64(0); ; {
		rows, err := tx.oldest(ctx, site.number, from, maxKey, perStep)
		if err != nil || len(rows) == 0 {
			return err
		}
		if err := tx.recount(ctx, site, rows, nil); err != nil {
			return err
		}
		from = int64(rows[len(rows)-1].key) + 1
	}
}

// oldest returns the oldest rows of a site between two keys.
func (tx *tx) oldest(ctx context.Context, site int, lo, hi int64, limit int) (all []stored, err error) {
	err = tx.ints(ctx, "SELECT k, shape, content, person, device, outcome FROM archive_rows "+
		tx.db.indexed("archive_rows_site")+" WHERE site = ? AND k >= ? AND k <= ? ORDER BY k LIMIT ?",
		[]any{site, lo, hi, limit}, func(v []int64) {
			k := archive.Key(v[0])
			all = append(all, stored{k, coded{k.Second(), v[1], v[2], v[3], v[4], v[5]}})
		})
	return all, err
}
