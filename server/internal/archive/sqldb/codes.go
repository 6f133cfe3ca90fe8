package sqldb

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/drmhub/drmhub/server/internal/archive"
)

// codes are the ids that transactions remember. They are complete for what they hold, unless a
// transaction failed or the generation changed.
type codes struct {
	generation int64
	key        []byte // of the seals
	words      map[string]map[string]int64
	people     map[string]person
	shapes     map[shape]int64
	erased     map[int]map[int64]bool // by site
}

// maxCodes bounds how many entries of a dictionary are remembered.
const maxCodes = 50_000

func newCodes() *codes {
	c := &codes{}
	c.clear()
	return c
}

func (c *codes) clear() {
	c.generation = 0
	c.words = map[string]map[string]int64{contents: {}, devices: {}, words: {}}
	c.people, c.shapes, c.erased = map[string]person{}, map[shape]int64{}, map[int]map[int64]bool{}
}

// bound clears what has grown too large.
func (c *codes) bound() {
	for _, m := range c.words {
		if len(m) > maxCodes {
			clear(m)
		}
	}
	if len(c.people) > maxCodes {
		clear(c.people)
	}
	if len(c.shapes) > maxCodes {
		clear(c.shapes)
	}
}

// The dictionaries.
const (
	contents = "archive_contents"
	devices  = "archive_devices"
	words    = "archive_words"
)

// A person is an entry of the dictionary of viewers.
type person struct {
	id    int64
	named bool // the dictionary has the id that a vendor shows
	gone  bool // the dictionary has only the seal
}

// A shape is all that rows have in common: numbers of enums and ids of words.
type shape struct {
	drm, status, code, hashed                             int64
	integration, platform, model, vendorDRM, vendorStatus int64
}

const shapeColumns = "drm, status, code, hashed, integration, platform, model, vendor_drm, vendor_status"

// A coded is a row as the database holds it, without its key.
type coded struct {
	second                                  int64
	shape, content, person, device, outcome int64
}

// encode returns the rows as the database holds them, and enters what is missing into the
// dictionaries.
func (tx *tx) encode(ctx context.Context, site int, rows []archive.Row) ([]coded, error) {
	tx.db.codes.bound()
	c := tx.db.codes
	texts := map[string]map[string]bool{contents: {}, devices: {}, words: {}}
	for i := range rows {
		r := &rows[i]
		texts[contents][r.Content], texts[devices][r.Device] = true, true
		for _, word := range []string{r.Code, r.Integration, r.Platform, r.Model, r.VendorDRM, r.VendorStatus} {
			texts[words][word] = true
		}
	}
	for _, table := range []string{words, contents, devices} {
		if err := tx.enter(ctx, table, texts[table]); err != nil {
			return nil, err
		}
	}
	if err := tx.enterPeople(ctx, site, rows); err != nil {
		return nil, err
	}
	if err := tx.enterShapes(ctx, rows); err != nil {
		return nil, err
	}
	out := make([]coded, len(rows))
	for i := range rows {
		r := &rows[i]
		out[i] = coded{
			second: r.Second, shape: c.shapes[c.shapeOf(r)], outcome: int64(r.Status),
			content: c.words[contents][r.Content], device: c.words[devices][r.Device],
		}
		if md5 := r.Person(); md5 != "" {
			id := c.people[md5].id
			if out[i].person = id; c.erased[site][id] {
				out[i].person = -id
			}
		}
	}
	return out, nil
}

func (c *codes) shapeOf(r *archive.Row) shape {
	w := c.words[words]
	s := shape{
		drm: int64(r.DRM), status: int64(r.Status), code: w[r.Code], integration: w[r.Integration],
		platform: w[r.Platform], model: w[r.Model], vendorDRM: w[r.VendorDRM], vendorStatus: w[r.VendorStatus],
	}
	if r.User == "" && r.UserMD5 != "" {
		s.hashed = 1
	}
	return s
}

// maxText is how long, in bytes, a text is that an index can hold.
const maxText = 1000

// hashedText begins a text that is a hash.
const hashedText = "\x02"

// indexed returns a text as dictionaries index it. What they cannot hold as it is, is returned as
// raw.
func indexed(text string) (key string, raw []byte) {
	if len(text) <= maxText && !strings.Contains(text, "\x00") && !strings.HasPrefix(text, hashedText) &&
		utf8.ValidString(text) {
		return text, nil
	}
	sum := sha256.Sum256([]byte(text))
	return hashedText + hex.EncodeToString(sum[:]), []byte(text)
}

// digest returns the bytes of an MD5 in hexadecimal. Any other text gets more bytes than an MD5
// has.
func digest(md5 string) []byte {
	if sum, err := hex.DecodeString(md5); err == nil && len(sum) == 16 && md5 == strings.ToLower(md5) {
		return sum
	}
	return append(make([]byte, 17), md5...)
}

// undigest is the reverse of digest.
func undigest(digest []byte) string {
	if len(digest) > 16 {
		return string(digest[17:])
	}
	return hex.EncodeToString(digest)
}

// seal returns the keyed hash under which an erased person is found again.
func (c *codes) seal(digest []byte) []byte {
	h := hmac.New(sha256.New, c.key)
	h.Write(digest)
	return h.Sum(nil)
}

// A text and its bytes beside it, as dictionaries hold them.
type entry struct {
	text string
	key  string
	raw  []byte
}

// enter makes the ids of texts known, and adds those that are missing.
func (tx *tx) enter(ctx context.Context, table string, texts map[string]bool) error {
	known := tx.db.codes.words[table]
	missing := map[string]entry{} // by key
	for text := range texts {
		if _, ok := known[text]; !ok {
			key, raw := indexed(text)
			missing[key] = entry{text, key, raw}
		}
	}
	if err := tx.lookUp(ctx, table, missing); err != nil || len(missing) == 0 {
		return err
	}
	// Two transactions that add the same texts in the same order do not wait for one another in a
	// circle.
	for chunk := range chunks(tx.db, sortedEntries(missing)) {
		var values []any
		for _, e := range chunk {
			values = append(values, e.key, e.raw)
		}
		entries, args := source(tx.db, values, "TEXT", "BYTEA")
		rows, err := tx.query(ctx, "INSERT INTO "+table+" (text, raw) "+entries+
			" ON CONFLICT (text) DO NOTHING RETURNING id, text", args...)
		if err != nil {
			return err
		}
		if err := tx.found(rows, table, missing); err != nil {
			return err
		}
	}
	return tx.lookUp(ctx, table, missing) // Another replica may have added some.
}

func sortedEntries(entries map[string]entry) []entry {
	all := make([]entry, 0, len(entries))
	for _, e := range entries {
		all = append(all, e)
	}
	slices.SortFunc(all, func(a, b entry) int { return strings.Compare(a.key, b.key) })
	return all
}

// lookUp finds the ids of entries, and takes them out of missing.
func (tx *tx) lookUp(ctx context.Context, table string, missing map[string]entry) error {
	for chunk := range chunks(tx.db, sortedEntries(missing)) {
		var keys []any
		for _, e := range chunk {
			keys = append(keys, e.key)
		}
		among, args := tx.db.among("text", "TEXT", keys)
		rows, err := tx.query(ctx, "SELECT id, text FROM "+table+" WHERE "+among, args...)
		if err != nil {
			return err
		}
		if err := tx.found(rows, table, missing); err != nil {
			return err
		}
	}
	return nil
}
