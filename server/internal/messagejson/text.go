package messagejson

import "unicode/utf8"

// appendString appends a text in quotes. It reports whether the text is valid UTF-8. Only what JSON
// cannot hold as it is gets a backslash, so "<" stays "<".
func appendString(to []byte, s string) ([]byte, bool) {
	to = append(to, '"')
	copied := 0
	for i := 0; i < len(s); {
		c := s[i]
		switch {
		case plain[c]:
			i++
		case c >= utf8.RuneSelf:
			r, size := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && size == 1 {
				return to, false
			}
			i += size
		default:
			to = appendEscape(append(to, s[copied:i]...), c)
			i++
			copied = i
		}
	}
	to = append(to, s[copied:]...)
	return append(to, '"'), true
}

// plain says of each byte whether it is a whole character that needs no backslash.
var plain = func() (all [256]bool) {
	for c := byte(' '); c < utf8.RuneSelf; c++ {
		all[c] = c != '"' && c != '\\'
	}
	return all
}()

// appendEscape appends a character with a backslash.
func appendEscape(to []byte, c byte) []byte {
	const hex = "0123456789abcdef"
	switch c {
	case '"', '\\':
		return append(to, '\\', c)
	case '\b':
		return append(to, `\b`...)
	case '\f':
		return append(to, `\f`...)
	case '\n':
		return append(to, `\n`...)
	case '\r':
		return append(to, `\r`...)
	case '\t':
		return append(to, `\t`...)
	}
	return append(to, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
}
