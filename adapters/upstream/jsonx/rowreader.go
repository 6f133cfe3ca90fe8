package jsonx

import (
	"reflect"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// Most rows are objects whose members are texts and whole numbers, and all rows of a page have the same
// members. A rowReader reads such rows without a decoder, and copies their texts at once.

// readTexts decodes an object. It returns false if the object needs a decoder: it may have set some
// fields then.
func readTexts(object jsontext.Value, into reflect.Value) bool {
	s := &scanner{json: object}
	return newRowReader(into.Type()).read(s, into) && s.next() == 0 && s.at == len(object)
}

// A rowReader reads the rows of a list. All have the same type.
type rowReader struct {
	form rowForm
	// members are those of the row before, in their order. Their names differ from each other.
	members []namedMember
	values  []rowValue // of the row
}

type namedMember struct {
	rowMember
	quoted []byte // the name with its quotes
}

type rowValue struct {
	rowMember
	text   []byte
	isNull bool
}

func newRowReader(t reflect.Type) *rowReader { return &rowReader{form: rowFormOf(t)} }

// read reads the next row. It returns false if the row needs a decoder: it may have set some fields then.
func (r *rowReader) read(s *scanner, into reflect.Value) bool {
	if r.form == nil || !s.take('{') {
		return false
	}
	r.values = r.values[:0]
	if s.take('}') {
		return true
	}
	for i := 0; ; i++ {
		member, ok := r.member(s, i)
		if !ok || !s.take(':') || !r.value(s, member) {
			return false
		}
		switch {
		case s.take('}'):
			return r.set(into)
		case !s.take(','):
			return false
		}
	}
}

// member reads the name of the member at this position in the row. It returns false for a name that the
// row has twice.
func (r *rowReader) member(s *scanner, i int) (m rowMember, ok bool) {
	s.next()
	if i < len(r.members) && s.has(r.members[i].quoted) {
		return r.members[i].rowMember, true
	}
	start := s.at
	name, ok := s.text()
	if !ok {
		return m, false
	}
	quoted := s.json[start:s.at]
	r.members = r.members[:i]
	for _, before := range r.members {
		if string(before.quoted) == string(quoted) {
			return m, false
		}
	}
	m = r.form[string(name)]
	r.members = append(r.members, namedMember{m, quoted})
	return m, true
}

// value reads the value of a member.
func (r *rowReader) value(s *scanner, m rowMember) (ok bool) {
	v := rowValue{rowMember: m}
	switch ch := s.next(); {
	case ch == '"':
		v.text, ok = s.text()
		ok = ok && m.kind != anInteger
	case ch == '-', isDigit(ch):
		v.text, ok = s.number()
	case s.has([]byte("null")):
		v.isNull, ok = true, s.ends()
	case m.kind == ignored && (s.has([]byte("true")) || s.has([]byte("false"))):
		ok = s.ends()
	}
	if ok && m.kind != ignored {
		r.values = append(r.values, v)
	}
	return ok
}

// set sets the fields of a row to the values that were read.
func (r *rowReader) set(into reflect.Value) bool {
	size, pointers := 0, 0
	for i := range r.values {
		switch v := &r.values[i]; v.kind {
		case aStringPointer:
			size, pointers = size+len(v.text), pointers+1
		case aString, aTime:
			size += len(v.text)
		}
	}
	var copied strings.Builder
	copied.Grow(size)
	for i := range r.values {
		if v := &r.values[i]; v.kind != anInteger {
			copied.Write(v.text)
		}
	}
	rest, pointed := copied.String(), make([]string, pointers)
	for i := range r.values {
		v, text := &r.values[i], ""
		if v.kind != anInteger {
			text, rest = rest[:len(v.text)], rest[len(v.text):]
		}
		field := into.Field(v.field)
		switch {
		case v.kind == aTime:
			field.Set(reflect.ValueOf(Time{Text: text, Path: v.path}))
		case v.isNull: // The field is zero.
		case v.kind == aString:
			field.SetString(text)
		case v.kind == aStringPointer:
			pointed[0] = text
			field.Set(reflect.ValueOf(&pointed[0]))
			pointed = pointed[1:]
		default:
			n, err := strconv.ParseInt(string(v.text), 10, 64)
			if err != nil || field.OverflowInt(n) {
				return false
			}
			field.SetInt(n)
		}
	}
	return true
}
