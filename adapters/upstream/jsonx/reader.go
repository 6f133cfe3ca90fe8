package jsonx

import (
	"bytes"
	"reflect"
	"strconv"
	"sync"

	"github.com/go-json-experiment/json/jsontext"
)

// Read reads a whole response in a fraction of the time that a decoder takes. It returns false if
// the response needs a decoder, which also says what is wrong with it. A part of into may be set
// then.
//
// Before, into must be zero. Its texts are parts of one copy of the response.
func Read(text []byte, into any) bool {
	text = bytes.TrimPrefix(text, byteOrderMark)
	v := reflect.ValueOf(into).Elem()
	return IsBegunBy(text) && readersOf(v.Type()).read(text, v)
}

// CanRead reports whether Read can read responses of this type, and whether they have lists.
func CanRead(into any) (ok, hasLists bool) {
	all := readersOf(reflect.TypeOf(into).Elem())
	return all.form != nil, all.hasLists
}

// readers are the readers of one type.
type readers struct {
	form     *form // nil if the type needs a decoder
	hasLists bool
	idle     sync.Pool
}

// read reads a value that is the whole text. It returns false if the value needs a decoder.
func (all *readers) read(text []byte, into reflect.Value) bool {
	if all.form == nil {
		return false
	}
	r, reused := all.idle.Get().(*reader)
	if !reused {
		r = &reader{orders: map[*form][]*member{}, lengths: map[*form]int{}}
	}
	r.scanner, r.lists = scanner{json: text, text: string(text)}, 0
	ok := r.value(all.form, into, 0) && r.next() == 0 && r.at == len(text)
	r.scanner, r.strings = scanner{}, nil
	all.idle.Put(r)
	return ok
}

// A reader reads a value without a decoder. Its methods return false if the value needs one: they
// may have set a part of it then. depth is how many arrays and objects the value is in.
type reader struct {
	scanner
	lists   int // how many lists the value is in
	strings []string
	// orders are the members of each object in the order in which the one before had them. Most
	// objects of a list have the same order.
	orders map[*form][]*member
	// lengths are how many elements each list had the last time.
	lengths map[*form]int
}

func (r *reader) value(f *form, into reflect.Value, depth int) bool {
	ch := r.next()
	switch {
	case f.kind == aRow:
		return r.row(f, into, -1, depth)
	case f.kind == aValue:
		value, ok := r.any(depth)
		into.SetBytes(bytes.Clone(value))
		return ok
	case ch == 'n':
		return r.has("null") && r.ends() && f.setNull(into)
	case f.kind == aPointer:
		target := r.newTarget(into.Type().Elem())
		into.Set(target)
		return r.value(f.held, target.Elem(), depth)
	case f.usual != nil && (ch == '{' || ch == '['):
		usual, _ := reflect.TypeAssert[Usual](into.Addr())
		return r.value(f.usual, reflect.ValueOf(usual.Usual()).Elem(), depth) && usual.SetUsual()
	case f.kind == anObject && ch == '{':
		return r.object(f, into, depth)
	case f.kind == aList && ch == '[':
		return r.list(f, into, depth)
	}
	start := r.at
	if r.scalar(f, ch, into) {
		return true
	}
	r.at = start
	return r.spelledOtherwise(f, into, depth)
}

// newTarget returns a pointer to a zero value. Strings have their room together.
func (r *reader) newTarget(t reflect.Type) reflect.Value {
	const together = 32
	if t != stringType {
		return reflect.New(t)
	}
	if len(r.strings) == 0 {
		r.strings = make([]string, together)
	}
	target := &r.strings[0]
	r.strings = r.strings[1:]
	return reflect.ValueOf(target)
}

// object reads an object that begins here.
func (r *reader) object(f *form, into reflect.Value, depth int) bool {
	r.take('{')
	if r.take('}') {
		return true
	}
	order := r.orders[f]
	for i := 0; ; i++ {
		if r.next(); i == len(order) || !r.has(order[i].quoted) {
			var ok bool
			if order, ok = r.otherMember(f, order[:i]); !ok {
				return false
			}
			r.orders[f] = order
		}
		ok := r.take(':')
		switch m := order[i]; {
		case !ok:
		case m.form != noForm:
			ok = r.value(m.form, into.Field(m.field), depth+1)
		case f.others != nil:
			ok = r.other(m.quoted, into.Field(*f.others), depth+1)
		default:
			_, ok = r.any(depth + 1)
		}
		switch {
		case !ok:
			return false
		case r.take('}'):
			return true
		case !r.take(','):
			return false
		}
	}
}

// noForm is the form of what is ignored.
var noForm = &form{}

// maxMembers bounds how many members an object has, and maxName how long their names are.
const (
	maxMembers = 100
	maxName    = 100
)

// otherMember reads the name of a member that another order has here, and adds it to the members
// before it. It returns false for a name that the object has twice.
func (r *reader) otherMember(f *form, before []*member) ([]*member, bool) {
	name, ok := r.name()
	if !ok || len(before) == maxMembers || len(name) > maxName {
		return before, false
	}
	m := f.members[name]
	if m == nil {
		m = &member{form: noForm, quoted: `"` + name + `"`}
	}
	for _, b := range before {
		if b.quoted == m.quoted {
			return before, false
		}
	}
	return append(before, m), true
}

// other adds a member to the object that holds those without a field.
func (r *reader) other(quoted string, into reflect.Value, depth int) bool {
	value, ok := r.any(depth)
	others := into.Bytes()
	if len(others) == 0 {
		others = append(others, '{')
	} else {
		others[len(others)-1] = ','
	}
	others = append(append(others, quoted...), ':')
	into.SetBytes(append(append(others, value...), '}'))
	return ok
}

// A list is expected to have as many elements as the last one of its form, if those were few.
// Otherwise a list that is in no other one is expected to go on to the end of the response, with at
// most maxExpected elements.
const (
	maxShort    = 16
	maxExpected = 1000
)

// list reads a list that begins here.
func (r *reader) list(f *form, into reflect.Value, depth int) bool {
	r.lists++
	defer func() { r.lists-- }()
	r.take('[')
	if r.take(']') {
		into.Set(reflect.MakeSlice(into.Type(), 0, 0))
		return true
	}
	before := r.lengths[f]
	isShort := before > 0 && before <= maxShort
	if isShort {
		into.Grow(before)
	}
	start := r.at
	for i := 0; ; i++ {
		into.Grow(1)
		into.SetLen(i + 1)
		var ok bool
		if r.next(); f.held.kind == aRow {
			ok = r.row(f.held, into.Index(i), i, depth+1)
		} else {
			ok = r.value(f.held, into.Index(i), depth+1)
		}
		switch {
		case !ok:
			return false
		case r.take(']'):
			r.lengths[f] = i + 1
			return true
		case !r.take(','):
			return false
		}
		if i == 0 && r.lists == 1 && !isShort { // The other elements are likely as long.
			into.Grow(min((len(r.json)-r.at)/(r.at-start)+1, maxExpected))
		}
	}
}

// A row is a *Row.
type row interface {
	place(list string, index int)
	decode(value jsontext.Value) error
}

// row reads a row. A row that needs a decoder is decoded alone.
func (r *reader) row(f *form, into reflect.Value, index, depth int) bool {
	to, _ := reflect.TypeAssert[row](into.Addr())
	to.place(f.path, index)
	start := r.at
	if f.held != nil && r.value(f.held, into.Field(0), depth) {
		return true
	}
	r.at = start
	value, ok := r.any(depth)
	return ok && to.decode(value) == nil
}

// scalar reads a value that is no array, no object and not null, in its usual spelling.
func (r *reader) scalar(f *form, ch byte, into reflect.Value) bool {
	isText := f.kind == aString || f.kind == aText || f.kind == aTime || f.kind == aPlain
	switch {
	case ch == '"' && isText:
		text, ok := r.string()
		return ok && f.setText(into, text)
	case ch == '-' || isDigit(ch):
		digits, ok := r.number()
		if isText {
			return ok && f.setText(into, digits)
		}
		n, err := strconv.ParseInt(digits, 10, 64)
		if !ok || f.kind != anInteger || err != nil || into.OverflowInt(n) {
			return false
		}
		into.SetInt(n)
		return true
	case f.kind != aBool:
		return false
	case r.has("true"):
		into.SetBool(true)
		return r.ends()
	}
	return r.has("false") && r.ends()
}

func (f *form) setText(into reflect.Value, text string) bool {
	switch f.kind {
	case aTime:
		at, _ := reflect.TypeAssert[*Time](into.Addr())
		*at = Time{Text: text, Path: f.path}
	case aPlain:
		plain, _ := reflect.TypeAssert[Plain](into.Addr())
		return plain.SetPlain(Time{Text: text, Path: f.path})
	default:
		into.SetString(text)
	}
	return true
}

func (f *form) setNull(into reflect.Value) bool {
	switch f.kind {
	case aTime, aPlain:
		return f.setText(into, "")
	case aUsual:
		return false
	}
	into.SetZero()
	return true
}

// spelledOtherwise reads a text, a number or a boolean in another spelling, as the decoder does.
func (r *reader) spelledOtherwise(f *form, into reflect.Value, depth int) bool {
	if f.kind != aString && f.kind != anInteger && f.kind != aBool {
		return false
	}
	value, ok := r.any(depth)
	return ok && !isNone(value) && set(into, value) == ""
}

// any reads a value of any form, and returns it as it is written.
func (r *reader) any(depth int) (value jsontext.Value, ok bool) {
	ch, start := r.next(), r.at
	switch {
	case ch == '"':
		_, ok = r.string()
	case ch == '-', isDigit(ch):
		_, ok = r.number()
	default:
		ok = (r.has("null") || r.has("true") || r.has("false")) && r.ends()
	}
	if ok {
		return r.json[start:r.at], true
	}
	r.at = start
	value, ok = r.skip(depth)
	return value, ok && value.IsValid(jsontext.AllowInvalidUTF8(true))
}
