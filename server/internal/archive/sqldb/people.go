package sqldb

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"slices"
	"strings"

	"github.com/drmhub/drmhub/server/internal/archive"
)

// found notes the ids of a statement that returns ids and texts, and takes them out of missing.
func (tx *tx) found(rows *sql.Rows, table string, missing map[string]entry) error {
	defer rows.Close()
	for rows.Next() {
		var id int64
		var key string
		if err := rows.Scan(&id, &key); err != nil {
			return err
		}
		tx.db.codes.words[table][missing[key].text] = id
		delete(missing, key)
	}
	return rows.Err()
}

// enterShapes makes the ids of the rows' shapes known, and adds those that are missing. Their words are
// known.
func (tx *tx) enterShapes(ctx context.Context, rows []archive.Row) error {
	known := tx.db.codes.shapes
	for i := range rows {
		s := tx.db.codes.shapeOf(&rows[i])
		if _, ok := known[s]; ok {
			continue
		}
		values := []any{
			s.drm, s.status, s.code, s.hashed, s.integration, s.platform, s.model, s.vendorDRM, s.vendorStatus,
		}
		var id int64
		for _, query := range []string{
			"SELECT id FROM archive_shapes WHERE (" + shapeColumns + ") = (" + marks(len(values)) + ")",
			"INSERT INTO archive_shapes (" + shapeColumns + ") VALUES (" + marks(len(values)) +
				") ON CONFLICT (" + shapeColumns + ") DO UPDATE SET drm = excluded.drm RETURNING id",
		} {
			if id > 0 {
				break
			}
			if err := tx.ints(ctx, query, values, func(v []int64) { id = v[0] }); err != nil {
				return err
			}
		}
		known[s] = id
	}
	return nil
}

// A viewer is a person as the rows of a vendor show it.
type viewer struct {
	md5    string
	name   string // the id, where the vendor shows it
	digest []byte
}

// enterPeople makes the ids of the rows' viewers known, with those that are erased at the site. It adds
// who is missing, and the names that the dictionary lacks.
func (tx *tx) enterPeople(ctx context.Context, site int, rows []archive.Row) error {
	c := tx.db.codes
	if err := tx.loadErased(ctx, site); err != nil {
		return err
	}
	wanted := map[string]viewer{}
	for i := range rows {
		md5, name := rows[i].Person(), rows[i].User
		known, ok := c.people[md5]
		lacks := name != "" && !known.named || known.gone
		if md5 != "" && (!ok || lacks && !c.erased[site][known.id]) {
			wanted[md5] = viewer{md5, cmp.Or(name, wanted[md5].name), digest(md5)}
		}
	}
	viewers := make([]viewer, 0, len(wanted))
	for _, v := range wanted {
		viewers = append(viewers, v)
	}
	slices.SortFunc(viewers, func(a, b viewer) int { return bytes.Compare(a.digest, b.digest) })
	for chunk := range chunks(viewers) {
		if err := tx.findPeople(ctx, chunk); err != nil {
			return err
		}
		if err := tx.findSealed(ctx, site, chunk); err != nil {
			return err
		}
		if err := tx.addPeople(ctx, chunk); err != nil {
			return err
		}
		if err := tx.namePeople(ctx, site, chunk); err != nil {
			return err
		}
	}
	return nil
}

// loadErased makes the persons known that were erased at a site.
func (tx *tx) loadErased(ctx context.Context, site int) error {
	if tx.db.codes.erased[site] != nil {
		return nil
	}
	erased := map[int64]bool{}
	tx.db.codes.erased[site] = erased
	return tx.ints(ctx, "SELECT person FROM archive_erased WHERE site = ?", []any{site},
		func(v []int64) { erased[v[0]] = true })
}

// eachPerson runs a statement that returns the id of persons, whether they have a name, and one more column.
// each gets the column, and the person.
func (tx *tx) eachPerson(ctx context.Context, query string, args []any, each func([]byte, person)) error {
	rows, err := tx.query(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var p person
		var column []byte
		if err := rows.Scan(&p.id, &p.named, &column); err != nil {
			return err
		}
		each(column, p)
	}
	return rows.Err()
}

func (tx *tx) findPeople(ctx context.Context, viewers []viewer) error {
	var args []any
	for _, v := range viewers {
		args = append(args, v.digest)
	}
	return tx.eachPerson(ctx, "SELECT id, text IS NOT NULL, digest FROM archive_people WHERE digest IN ("+
		marks(len(args))+")", args, func(digest []byte, p person) { tx.db.codes.people[undigest(digest)] = p })
}

// findSealed finds those who were erased from all rows. Where the site did not erase the person, the
// dictionary gets the MD5 again, so that the person is one at all sites.
func (tx *tx) findSealed(ctx context.Context, site int, viewers []viewer) error {
	c, sealed, args := tx.db.codes, map[string]viewer{}, []any(nil)
	for _, v := range viewers {
		if p, ok := c.people[v.md5]; !ok || p.gone {
			seal := c.seal(v.digest)
			sealed[string(seal)] = v
			args = append(args, seal)
		}
	}
	if len(args) == 0 {
		return nil
	}
	err := tx.eachPerson(ctx, "SELECT id, text IS NOT NULL, seal FROM archive_people WHERE seal IN ("+
		marks(len(args))+")", args, func(seal []byte, p person) {
		p.gone = true
		c.people[sealed[string(seal)].md5] = p
	})
	if err != nil {
		return err
	}
	for _, v := range sealed {
		p, ok := c.people[v.md5]
		if !ok || c.erased[site][p.id] {
			continue
		}
		if _, err := tx.exec(ctx, "UPDATE archive_people SET digest = ? WHERE id = ?", v.digest, p.id); err != nil {
			return err
		}
		p.gone = false
		c.people[v.md5] = p
	}
	return nil
}

// addPeople adds those who are still missing.
func (tx *tx) addPeople(ctx context.Context, viewers []viewer) error {
	var args []any
	for _, v := range viewers {
		if _, ok := tx.db.codes.people[v.md5]; !ok {
			key, raw := indexed(v.name)
			args = append(args, v.digest, sql.NullString{String: key, Valid: v.name != ""}, raw)
		}
	}
	if len(args) == 0 {
		return nil
	}
	values := strings.TrimSuffix(strings.Repeat("(?, ?, ?), ", len(args)/3), ", ")
	return tx.eachPerson(ctx, "INSERT INTO archive_people (digest, text, raw) VALUES "+values+
		` ON CONFLICT (digest) DO UPDATE SET text = coalesce(archive_people.text, excluded.text),
			raw = coalesce(archive_people.raw, excluded.raw) RETURNING id, text IS NOT NULL, digest`, args,
		func(digest []byte, p person) { tx.db.codes.people[undigest(digest)] = p })
}

// namePeople enters the names that are missing, except those of persons that were erased at the site.
func (tx *tx) namePeople(ctx context.Context, site int, viewers []viewer) error {
	for _, v := range viewers {
		p := tx.db.codes.people[v.md5]
		if v.name == "" || p.named || tx.db.codes.erased[site][p.id] {
			continue
		}
		key, raw := indexed(v.name)
		_, err := tx.exec(ctx, "UPDATE archive_people SET text = ?, raw = ? WHERE id = ?", key, raw, p.id)
		if err != nil {
			return err
		}
		p.named = true
		tx.db.codes.people[v.md5] = p
	}
	return nil
}
