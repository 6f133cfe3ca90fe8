package jsonx

import (
	"bytes"
	"reflect"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// Most rows are objects whose members are texts. Each is checked when it is read. So it can be decoded
// without a decoder of its own, and with one copy for all its texts.

// textForms holds the textForm of each type of row.
var textForms sync.Map // from reflect.Type to textForm

// A textForm is the members of a type of row that has only texts and times. It is nil for another type.
type textForm map[string]textMember

type textMember struct {
	field int
	path  string // of the value, below its row
}

var (
	textType = reflect.TypeFor[Text]()
	timeType = reflect.TypeFor[Time]()
)

func textFormOf(t reflect.Type) textForm {
	if known, ok := textForms.Load(t); ok {
		form, _ := known.(textForm)
		return form
	}
	form := newTextForm(t)
	textForms.Store(t, form)
	return form
}

func newTextForm(t reflect.Type) textForm {
	decodesItself := t.Kind() != reflect.Struct || reflect.PointerTo(t).Implements(unmarshaler)
	if decodesItself {
		return nil
	}
	form := textForm{}
	for i := range t.NumField() {
		field := t.Field(i)
		if !field.IsExported() && !field.Anonymous {
			continue
		}
		name := field.Tag.Get("json")
		plainName := name != "" && name != "-" && !strings.ContainsFunc(name, isUnusualInName)
		if !plainName || !isText(field.Type) {
			return nil
		}
		form[name] = textMember{i, path("/" + name)}
	}
	return form
}

func isUnusualInName(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '_'
}

func isText(t reflect.Type) bool {
	switch t {
	case reflect.TypeFor[string](), reflect.TypeFor[*string](), textType, timeType:
		return true
	}
	return false
}

// readTexts decodes an object that has been checked to be JSON without duplicate names. It returns false
// if the object needs a decoder: it may have set some fields then.
func readTexts(object jsontext.Value, into reflect.Value) bool {
	form := textFormOf(into.Type())
	if form == nil || object.Kind() != '{' || bytes.IndexByte(object, '\\') >= 0 || !utf8.Valid(object) {
		return false
	}
	// All texts of a row are parts of one copy.
	for rest := trim(string(object[1:])); rest[0] != '}'; {
		var name, value string
		name, rest = cutValue(rest)
		value, rest = cutValue(trim(rest[1:])) // after the colon
		if rest[0] == ',' {
			rest = trim(rest[1:])
		}
		member, wanted := form[name[1:len(name)-1]]
		if wanted && !setMember(into.Field(member.field), value, member.path) {
			return false
		}
	}
	return true
}

// setMember sets a field to a text, a number or null. It returns false for another value.
func setMember(field reflect.Value, value, path string) bool {
	var text string
	switch jsontext.Value(value[:1]).Kind() {
	case '"':
		text = value[1 : len(value)-1]
	case '0':
		text = digits(value)
	case 'n':
		if field.Type() != timeType {
			field.SetZero()
			return true
		}
	default:
		return false
	}
	switch into := field.Addr().Interface().(type) {
	case *Time:
		*into = Time{Text: text, Path: path}
	case **string:
		*into = &text
	default:
		field.SetString(text)
	}
	return true
}

// cutValue cuts the value off with which a text begins, and the space after it. The text is JSON
// without a backslash, and goes on after the value.
func cutValue(text string) (value, rest string) {
	var end int
	switch text[0] {
	case '"':
		end = strings.IndexByte(text[1:], '"') + 2
	case '{', '[':
		end = nestedLength(text)
	default:
		end = strings.IndexAny(text, ",]} \t\r\n")
	}
	return text[:end], trim(text[end:])
}

// nestedLength returns the length of the object or list with which a text begins.
func nestedLength(text string) int {
	depth, inString := 0, false
	for i := range len(text) {
		switch ch := text[i]; {
		case ch == '"':
			inString = !inString
		case inString:
		case ch == '{', ch == '[':
			depth++
		case ch == '}', ch == ']':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return len(text)
}

func trim(text string) string {
	for len(text) > 0 && (text[0] == ' ' || text[0] == '\n' || text[0] == '\r' || text[0] == '\t') {
		text = text[1:]
	}
	return text
}
