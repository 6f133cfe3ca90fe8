package clickhouse

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"slices"

	"github.com/drmhub/drmhub/server/internal/archive"
)

// A record is a row as it is stored.
type record struct {
	archive.Row
	who string
}

// hashOf returns by what a viewer is counted and found. person is the MD5 of the id.
func hashOf(key []byte, person string) string {
	if person == "" {
		return nobody
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(person))
	return string(mac.Sum(nil)[:16])
}

// A difference is what a Replace has to change.
type difference struct {
	number uint16
	erased map[string]bool
	key    []byte

	old     []record // the least key first
	kept    []bool   // of old
	added   []record
	removed int
}

// manyMasks is how many pieces of rows a mask may hide. Beyond, what lies between is written anew.
const manyMasks = 32

// compare finds what is there and was not shown, and what was shown and is not there.
func (d *difference) compare(old []record, shown []archive.Row) error {
	d.old, d.kept, d.removed = old, make([]bool, len(old)), len(old)
	there := map[record][]int{}
	next := map[int64]int{}
	for i, r := range old {
		next[r.Second] = r.Key.Ordinal() + 1
		r.Key = 0
		there[r] = append(there[r], i)
	}
	hashes := map[string]string{}
	for _, row := range shown {
		r := record{Row: row, who: d.hash(hashes, &row)}
		r.Key = 0
		if d.erased[r.who] {
			r.User, r.UserMD5 = "", ""
		}
		if same := there[r]; len(same) > 0 {
			there[r] = same[1:]
			d.kept[same[0]] = true
			d.removed--
			continue
		}
		d.added = append(d.added, r)
	}
	slices.SortStableFunc(d.added, func(a, b record) int { return cmp.Compare(a.Second, b.Second) })
	for i := range d.added {
		r := &d.added[i]
		if next[r.Second] >= archive.MaxOrdinals {
			return fmt.Errorf("there are more than %d rows in one second; nothing was changed", archive.MaxOrdinals)
		}
		r.Key = archive.NewKey(r.Second, int(d.number), next[r.Second])
		next[r.Second]++
	}
	return nil
}

// hash remembers the hashes of viewers, who come more than once.
func (d *difference) hash(known map[string]string, row *archive.Row) string {
	id := "i" + row.User
	if row.User == "" {
		id = "m" + row.UserMD5
	}
	who, ok := known[id]
	if !ok {
		who = hashOf(d.key, row.Person())
		known[id] = who
	}
	return who
}

// masks returns the pieces of keys that are removed, as few as there can be between what is kept.
// If they are too many, it is one piece.
func (d *difference) masks() (pieces []int64) {
	for i, r := range d.old {
		switch k := int64(r.Key); {
		case d.kept[i]:
		case i > 0 && !d.kept[i-1]:
			pieces[len(pieces)-1] = k
		default:
			pieces = append(pieces, k, k)
		}
	}
	if len(pieces) > 2*manyMasks {
		return []int64{pieces[0], pieces[len(pieces)-1]}
	}
	return pieces
}

// written returns the rows that the new load must hold: those that are added, and those that are
// kept and masked.
func (d *difference) written() []record {
	out := slices.Clone(d.added)
	if pieces := d.masks(); len(pieces) == 2 {
		for i, r := range d.old {
			if k := int64(r.Key); d.kept[i] && pieces[0] <= k && k <= pieces[1] {
				out = append(out, r)
			}
		}
	}
	return out
}
