package jsonx

import (
	"encoding"
	"reflect"
	"strings"
	"sync"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// A Plain value reads itself from a text or a number, or from null as a text without characters.
type Plain interface {
	// SetPlain sets the value. It returns false for a text that needs a decoder.
	SetPlain(value Time) bool
}

// A Usual value decodes itself. Most responses show it as an object or a list, which a part of the
// value can hold.
type Usual interface {
	// Usual returns a pointer to the part. It returns nil if all responses need a decoder.
	Usual() any
	// SetUsual completes the value after its part has been read. It returns false for a value that
	// needs a decoder.
	SetUsual() bool
}

// A form says how the values of a type are read without a decoder.
type form struct {
	kind    kind
	path    string             // of the value, in its row or in the response
	held    *form              // of a pointer's target, of a list's elements, of a row's value
	usual   *form              // of the part of a Usual value
	members map[string]*member // of anObject
	others  *int               // the field with the members that anObject does not name, or nil
}

// A kind is what a value is decoded to.
type kind int

const (
	ignored kind = iota // of a member that its struct does not have
	aString
	aText
	aTime
	aPlain
	anInteger
	aBool
	aValue // a jsontext.Value
	aPointer
	anObject
	aList
	aRow
	aUsual // a Usual value that is not Plain
)

// A member says where a member of an object goes.
type member struct {
	*form
	field  int
	quoted string // the name with its quotes
}

var (
	valueType  = reflect.TypeFor[jsontext.Value]()
	stringType = reflect.TypeFor[string]()
	textType   = reflect.TypeFor[Text]()
	timeType   = reflect.TypeFor[Time]()
	plainType  = reflect.TypeFor[Plain]()
	usualType  = reflect.TypeFor[Usual]()
	rowType    = reflect.TypeFor[row]()
)

// known holds the *readers of each type that has been read.
var known sync.Map // from reflect.Type

// readersOf returns the readers of a type.
func readersOf(t reflect.Type) *readers {
	if all, ok := known.Load(t); ok {
		return all.(*readers)
	}
	f := newForm(t, place{})
	all, _ := known.LoadOrStore(t, &readers{form: f, hasLists: f.hasLists()})
	return all.(*readers)
}

// hasLists reports whether a value of this form may have a list.
func (f *form) hasLists() bool {
	if f == nil {
		return false
	}
	for _, m := range f.members {
		if m.hasLists() {
			return true
		}
	}
	return f.kind == aList || f.held.hasLists() || f.usual.hasLists()
}

// A place says where the values of a type are.
type place struct {
	path  string
	depth int
	// repeated says that several values have this path: elements of a list that are no rows.
	repeated bool
}

// maxFormDepth bounds how many types a type holds within each other. A type may hold itself.
const maxFormDepth = 16

// newForm returns the form of a type, or nil if its values need a decoder.
func newForm(t reflect.Type, at place) *form {
	if at.depth++; at.depth > maxFormDepth {
		return nil
	}
	p := reflect.PointerTo(t)
	knowsPath := t == timeType || p.Implements(plainType) || p.Implements(rowType)
	switch {
	case knowsPath && at.repeated:
		return nil
	case p.Implements(rowType):
		return &form{kind: aRow, path: at.path, held: newForm(t.Field(0).Type, place{depth: at.depth})}
	case p.Implements(plainType), p.Implements(usualType):
		return newOwnForm(t, at)
	}
	f := &form{path: at.path}
	switch {
	case t == stringType:
		f.kind = aString
	case t == textType:
		f.kind = aText
	case t == timeType:
		f.kind = aTime
	case t == valueType:
		f.kind = aValue
	case typeDecodesItself(t):
		return nil
	}
	if f.kind != ignored {
		return f
	}
	switch t.Kind() {
	case reflect.Bool:
		f.kind = aBool
	case reflect.Int, reflect.Int32, reflect.Int64:
		f.kind = anInteger
	case reflect.Pointer:
		f.kind, f.held = aPointer, newForm(t.Elem(), at)
	case reflect.Slice:
		at.repeated = at.repeated || !reflect.PointerTo(t.Elem()).Implements(rowType)
		f.kind, f.held = aList, newForm(t.Elem(), at)
	case reflect.Struct:
		return newObjectForm(t, at)
	default:
		return nil
	}
	if f.held == nil && (f.kind == aPointer || f.kind == aList) {
		return nil
	}
	return f
}

// newOwnForm returns the form of a type that is Plain, Usual or both.
func newOwnForm(t reflect.Type, at place) *form {
	f := &form{kind: aUsual, path: at.path}
	zero := reflect.New(t)
	if _, ok := reflect.TypeAssert[Plain](zero); ok {
		f.kind = aPlain
	}
	if usual, ok := reflect.TypeAssert[Usual](zero); ok {
		if part := usual.Usual(); part != nil {
			f.usual = newForm(reflect.TypeOf(part).Elem(), at)
		}
	}
	if f.kind == aUsual && f.usual == nil {
		return nil
	}
	return f
}

func newObjectForm(t reflect.Type, at place) *form {
	f := &form{kind: anObject, path: at.path, members: map[string]*member{}}
	for i := range t.NumField() {
		field := t.Field(i)
		tag := field.Tag.Get("json")
		if !field.IsExported() && !field.Anonymous {
			continue
		}
		if tag == ",embed" && field.Type == valueType {
			f.others = &i
			continue
		}
		name := strings.TrimSuffix(tag, ",omitzero")
		if name == "" || isDigit(name[0]) || strings.ContainsFunc(name, isUnusualInName) {
			return nil
		}
		within := at
		within.path = under(at.path, name)
		m := newForm(field.Type, within)
		if m == nil {
			return nil
		}
		f.members[name] = &member{form: m, field: i, quoted: `"` + name + `"`}
	}
	return f
}

// typeDecodesItself reports whether a type has a method that decodes it.
func typeDecodesItself(t reflect.Type) bool {
	p := reflect.PointerTo(t)
	return p.Implements(unmarshaler) || p.Implements(reflect.TypeFor[json.Unmarshaler]()) ||
		p.Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
}

func isUnusualInName(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '_'
}
