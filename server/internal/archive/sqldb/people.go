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
		// A copy, since the text may be a part of a vendor's whole row.
		tx.db.codes.words[table][strings.Clone(missing[key].text)] = id
		delete(missing, key)
	}
	return rows.Err()
}

// enterShapes makes the ids of the rows' shapes known, and adds those that are missing. Their words
// are known.
func (tx *tx) enterShapes(ctx context.Context, rows []archive.Row) error {
	known, missing := tx.db.codes.shapes, map[shape]bool{}
	for i := range rows {
		if s := tx.db.codes.shapeOf(&rows[i]); known[s] == 0 {
			missing[s] = true
		}
	}
	const columns = 9
	found := func(v []int64) {
		s := shape{v[1], v[2], v[3], v[4], v[5], v[6], v[7], v[8], v[9]}
		known[s] = v[0]
		delete(missing, s)
	}
	for chunk := range chunks(tx.db, sortedKeys(missing, compareShapes)) {
		wanted, args := source(tx.db, flat(chunk), numbersOf(columns)...)
		err := tx.ints(ctx, "WITH wanted ("+shapeColumns+") AS ("+wanted+") SELECT id, "+shapeColumns+
			" FROM wanted JOIN archive_shapes USING ("+shapeColumns+")", args, found)
		if err != nil {
			return err
		}
	}
	return tx.insert(ctx, "archive_shapes ("+shapeColumns+")", columns, flat(sortedKeys(missing, compareShapes)),
		"ON CONFLICT ("+shapeColumns+") DO UPDATE SET drm = excluded.drm RETURNING id, "+shapeColumns, found)
}

func (s shape) numbers() [9]int64 {
	return [...]int64{
		s.drm, s.status, s.code, s.hashed, s.integration, s.platform, s.model, s.vendorDRM, s.vendorStatus,
	}
}

func compareShapes(a, b shape) int {
	x, y := a.numbers(), b.numbers()
	return slices.Compare(x[:], y[:])
}

// flat returns the numbers of shapes, one after the other.
func flat(shapes []shape) (all []int64) {
	for _, s := range shapes {
		numbers := s.numbers()
		all = append(all, numbers[:]...)
	}
	return all
}

// A viewer is a person as the rows of a vendor show it.
type viewer struct {
	md5    string
	name   string // the id, where the vendor shows it
	digest []byte
}

// enterPeople makes the ids of the rows' viewers known, with those that are erased at the site. It
// adds who is missing, and the names that the dictionary lacks.
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
	for chunk := range chunks(tx.db, viewers) {
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

// eachPerson runs a statement that returns the id of persons, whether they have a name, and one
// more column. each gets the column, and the person.
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
	among, args := tx.db.among("digest", "BYTEA", args)
	return tx.eachPerson(ctx, "SELECT id, text IS NOT NULL, digest FROM archive_people WHERE "+among, args,
		func(digest []byte, p person) { tx.db.codes.people[undigest(digest)] = p })
}

// findSealed finds those who were erased from all rows. Where the site did not erase the person,
// the dictionary gets the MD5 again, so that the person is one at all sites.
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
	among, args := tx.db.among("seal", "BYTEA", args)
	err := tx.eachPerson(ctx, "SELECT id, text IS NOT NULL, seal FROM archive_people WHERE "+among, args,
		func(seal []byte, p person) {
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
	var values []any
	for _, v := range viewers {
		if _, ok := tx.db.codes.people[v.md5]; !ok {
			key, raw := indexed(v.name)
			values = append(values, v.digest, sql.NullString{String: key, Valid: v.name != ""}, raw)
		}
	}
	if len(values) == 0 {
		return nil
	}
	people, args := source(tx.db, values, "BYTEA", "TEXT", "BYTEA")
	return tx.eachPerson(ctx, "INSERT INTO archive_people (digest, text, raw) "+people+
		` ON CONFLICT (digest) DO UPDATE SET text = coalesce(archive_people.text, excluded.text),
			raw = coalesce(archive_people.raw, excluded.raw) RETURNING id, text IS NOT NULL, digest`, args,
		func(digest []byte, p person) { tx.db.codes.people[undigest(digest)] = p })
}

// namePeople enters the names that are missing, except those of persons that were erased at the
// site.
func (tx *tx) namePeople(ctx context.Context, site int, viewers []viewer) error {
	var values []any
	for _, v := range viewers {
		p := tx.db.codes.people[v.md5]
		if v.name == "" || p.named || tx.db.codes.erased[site][p.id] {
			continue
		}
		key, raw := indexed(v.name)
		values = append(values, p.id, key, raw)
		p.named = true
		tx.db.codes.people[v.md5] = p
	}
	if len(values) == 0 {
		return nil
	}
	names, args := source(tx.db, values, "BIGINT", "TEXT", "BYTEA")
	_, err := tx.exec(ctx, "WITH named (id, text, raw) AS ("+names+`) UPDATE archive_people
		SET text = named.text, raw = named.raw FROM named WHERE archive_people.id = named.id`, args...)
	return err
}
