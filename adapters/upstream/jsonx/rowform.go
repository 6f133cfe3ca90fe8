package jsonx

import (
	"reflect"
	"strings"
	"sync"
)

// rowForms holds the rowForm of each type of row.
var rowForms sync.Map // from reflect.Type to rowForm

// A rowForm is the members of a type of row that a rowReader can read. It is nil for another type.
type rowForm map[string]rowMember

// A rowMember says where a member of a row goes.
type rowMember struct {
	kind  memberKind
	field int
	path  string // of the value, below its row
}

// A memberKind is what a member is decoded to.
type memberKind int

const (
	ignored memberKind = iota // The row has no such field.
	aString                   // string, or Text
	aStringPointer
	aTime
	anInteger
)

var (
	textType = reflect.TypeFor[Text]()
	timeType = reflect.TypeFor[Time]()
)

func rowFormOf(t reflect.Type) rowForm {
	if known, ok := rowForms.Load(t); ok {
		form, _ := known.(rowForm)
		return form
	}
	form := newRowForm(t)
	rowForms.Store(t, form)
	return form
}

func newRowForm(t reflect.Type) rowForm {
	decodesItself := t.Kind() != reflect.Struct || reflect.PointerTo(t).Implements(unmarshaler)
	if decodesItself {
		return nil
	}
	form := rowForm{}
	for i := range t.NumField() {
		field := t.Field(i)
		if !field.IsExported() && !field.Anonymous {
			continue
		}
		name := field.Tag.Get("json")
		plainName := name != "" && name != "-" && !strings.ContainsFunc(name, isUnusualInName)
		kind := kindOf(field.Type)
		if !plainName || kind == ignored {
			return nil
		}
		form[name] = rowMember{kind, i, path("/" + name)}
	}
	return form
}

func isUnusualInName(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '_'
}

// kindOf returns the kind of a type, or ignored for a type that needs a decoder.
func kindOf(t reflect.Type) memberKind {
	switch t {
	case reflect.TypeFor[string](), textType:
		return aString
	case reflect.TypeFor[*string]():
		return aStringPointer
	case timeType:
		return aTime
	case reflect.TypeFor[int](), reflect.TypeFor[int32](), reflect.TypeFor[int64]():
		return anInteger
	}
	return ignored
}
