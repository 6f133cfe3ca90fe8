package jsonx

import (
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// MaxDepth is how deep the arrays and objects of a response may nest.
const MaxDepth = 32

// A scanner reads JSON from memory. It knows the usual forms, and leaves all others to a decoder.
type scanner struct {
	json []byte
	text string // a copy of json, of which the strings are parts
	at   int    // the index of the next byte
}

// next skips white space, and returns the byte after it. It returns 0 at the end.
func (s *scanner) next() byte {
	for ; s.at < len(s.json); s.at++ {
		if ch := s.json[s.at]; !isSpace(ch) {
			return ch
		}
	}
	return 0
}

func isSpace(ch byte) bool { return ch == ' ' || ch == '\n' || ch == '\r' || ch == '\t' }

// take skips white space and a byte. It returns false, and stays, before another byte.
func (s *scanner) take(ch byte) bool {
	if s.next() != ch {
		return false
	}
	s.at++
	return true
}

// has skips a part of the text. It returns false, and stays, before something else.
func (s *scanner) has(part string) bool {
	if !strings.HasPrefix(s.text[s.at:], part) {
		return false
	}
	s.at += len(part)
	return true
}

// The classes of bytes in a JSON string.
const (
	plainByte = 0
	wideByte  = 1 // of a character beyond ASCII
	backslash = 2
	endByte   = 4 // a quote, or a control character
)

var byteClasses = func() (class [256]byte) {
	for ch := range class {
		switch {
		case ch < ' ', ch == '"':
			class[ch] = endByte
		case ch == '\\':
			class[ch] = backslash
		case ch >= utf8.RuneSelf:
			class[ch] = wideByte
		}
	}
	return class
}()

// name reads the name of a member. It returns false if the name has a backslash or is not UTF-8.
func (s *scanner) name() (name string, ok bool) {
	name, seen, ok := s.quoted()
	return name, ok && (seen == plainByte || seen == wideByte && utf8.ValidString(name))
}

// string reads a string.
func (s *scanner) string() (text string, ok bool) {
	start := s.at
	text, seen, ok := s.quoted()
	if !ok || seen == plainByte || seen == wideByte && utf8.ValidString(text) {
		return text, ok
	}
	value := jsontext.Value(s.json[start:s.at])
	return plain(value), value.IsValid(jsontext.AllowInvalidUTF8(true))
}

// quoted reads what is between two quotes. seen is the classes of its bytes.
func (s *scanner) quoted() (content string, seen byte, ok bool) {
	if s.next() != '"' {
		return "", 0, false
	}
	start := s.at + 1
	for i := start; i < len(s.json); i++ {
		class := byteClasses[s.json[i]]
		if class == endByte {
			content, s.at = s.text[start:i], i+1
			return content, seen, s.json[i] == '"'
		}
		if seen |= class; class == backslash {
			i++
		}
	}
	return "", 0, false
}

// maxDigits is how many digits every int64 can have.
const maxDigits = 18

// number reads a whole number that is written as digits. It returns false for every other form.
func (s *scanner) number() (digits string, ok bool) {
	start := s.at
	if s.json[s.at] == '-' {
		s.at++
	}
	first := s.at
	for s.at < len(s.json) && isDigit(s.json[s.at]) {
		s.at++
	}
	digits = s.text[start:s.at]
	switch n := s.at - first; {
	case n == 0, n > maxDigits:
		return "", false
	case s.json[first] == '0':
		return digits, len(digits) == 1 && s.ends()
	}
	return digits, s.ends()
}

// ends reports whether a value can end here.
func (s *scanner) ends() bool {
	if s.at == len(s.json) {
		return true
	}
	ch := s.json[s.at]
	return ch == ',' || ch == '}' || ch == ']' || isSpace(ch)
}

// skip skips a value of any form. depth is how many arrays and objects it is in. Where the text is
// no JSON, the value may end anywhere.
func (s *scanner) skip(depth int) (value jsontext.Value, ok bool) {
	s.next()
	start, within := s.at, depth
	for ; s.at < len(s.json); s.at++ {
		switch ch := s.json[s.at]; {
		case ch == '"':
			if !s.skipString() {
				return nil, false
			}
		case ch == '{', ch == '[':
			if within++; within > MaxDepth {
				return nil, false
			}
			continue
		case within == depth && s.ends():
			return s.json[start:s.at], true
		case ch == '}', ch == ']':
			within--
		default:
			continue
		}
		if within == depth { // after a string, a list or an object
			s.at++
			return s.json[start:s.at], true
		}
	}
	return nil, false
}

// skipString goes to the quote that ends the string.
func (s *scanner) skipString() bool {
	for s.at++; s.at < len(s.json); s.at++ {
		switch s.json[s.at] {
		case '\\':
			s.at++
		case '"':
			return true
		}
	}
	return false
}
