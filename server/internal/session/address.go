package session

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// home is where a person comes to after the login, unless an address of a page is known.
const home = "/console/"

// loginPages are the addresses by which a person logs in and out. They lead to no page.
var loginPages = []string{"/console/login", "/console/logout", "/console/callback", "/console/login/methods"}

// ownAddress returns the address of a page of this server, with its query and without its fragment.
// For any other text it returns home, since a stranger may have written the text. An address keeps
// its escapes: the ids in it can hold any character. The result is printable ASCII.
func ownAddress(to string) string {
	to, _, _ = strings.Cut(to, "#")
	path, _, _ := strings.Cut(to, "?")
	// A browser reads a backslash as a slash. The others end a text in some place where the result
	// is written.
	odd := func(c rune) bool { return c <= ' ' || c == 0x7f || strings.ContainsRune(`\"<>;`, c) }
	if !utf8.ValidString(to) || strings.ContainsFunc(to, odd) || !isPage(path) {
		return home
	}
	var own strings.Builder
	for _, c := range []byte(to) {
		if c < utf8.RuneSelf {
			own.WriteByte(c)
		} else {
			fmt.Fprintf(&own, "%%%02X", c)
		}
	}
	return own.String()
}

// isPage reports whether a path belongs to a page. The path has its escapes. The name of a page
// needs none, so the path begins alike for all who decode it.
func isPage(path string) bool {
	segments := strings.Split(path, "/")
	if len(segments) < 2 || segments[0] != "" || slices.Contains(loginPages, path) {
		return false
	}
	if segments[1] != "docs" && (segments[1] != "console" || len(segments) == 2) {
		return false
	}
	below := segments[2:]
	for i, segment := range below {
		id, err := url.PathUnescape(segment)
		switch {
		case err != nil, id == "" && i < len(below)-1:
			return false
		case i == 0 && (id != segment || id != url.PathEscape(id)):
			return false
		case !utf8.ValidString(id), strings.ContainsFunc(id, unicode.IsControl), hasDots(id):
			return false
		}
	}
	return true
}

// hasDots reports whether "." or ".." is between the slashes of an id. A proxy can decode it and
// leave out segments of the path.
func hasDots(id string) bool {
	slash := func(c rune) bool { return c == '/' || c == '\\' }
	return slices.ContainsFunc(strings.FieldsFunc(id, slash), func(part string) bool {
		return part == "." || part == ".."
	})
}
