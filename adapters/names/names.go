// Package names reads and writes resource names (AIP-122): "vendors/acme/sites/DEMO".
//
// A name is a URI path. Within an id, "/" and "%" are percent-encoded. Other escapes are accepted,
// and the canonical form has none of them. Only canonical names leave drmhub.
package names

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A Pattern is the form of one type's names: literal segments, and "*" for an id.
type Pattern string

// The forms of the resources that adapters name.
const (
	Vendor           Pattern = "vendors/*"
	VendorStatus     Pattern = "vendors/*/status"
	Site             Pattern = "vendors/*/sites/*"
	SiteOrder        Pattern = "vendors/*/siteOrders/*"
	StatusChange     Pattern = "vendors/*/sites/*/statusChanges/*"
	Integration      Pattern = "vendors/*/sites/*/integration"
	Usage            Pattern = "vendors/*/sites/*/usage"
	Member           Pattern = "vendors/*/members/*"
	DrmAccount       Pattern = "vendors/*/drmAccounts/*"
	DrmAccountDevice Pattern = "vendors/*/drmAccounts/*/devices/*"
	Product          Pattern = "vendors/*/products/*"
	ProductLicense   Pattern = "vendors/*/productLicenses/*"
	Viewer           Pattern = "viewers/*"
)

// Wildcard is the id that means all, in the parent of a List.
const Wildcard = "-"

// MaxLength is the maximum length of a canonical name in bytes. Names are keys in the store, and
// PostgreSQL refuses keys of more than 2,700 bytes.
const MaxLength = 1000

var errTooLong = fmt.Errorf("must be at most %d bytes long", MaxLength)

var escape = strings.NewReplacer("%", "%25", "/", "%2F")

// Name returns the name with these ids, one for each "*". It panics if their number differs.
func (p Pattern) Name(ids ...string) string {
	if n := strings.Count(string(p), "*"); n != len(ids) {
		panic(fmt.Sprintf("names: %s takes %d ids, not %d", p, n, len(ids)))
	}
	name, length := string(p), len(p)
	for _, id := range ids {
		length += len(id)
	}
	var b strings.Builder
	b.Grow(length)
	for _, id := range ids {
		before, after, _ := strings.Cut(name, "*")
		b.WriteString(before)
		b.WriteString(escape.Replace(id))
		name = after
	}
	b.WriteString(name)
	return b.String()
}

// IDs returns the ids of a name of this form. The error says which form is expected.
func (p Pattern) IDs(name string) ([]string, error) {
	segments, err := split(name)
	if err != nil {
		return nil, err
	}
	if strings.Count(string(p), "/") != len(segments)-1 {
		return nil, p.mismatch()
	}
	ids, rest := segments[:0], string(p) // The ids take the places of segments that were read.
	for _, s := range segments {
		var want string
		want, rest, _ = strings.Cut(rest, "/")
		switch {
		case want == "*":
			ids = append(ids, s)
		case want != s:
			return nil, p.mismatch()
		}
	}
	return ids, nil
}

func (p Pattern) mismatch() error { return fmt.Errorf("must have the form %s", p) }

// Canonical returns the canonical form of a name of any type.
func Canonical(name string) (string, error) {
	segments, err := split(name)
	if err != nil {
		return "", err
	}
	for i, s := range segments {
		segments[i] = escape.Replace(s)
	}
	return strings.Join(segments, "/"), nil
}

// split returns the decoded segments of a name. It decodes each segment once, after the split, so
// that an encoded "/" stays within its segment.
func split(name string) ([]string, error) {
	if len(name) > 3*MaxLength { // An escape of three bytes becomes one byte at least.
		return nil, errTooLong
	}
	segments := strings.Split(name, "/")
	length := len(segments) - 1
	for i, s := range segments {
		decoded, err := url.PathUnescape(s)
		switch {
		case err != nil:
			return nil, fmt.Errorf("contains an invalid percent escape in %q: write %%25 for a literal %%", s)
		case decoded == "":
			return nil, errors.New("has an empty segment")
		case !utf8.ValidString(decoded), strings.ContainsFunc(decoded, unicode.IsControl):
			return nil, fmt.Errorf("contains invalid UTF-8 or control characters in %q", s)
		case hasDotSegment(decoded):
			return nil, fmt.Errorf(
				`contains "." or ".." between slashes in %q, which a vendor may read as another id`, s)
		}
		segments[i] = decoded
		length += len(escape.Replace(decoded))
	}
	if length > MaxLength {
		return nil, errTooLong
	}
	return segments, nil
}

// hasDotSegment reports whether an id with slashes has "." or ".." between them, also if they are
// escaped again. A gateway in front of the vendor that decodes them would resolve the id to that of
// another thing, past drmhub's locks.
func hasDotSegment(id string) bool {
	if strings.ContainsFunc(id, isSlash) && slices.ContainsFunc(strings.FieldsFunc(id, isSlash), isDots) {
		return true
	}
	for strings.Contains(id, "%") {
		decoded := decodeAgain.Replace(id)
		if decoded == id {
			return false
		}
		if slices.ContainsFunc(strings.FieldsFunc(decoded, isSlash), isDots) {
			return true
		}
		id = decoded
	}
	return false
}

func isSlash(r rune) bool { return r == '/' || r == '\\' }

// isDots reports whether a server may take a segment for "." or "..". Some servers cut parameters
// off a segment.
func isDots(segment string) bool {
	segment, _, _ = strings.Cut(segment, ";")
	return segment == "." || segment == ".."
}

// decodeAgain decodes what can make a dot segment.
var decodeAgain = strings.NewReplacer(
	"%25", "%", "%2F", "/", "%2f", "/", "%5C", `\`, "%5c", `\`, "%2E", ".", "%2e", ".", "%3B", ";", "%3b", ";")
