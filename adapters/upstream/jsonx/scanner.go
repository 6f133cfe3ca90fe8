package jsonx

import (
	"bytes"
	"unicode/utf8"
)

// MaxDepth is how deep the arrays and objects of a response may nest.
const MaxDepth = 32

// A scanner reads JSON from memory. It knows the usual forms, and leaves all others to a decoder.
type scanner struct {
	json []byte
	at   int // the index of the next byte
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
func (s *scanner) has(part []byte) bool {
	if !bytes.HasPrefix(s.json[s.at:], part) {
		return false
	}
	s.at += len(part)
	return true
}

// The classes of bytes in a JSON string.
const (
	plainByte  = 0
	wideByte   = 1 // of a character beyond ASCII
	otherBytes = 2 // a quote, a backslash or a control character
)

var byteClasses = func() (class [256]byte) {
	for ch := range class {
		switch {
		case ch < ' ', ch == '"', ch == '\\':
			class[ch] = otherBytes
		case ch >= utf8.RuneSelf:
			class[ch] = wideByte
		}
	}
	return class
}()

// text reads a string. It returns false if the string has a backslash or is not UTF-8.
func (s *scanner) text() (content []byte, ok bool) {
	if s.next() != '"' {
		return nil, false
	}
	start, seen := s.at+1, byte(plainByte)
	for i := start; i < len(s.json); i++ {
		class := byteClasses[s.json[i]]
		if class != otherBytes {
			seen |= class
			continue
		}
		content, s.at = s.json[start:i], i+1
		return content, s.json[i] == '"' && (seen == plainByte || utf8.Valid(content))
	}
	return nil, false
}

// maxDigits is how many digits every int64 can have.
const maxDigits = 18

// number reads a whole number that is written as digits. It returns false for every other form.
func (s *scanner) number() (digits []byte, ok bool) {
	start := s.at
	if s.json[s.at] == '-' {
		s.at++
	}
	first := s.at
	for s.at < len(s.json) && isDigit(s.json[s.at]) {
		s.at++
	}
	digits = s.json[start:s.at]
	switch n := s.at - first; {
	case n == 0, n > maxDigits:
		return nil, false
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

// findList goes to the list of this name in the object that the text is. It returns false if the member
// is something else, or if that is hard to say.
func (s *scanner) findList(name string) bool {
	if !s.take('{') {
		return false
	}
	for {
		member, ok := s.text()
		if !ok || !s.take(':') {
			return false
		}
		if string(member) == name {
			return s.next() == '['
		}
		if _, ok := s.skip(1); !ok || !s.take(',') {
			return false
		}
	}
}

// skip skips a value of any form. depth is how many arrays and objects it is in. Where the text is no
// JSON, the value may end anywhere.
func (s *scanner) skip(depth int) (value []byte, ok bool) {
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
