package sqldb

import (
	"context"
	"database/sql"
	"iter"
	"slices"
	"sync"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/archive"
)

// texts are the entries of dictionaries that reads remember, by id.
type texts struct {
	mu         sync.Mutex
	generation int64
	entries    map[string]map[int64]string // by dictionary
	people     map[int64]viewer
	shapes     map[int64]shape
}

func (t *texts) clear() {
	t.entries = map[string]map[int64]string{contents: {}, devices: {}, words: {}}
	t.people, t.shapes = map[int64]viewer{}, map[int64]shape{}
}

// An ask collects the ids whose entries a read needs. A person is true if the read needs the name, which
// the dictionary may get later than the MD5.
type ask struct {
	entries map[string]map[int64]bool
	people  map[int64]bool
	shapes  map[int64]bool
	rows    []stored
}

func newAsk() ask {
	return ask{
		entries: map[string]map[int64]bool{contents: {}, devices: {}, words: {}},
		people:  map[int64]bool{}, shapes: map[int64]bool{},
	}
}

// readTexts makes the entries known that a read needs, and calls use with them.
func (d *DB) readTexts(ctx context.Context, a ask, use func(*texts)) error {
	d.texts.mu.Lock()
	defer d.texts.mu.Unlock()
	t := &d.texts
	generation, err := d.one(ctx, "SELECT generation FROM archive_meta")
	if err != nil {
		return err
	}
	if generation != t.generation || t.large() {
		t.clear()
		t.generation = generation
	}
	if err := d.readShapes(ctx, t, a); err != nil {
		return err
	}
	for table, ids := range a.entries {
		if err := d.readEntries(ctx, table, ids, t.entries[table]); err != nil {
			return err
		}
	}
	if err := d.readPeople(ctx, t, a); err != nil {
		return err
	}
	use(t)
	return nil
}

// maxTexts bounds how many entries reads remember.
const maxTexts = 50_000

// large reports whether the texts need more memory than they may.
func (t *texts) large() bool {
	n := len(t.people) + len(t.shapes)
	for _, m := range t.entries {
		n += len(m)
	}
	return n > maxTexts
}

// perText is how many entries a statement reads.
const perText = 2000

// lacking returns the ids that m lacks, in steps. has reports whether an entry is sufficient.
func lacking[V any](ids map[int64]bool, m map[int64]V, has func(id int64, entry V) bool) iter.Seq[[]int64] {
	var all []int64
	for id := range ids {
		if entry, ok := m[id]; !ok || has != nil && !has(id, entry) {
			all = append(all, id)
		}
	}
	slices.Sort(all)
	return slices.Chunk(all, perText)
}

// readShapes also asks for the words of the shapes.
func (d *DB) readShapes(ctx context.Context, t *texts, a ask) error {
	for ids := range lacking(a.shapes, t.shapes, nil) {
		err := d.ints(ctx, "SELECT id, "+shapeColumns+" FROM archive_shapes WHERE id IN ("+list(ids)+")", nil,
			func(v []int64) { t.shapes[v[0]] = shape{v[1], v[2], v[3], v[4], v[5], v[6], v[7], v[8], v[9]} })
		if err != nil {
			return err
		}
	}
	for id := range a.shapes {
		s := t.shapes[id]
		for _, word := range []int64{s.code, s.integration, s.platform, s.model, s.vendorDRM, s.vendorStatus} {
			a.entries[words][word] = true
		}
	}
	return nil
}

func (d *DB) readEntries(ctx context.Context, table string, ids map[int64]bool, into map[int64]string) error {
	for step := range lacking(ids, into, nil) {
		rows, err := d.query(ctx, "SELECT id, text, raw FROM "+table+" WHERE id IN ("+list(step)+")")
		if err != nil {
			return err
		}
		err = each(rows, func(rows *sql.Rows) error {
			var id int64
			var text string
			var raw []byte
			err := rows.Scan(&id, &text, &raw)
			if raw != nil {
				text = string(raw)
			}
			into[id] = text
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (d *DB) readPeople(ctx context.Context, t *texts, a ask) error {
	delete(a.people, 0)
	for _, r := range a.rows {
		if r.person > 0 {
			a.people[r.person] = a.people[r.person] || t.shapes[r.shape].hashed == 0
		}
	}
	for step := range lacking(a.people, t.people, func(id int64, v viewer) bool {
		return v.name != "" || !a.people[id]
	}) {
		rows, err := d.query(ctx, "SELECT id, digest, text, raw FROM archive_people WHERE id IN ("+list(step)+")")
		if err != nil {
			return err
		}
		err = each(rows, func(rows *sql.Rows) error {
			var id int64
			var text sql.NullString
			var digest, raw []byte
			err := rows.Scan(&id, &digest, &text, &raw)
			v := viewer{name: text.String}
			if raw != nil {
				v.name = string(raw)
			}
			if digest != nil {
				v.md5 = undigest(digest)
			}
			t.people[id] = v
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// each calls scan for every row.
func each(rows *sql.Rows, scan func(*sql.Rows) error) error {
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// decode returns rows as the archive shows them.
func (d *DB) decode(ctx context.Context, rows []stored, names map[int]string) ([]archive.Row, error) {
	if len(rows) == 0 {
		return nil, nil
	}
	a := newAsk()
	a.rows = rows
	for i := range rows {
		r := &rows[i]
		a.shapes[r.shape] = true
		a.entries[contents][r.content], a.entries[devices][r.device] = true, true
	}
	out := make([]archive.Row, len(rows))
	err := d.readTexts(ctx, a, func(t *texts) {
		for i := range rows {
			out[i] = t.row(rows[i], names)
		}
	})
	return out, err
}

func (t *texts) row(r stored, names map[int]string) archive.Row {
	s, w := t.shapes[r.shape], t.entries[words]
	row := archive.Row{
		Key: r.key, Site: names[r.key.Site()], Second: r.second,
		DRM: pb.License_DrmType(s.drm), Status: pb.License_Status(s.status),
		Content: t.entries[contents][r.content], Device: t.entries[devices][r.device],
		Code: w[s.code], Model: w[s.model], Platform: w[s.platform], Integration: w[s.integration],
		VendorDRM: w[s.vendorDRM], VendorStatus: w[s.vendorStatus],
	}
	if r.person > 0 {
		row.User = t.people[r.person].shown(s.hashed == 1)
		if s.hashed == 1 {
			row.User, row.UserMD5 = "", row.User
		}
	}
	return row
}

// shown returns the id of a viewer, or the MD5 where the vendor shows that.
func (v viewer) shown(hashed bool) string {
	if hashed {
		return v.md5
	}
	return v.name
}
