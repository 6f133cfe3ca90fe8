package sqldb

import (
	"context"
	"slices"

	"github.com/drmhub/drmhub/server/internal/archive"
)

// rowsOf returns the rows of a statement.
func (r reader) rowsOf(ctx context.Context, query string) (all []stored, err error) {
	err = r.ints(ctx, query, nil, func(v []int64) {
		k := archive.Key(v[0])
		all = append(all, stored{k, coded{k.Second(), v[1], v[2], v[3], v[4], v[5]}})
	})
	return all, err
}

// Rows implements archive.Engine.
func (d *DB) Rows(ctx context.Context, site string, within archive.Span) ([]archive.Row, error) {
	var all []archive.Row
	err := d.Scan(ctx, archive.Question{Sites: []string{site}, Within: within}, maxKey, func(rows []archive.Row) error {
		all = append(all, rows...)
		return nil
	})
	return all, err
}

// Search implements archive.Engine. Erase and Forget take the texts of rows out of the
// dictionaries, so all statements read the same moment.
func (d *DB) Search(
	ctx context.Context, q archive.Question, below archive.Key, limit int,
) (rows []archive.Row, err error) {
	err = d.snapshot(ctx, func(r reader) error {
		rows, err = r.search(ctx, q, below, limit)
		return err
	})
	return rows, err
}

func (r reader) search(
	ctx context.Context, q archive.Question, below archive.Key, limit int,
) ([]archive.Row, error) {
	c, err := r.choose(ctx, q)
	if err != nil {
		return nil, err
	}
	c.hi = min(c.hi, int64(below)-1)
	if c.none || limit <= 0 || c.lo > c.hi {
		return nil, nil
	}
	return r.newest(ctx, c, limit, true)
}

// newest returns the newest rows of a choice.
func (r reader) newest(ctx context.Context, c choice, limit int, merge bool) ([]archive.Row, error) {
	rows, err := r.rowsOf(ctx, c.newest(r.db, limit, merge))
	if err != nil {
		return nil, err
	}
	return r.decode(ctx, rows, c.names())
}

const (
	// perRead is how many rows Scan reads at one moment. In between, SQLite can empty its WAL.
	perRead = 8000
	// perYield is how many rows Scan yields at once.
	perYield = 1000
)

// Scan implements archive.Engine. Rows that arrive below the key that it has reached are shown,
// too.
func (d *DB) Scan(
	ctx context.Context, q archive.Question, below archive.Key, yield func([]archive.Row) error,
) error {
	c, err := d.choose(ctx, q)
	if err != nil {
		return err
	}
	c.hi = min(c.hi, int64(below)-1)
	for !c.none && c.lo <= c.hi {
		var rows []archive.Row
		err := d.snapshot(ctx, func(r reader) (err error) {
			rows, err = r.newest(ctx, c, perRead, false)
			return err
		})
		if err != nil {
			return err
		}
		for batch := range slices.Chunk(rows, perYield) {
			if err := yield(batch); err != nil {
				return err
			}
		}
		if len(rows) < perRead {
			break
		}
		c.hi = int64(rows[len(rows)-1].Key) - 1
	}
	return ctx.Err()
}

// Months implements archive.Engine.
func (d *DB) Months(ctx context.Context, name string) ([]archive.Month, error) {
	entries, err := d.entries(ctx, []string{name})
	if err != nil || len(entries) == 0 {
		return nil, err
	}
	var out []archive.Month
	err = d.ints(ctx, `SELECT month, n, users, devices, no_user, no_device,
		issued, issued_users, issued_devices, issued_no_user, issued_no_device
		FROM archive_month_totals WHERE site = ? ORDER BY month DESC`, []any{entries[0].number}, func(v []int64) {
		out = append(out, archive.Month{
			Month:  int(v[0]),
			All:    archive.Counts{Rows: v[1], Users: v[2], Devices: v[3], NoUser: v[4], NoDevice: v[5]},
			Issued: archive.Counts{Rows: v[6], Users: v[7], Devices: v[8], NoUser: v[9], NoDevice: v[10]},
		})
	})
	return out, err
}
