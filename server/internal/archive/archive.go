// Package archive keeps the vendors' license histories: rows, the time for which they are complete,
// and what the passes over the vendors have seen. An Engine stores them.
//
// Rows have no id, and equal rows are real. Times are whole seconds since 1970 (UTC). What is final
// is a set of spans of seconds for each site. The head, where late rows may still come, and the
// holes between spans are not final.
package archive

import (
	"crypto/md5" //nolint:gosec // The vendors' own choice, to show user ids.
	"encoding/hex"
	"math"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// A Row is one license request.
type Row struct {
	// Key is the row's place among all rows. An engine sets it, and a row that stays keeps it.
	Key Key
	// Site is the site's resource name.
	Site string
	// Second is when the license was requested.
	Second int64
	// User is the viewer's id where the vendor shows it. UserMD5 is its MD5 in lower-case
	// hexadecimal where the vendor shows only that. At most one of them is set.
	User, UserMD5 string

	DRM                     pb.License_DrmType
	Status                  pb.License_Status
	Content, Device         string
	Code                    string
	Model, Platform         string
	Integration             string
	VendorDRM, VendorStatus string
}

// Person returns what identifies the viewer of a row, the MD5 of the id. It is empty for a row
// without a viewer.
func (r *Row) Person() string {
	if r.User == "" {
		return r.UserMD5
	}
	return Person(r.User)
}

// Person returns the MD5 of a viewer's id in lower-case hexadecimal. Some vendors show only that,
// so it identifies a viewer at all vendors.
func Person(id string) string {
	sum := md5.Sum([]byte(id)) //nolint:gosec // The vendors' own choice, to show user ids.
	return hex.EncodeToString(sum[:])
}

// A Key orders rows. The search shows the greatest first. A Key holds the second, a number of the
// site that the engine gave, and a number among the rows of that site and second:
//
//	(second − 2010-01-01) << 32 | site << 20 | ordinal
//
// So a page that continues below a key repeats no row and skips none while others arrive.
type Key int64

// The bounds of the parts of a Key. An engine refuses what exceeds them.
const (
	keyEpoch    = 1262304000 // 2010-01-01
	MaxSites    = 1 << 12
	MaxOrdinals = 1 << 20 // of rows of one site in one second
)

// NewKey returns the key of these parts.
func NewKey(second int64, site, ordinal int) Key {
	return Key((second-keyEpoch)<<32 | int64(site)<<20 | int64(ordinal))
}

// Second returns the second of a key.
func (k Key) Second() int64 { return int64(k)>>32 + keyEpoch }

// Site returns the engine's number of the site.
func (k Key) Site() int { return int(k) >> 20 & (MaxSites - 1) }

// Ordinal returns the number of the row among those of its site and second.
func (k Key) Ordinal() int { return int(k) & (MaxOrdinals - 1) }

// Above is greater than each key of a row before a second. It is where a search begins that wants
// the rows before that second. The second may be any: those that no Key can hold mean all rows or
// none.
func Above(second int64) Key {
	switch {
	case second < MinSecond:
		return 0
	case second > MaxSecond:
		return math.MaxInt64
	}
	return Key((second - keyEpoch) << 32)
}

// The least and the greatest second of a row: those that a Key can hold.
const (
	MinSecond = keyEpoch
	MaxSecond = keyEpoch + math.MaxInt32
)

// A Span is the seconds [From, To).
type Span struct{ From, To int64 }
