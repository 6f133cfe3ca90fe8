package sqldb

import (
	"context"
	"database/sql"
	"iter"
	"maps"
	"slices"
	"sync"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/archive"
)

// texts are entries of dictionaries, by id.
type texts struct {
	entries map[string]map[int64]string // by dictionary
	people  map[int64]viewer
	shapes  map[int64]shape
}

func newTexts() *texts {
	return &texts{
		entries: map[string]map[int64]string{contents: {}, devices: {}, words: {}},
		people:  map[int64]viewer{}, shapes: map[int64]shape{},
	}
}

// A memory holds the texts that reads remember.
type memory struct {
	mu         sync.Mutex
	generation int64
	texts      *texts
}

// An ask collects the ids whose entries a read needs. A person is true if the read needs the name,
// which the dictionary may get later than the MD5.
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

// complete asks for the words of the shapes that are known, and for the viewers of their rows.
func (a ask) complete(shapes map[int64]shape) {
	for id := range a.shapes {
		if s, ok := shapes[id]; ok {
			for _, word := range []int64{s.code, s.integration, s.platform, s.model, s.vendorDRM, s.vendorStatus} {
				a.entries[words][word] = true
			}
		}
	}
	for _, r := range a.rows {
		if s, ok := shapes[r.shape]; ok && r.person > 0 {
			a.people[r.person] = a.people[r.person] || s.hashed == 0
		}
	}
	delete(a.people, 0)
}

// texts returns the entries that a read needs. It waits for the database alone, and for no other
// read.
func (r reader) texts(ctx context.Context, a ask) (*texts, error) {
	generation, err := r.one(ctx, "SELECT generation FROM archive_meta")
	if err != nil {
		return nil, err
	}
	t, read := r.db.memory.recall(generation, a), newTexts()
	if err := r.readShapes(ctx, a, t.shapes, read.shapes); err != nil {
		return nil, err
	}
	for table, ids := range a.entries {
		if err := r.readEntries(ctx, table, lacking(ids, t.entries[table], nil), read.entries[table]); err != nil {
			return nil, err
		}
	}
	if err := r.readPeople(ctx, a, t.people, read.people); err != nil {
		return nil, err
	}
	r.db.memory.keep(generation, read)
	t.add(read)
	return t, nil
}

// recall returns the entries of an ask that are remembered. It forgets all if the dictionaries have
// lost some since.
func (m *memory) recall(generation int64, a ask) *texts {
	m.mu.Lock()
	defer m.mu.Unlock()
	if generation != m.generation || m.texts.large() {
		m.generation, m.texts = generation, newTexts()
	}
	t := &texts{entries: map[string]map[int64]string{}, shapes: pick(m.texts.shapes, a.shapes)}
	a.complete(t.shapes)
	for table, ids := range a.entries {
		t.entries[table] = pick(m.texts.entries[table], ids)
	}
	t.people = pick(m.texts.people, a.people)
	return t
}

// pick returns those of the ids that a map has. The result has room for all.
func pick[V any](from map[int64]V, ids map[int64]bool) map[int64]V {
	picked := make(map[int64]V, len(ids))
	for id := range ids {
		if entry, ok := from[id]; ok {
			picked[id] = entry
		}
	}
	return picked
}

// keep remembers what was read at a generation.
func (m *memory) keep(generation int64, read *texts) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if generation == m.generation {
		m.texts.add(read)
	}
}

func (t *texts) add(other *texts) {
	maps.Copy(t.shapes, other.shapes)
	maps.Copy(t.people, other.people)
	for table, entries := range other.entries {
		maps.Copy(t.entries[table], entries)
	}
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

// readShapes also asks for what the shapes lead to.
func (r reader) readShapes(ctx context.Context, a ask, known, into map[int64]shape) error {
	for ids := range lacking(a.shapes, known, nil) {
		err := r.ints(ctx, "SELECT id, "+shapeColumns+" FROM archive_shapes WHERE id IN ("+list(ids)+")", nil,
			func(v []int64) { into[v[0]] = shape{v[1], v[2], v[3], v[4], v[5], v[6], v[7], v[8], v[9]} })
		if err != nil {
			return err
		}
	}
	if len(into) > 0 {
		a.complete(into)
	}
	return nil
}

func (r reader) readEntries(ctx context.Context, table string, ids iter.Seq[[]int64], into map[int64]string) error {
	for step := range ids {
		rows, err := r.query(ctx, "SELECT id, text, raw FROM "+table+" WHERE id IN ("+list(step)+")")
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

func (r reader) readPeople(ctx context.Context, a ask, known, into map[int64]viewer) error {
	for step := range lacking(a.people, known, func(id int64, v viewer) bool {
		return v.name != "" || !a.people[id]
	}) {
		rows, err := r.query(ctx, "SELECT id, digest, text, raw FROM archive_people WHERE id IN ("+list(step)+")")
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
			into[id] = v
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
func (r reader) decode(ctx context.Context, rows []stored, names map[int]string) ([]archive.Row, error) {
	if len(rows) == 0 {
		return nil, nil
	}
	a := newAsk()
	a.rows = rows
	for i := range rows {
		row := &rows[i]
		a.shapes[row.shape] = true
		a.entries[contents][row.content], a.entries[devices][row.device] = true, true
	}
	t, err := r.texts(ctx, a)
	if err != nil {
		return nil, err
	}
	out := make([]archive.Row, len(rows))
	for i := range rows {
		out[i] = t.row(rows[i], names)
	}
	return out, nil
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
