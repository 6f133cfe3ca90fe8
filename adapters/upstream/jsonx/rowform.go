package jsonx

import (
	"encoding"
	"reflect"
	"strings"
	"sync"

	"github.com/go-json-experiment/json"
)

// A Plain value reads itself from a text or a number, or from null as a text without characters.
type Plain interface {
	// SetPlain sets the value. It returns false for a text that needs a decoder.
	SetPlain(value Time) bool
}

// rowForms holds the rowForm of each type of row.
var rowForms sync.Map // from reflect.Type to rowForm

// A rowForm is the members of a struct that a rowReader can read. It is nil for another type.
type rowForm map[string]*rowMember

// A rowMember says where a member of an object goes.
type rowMember struct {
	kind    memberKind
	pointer bool // The field points to it.
	field   int
	path    string  // of the value, below its row
	form    rowForm // of anObject
}

// A memberKind is what a member is decoded to.
type memberKind int

const (
	ignored memberKind = iota // The struct has no such field.
	aString                   // string, or Text
	aTime
	aPlain
	anInteger
	aBool
	anObject
)

// noMember is the member of an object that its struct does not have.
var noMember = &rowMember{}

var (
	textType  = reflect.TypeFor[Text]()
	timeType  = reflect.TypeFor[Time]()
	plainType = reflect.TypeFor[Plain]()
)

func rowFormOf(t reflect.Type) rowForm {
	if known, ok := rowForms.Load(t); ok {
		form, _ := known.(rowForm)
		return form
	}
	const depth = 8 // of structs in structs; a type may hold itself
	form := newRowForm(t, "", depth)
	rowForms.Store(t, form)
	return form
}

func newRowForm(t reflect.Type, path string, depth int) rowForm {
	if t.Kind() != reflect.Struct || decodesItself(t) || depth == 0 {
		return nil
	}
	form := rowForm{}
	for i := range t.NumField() {
		field := t.Field(i)
		if !field.IsExported() && !field.Anonymous {
			continue
		}
		name := strings.TrimSuffix(field.Tag.Get("json"), ",omitzero")
		if name == "" || isDigit(name[0]) || strings.ContainsFunc(name, isUnusualInName) {
			return nil
		}
		m := newRowMember(field.Type, under(path, name), depth)
		if m == nil {
			return nil
		}
		m.field, form[name] = i, m
	}
	return form
}

// decodesItself reports whether a type has a method that decodes it.
func decodesItself(t reflect.Type) bool {
	p := reflect.PointerTo(t)
	return p.Implements(unmarshaler) || p.Implements(reflect.TypeFor[json.Unmarshaler]()) ||
		p.Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
}

func isUnusualInName(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '_'
}

// newRowMember returns a member of this type, or nil if the type needs a decoder.
func newRowMember(t reflect.Type, path string, depth int) *rowMember {
	m := &rowMember{path: path}
	if m.pointer = t.Kind() == reflect.Pointer; m.pointer {
		t = t.Elem()
	}
	switch {
	case reflect.PointerTo(t).Implements(plainType):
		m.kind = aPlain
	case t == textType && !m.pointer, t == reflect.TypeFor[string]():
		m.kind = aString
	case t == timeType && !m.pointer:
		m.kind = aTime
	case decodesItself(t):
		return nil
	case t.Kind() == reflect.Bool:
		m.kind = aBool
	case t.Kind() == reflect.Int, t.Kind() == reflect.Int32, t.Kind() == reflect.Int64:
		m.kind = anInteger
	case t.Kind() == reflect.Struct:
		m.kind = anObject
		if m.form = newRowForm(t, path, depth-1); m.form == nil {
			return nil
		}
	default:
		return nil
	}
	return m
}
