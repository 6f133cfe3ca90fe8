package jsonx

import (
	"reflect"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// Most rows are objects of texts, whole numbers and further objects, and all rows of a page have the same
// members. A rowReader reads such rows without a decoder, and copies their texts at once.

// readTexts decodes an object. It returns false if the object needs a decoder: it may have set some
// fields then.
func readTexts(object jsontext.Value, into reflect.Value) bool {
	s := &scanner{json: object}
	return newRowReader(into.Type()).read(s, into) && s.next() == 0 && s.at == len(object)
}

// A rowReader reads the rows of a list. All have the same type.
type rowReader struct {
	row    *objectReader
	values []rowValue // of the row
}

// A rowValue is a value that has been read, and the struct that it goes to.
type rowValue struct {
	*rowMember
	into   reflect.Value
	text   []byte
	isNull bool
}

func newRowReader(t reflect.Type) *rowReader {
	return &rowReader{row: &objectReader{form: rowFormOf(t)}}
}

// rowDepth is how many arrays and objects the members of a row are in.
const rowDepth = 3

// read reads the next row. It returns false if the row needs a decoder: it may have set some fields then.
func (r *rowReader) read(s *scanner, into reflect.Value) bool {
	r.values = r.values[:0]
	return r.row.form != nil && r.object(s, r.row, into, rowDepth) && r.set()
}

func (r *rowReader) object(s *scanner, o *objectReader, into reflect.Value, depth int) bool {
	if !s.take('{') {
		return false
	}
	if s.take('}') {
		return true
	}
	for i := 0; ; i++ {
		m, ok := o.member(s, i)
		if !ok || !s.take(':') {
			return false
		}
		switch ch := s.next(); {
		case m.kind == anObject && ch == '{':
			field := into.Field(m.field)
			if m.pointer {
				field.Set(reflect.New(field.Type().Elem()))
				field = field.Elem()
			}
			ok = r.object(s, o.within(m), field, depth+1)
		case m.kind == ignored && (ch == '{' || ch == '['):
			var value jsontext.Value
			value, ok = s.skip(depth)
			ok = ok && value.IsValid(jsontext.AllowInvalidUTF8(true))
		default:
			ok = r.value(s, m, into)
		}
		switch {
		case !ok:
			return false
		case s.take('}'):
			return true
		case !s.take(','):
			return false
		}
	}
}

// value reads a value that is no array and no object.
func (r *rowReader) value(s *scanner, m *rowMember, into reflect.Value) (ok bool) {
	v := rowValue{rowMember: m, into: into}
	isText := m.kind == aString || m.kind == aTime || m.kind == aPlain
	switch ch := s.next(); {
	case ch == '"':
		v.text, ok = s.text()
		ok = ok && (isText || m.kind == ignored)
	case ch == '-', isDigit(ch):
		v.text, ok = s.number()
		ok = ok && (isText || m.kind == anInteger || m.kind == ignored)
	case s.has([]byte("null")):
		v.isNull, ok = true, s.ends()
	case s.has([]byte("true")):
		v.text, ok = []byte{1}, s.ends() && (m.kind == aBool || m.kind == ignored)
	case s.has([]byte("false")):
		ok = s.ends() && (m.kind == aBool || m.kind == ignored)
	}
	if ok && m.kind != ignored {
		r.values = append(r.values, v)
	}
	return ok
}

// set sets the fields of the row to the values that were read.
func (r *rowReader) set() bool {
	size, pointers := 0, 0
	for i := range r.values {
		v := &r.values[i]
		size += len(v.text)
		if v.kind == aString && v.pointer {
			pointers++
		}
	}
	var copied strings.Builder
	copied.Grow(size)
	for i := range r.values {
		copied.Write(r.values[i].text)
	}
	rest, pointed := copied.String(), make([]string, pointers)
	for i := range r.values {
		v := &r.values[i]
		text := rest[:len(v.text)]
		rest = rest[len(v.text):]
		field := v.into.Field(v.field)
		switch {
		case v.isNull && (v.pointer || v.kind != aTime && v.kind != aPlain):
			field.SetZero()
			continue
		case v.kind == aString && v.pointer:
			pointed[0] = text
			field.Set(reflect.ValueOf(&pointed[0]))
			pointed = pointed[1:]
			continue
		case v.pointer:
			field.Set(reflect.New(field.Type().Elem()))
			field = field.Elem()
		}
		if !v.setField(field, text) {
			return false
		}
	}
	return true
}

// setField sets a field to the value's text.
func (v *rowValue) setField(field reflect.Value, text string) bool {
	switch v.kind {
	case aString:
		field.SetString(text)
	case aTime:
		field.Set(reflect.ValueOf(Time{Text: text, Path: v.path}))
	case aPlain:
		plain, _ := reflect.TypeAssert[Plain](field.Addr())
		return plain.SetPlain(Time{Text: text, Path: v.path})
	case aBool:
		field.SetBool(text != "")
	default:
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || field.OverflowInt(n) {
			return false
		}
		field.SetInt(n)
	}
	return true
}

// An objectReader knows the members of an object in the row before, in their order. Their names differ
// from each other.
type objectReader struct {
	form    rowForm
	members []namedMember
	inner   map[*rowMember]*objectReader
}

type namedMember struct {
	*rowMember
	quoted []byte // the name with its quotes
}

// within returns the reader of an object that is a member.
func (o *objectReader) within(m *rowMember) *objectReader {
	inner := o.inner[m]
	if inner == nil {
		inner = &objectReader{form: m.form}
		if o.inner == nil {
			o.inner = map[*rowMember]*objectReader{}
		}
		o.inner[m] = inner
	}
	return inner
}

// member reads the name of the member at this position in the object. It returns false for a name that
// the object has twice.
func (o *objectReader) member(s *scanner, i int) (m *rowMember, ok bool) {
	s.next()
	if i < len(o.members) && s.has(o.members[i].quoted) {
		return o.members[i].rowMember, true
	}
	start := s.at
	name, ok := s.text()
	if !ok {
		return nil, false
	}
	quoted := s.json[start:s.at]
	o.members = o.members[:i]
	for _, before := range o.members {
		if string(before.quoted) == string(quoted) {
			return nil, false
		}
	}
	if m = o.form[string(name)]; m == nil {
		m = noMember
	}
	o.members = append(o.members, namedMember{m, quoted})
	return m, true
}
