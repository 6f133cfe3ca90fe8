// Package jsonx decodes the JSON of vendors, whose types differ from their documents.
//
// Unmarshal and UnmarshalRead decode into the usual Go types, and take these spellings:
//
//   - a whole number: 2, 2.0, "2", and "" or null for none
//   - a boolean: true, "true", "Y", 1 and their opposites, and "" or null for none
//   - a text: a text, a number as digits, a boolean, and null or an empty list for none
//   - an object: {…}, and [], "" or null for none
//   - a list: […], and {}, "" or null for none
//   - a text that is not UTF-8, or has half a surrogate pair: U+FFFD in its place
//
// They ignore a byte-order mark before the value. Duplicate names are an error. Any other value is
// a Misfit. It names the value's place and what was expected there, and never shows the value,
// which may be a secret.
//
// Row keeps a misfit to its own row. Time reads a time in the usual forms. Read reads the usual
// forms of a whole response, as UnmarshalRead does, in less time.
package jsonx

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Unmarshal decodes a value. at is its place in the vendor's response, such as "data", or "" for
// the response itself. Its error is a *Misfit, or that of a text that is not JSON.
func Unmarshal(at string, value []byte, into any) error {
	return readable(at, json.Unmarshal(bytes.TrimPrefix(value, byteOrderMark), into, nested))
}

// UnmarshalMember decodes the member of this name in a vendor's response. Unlike those of
// Unmarshal, the paths of rows and times begin with the name.
func UnmarshalMember(name string, value []byte, into any) error {
	object := slices.Concat([]byte(`{"`+name+`":`), value, []byte("}"))
	d := jsontext.NewDecoder(bytes.NewBuffer(object), nested)
	for range 2 { // the brace and the name
		if _, err := d.ReadToken(); err != nil {
			return readable("", err)
		}
	}
	return readable("", json.UnmarshalDecode(d, into, nested))
}

// UnmarshalRead decodes a whole response, which must have the kind of into: an empty text is no
// object there. Its error is a *Misfit, or that of a text that is not JSON. from must be Unmarked.
func UnmarshalRead(from io.Reader, into any) error {
	err := json.UnmarshalRead(from, into, response)
	if e, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		// The decoder moves its buffer while it reads a long value. The path in such an error may
		// then be made of other parts of the response, which may be secret.
		return readable(fmt.Sprintf("byte %d", e.ByteOffset), e.Err)
	}
	return readable("", err)
}

// Unmarked returns a reader of a response without a byte-order mark at its beginning.
func Unmarked(response io.Reader) io.Reader { return &unmarked{from: response} }

// IsBegunBy reports whether a text can be JSON that has an object or a list.
func IsBegunBy(text []byte) bool {
	text = bytes.TrimSpace(bytes.TrimPrefix(text, byteOrderMark))
	return len(text) > 0 && (text[0] == '{' || text[0] == '[')
}

// response has the options of UnmarshalRead, and nested those of the other functions.
var (
	response = json.JoinOptions(jsontext.AllowInvalidUTF8(true), json.WithUnmarshalers(
		json.UnmarshalFromFunc(func(d *jsontext.Decoder, into any) error {
			if d.StackDepth() == 0 && !decodesItself(into) {
				return checkKind(d, into)
			}
			return decodeLoosely(d, into, nil)
		})))
	nested = json.JoinOptions(jsontext.AllowInvalidUTF8(true), json.WithUnmarshalers(
		json.UnmarshalFromFunc(func(d *jsontext.Decoder, into any) error { return decodeLoosely(d, into, nil) })))
)

// checkKind checks the kind of a response, and leaves the rest to the decoder.
func checkKind(d *jsontext.Decoder, into any) error {
	wanted := map[reflect.Kind]jsontext.Kind{reflect.Struct: '{', reflect.Slice: '['}
	kind := wanted[reflect.TypeOf(into).Elem().Kind()]
	if got := d.PeekKind(); kind != 0 && got != kind && got != 'n' && got != jsontext.KindInvalid {
		return &Misfit{Expected: nouns[kind], Got: nouns[got]}
	}
	return errors.ErrUnsupported
}

var unmarshaler = reflect.TypeFor[json.UnmarshalerFrom]()

// decodesItself reports whether a value decodes itself.
func decodesItself(into any) bool {
	switch into.(type) {
	case json.UnmarshalerFrom, json.Unmarshaler:
		return true
	}
	return false
}

// decodeLoosely decodes the next value if its spelling is an unusual one, or its type needs a
// check. It returns errors.ErrUnsupported, and reads nothing, if the decoder decodes it. With a
// record, a misfit is recorded and skipped.
func decodeLoosely(d *jsontext.Decoder, into any, record func(*Misfit)) error {
	if from, ok := into.(json.UnmarshalerFrom); ok && record != nil {
		return recordOwn(d, from, record)
	}
	if decodesItself(into) {
		return errors.ErrUnsupported
	}
	v := reflect.ValueOf(into).Elem()
	kind := d.PeekKind()
	switch v.Kind() {
	case reflect.Struct:
		if kind == '{' {
			return errors.ErrUnsupported
		}
	case reflect.Slice:
		if kind == '[' {
			return errors.ErrUnsupported
		}
	case reflect.Pointer:
		target := v.Type().Elem()
		isList := target.Kind() == reflect.Slice && kind == '['
		if kind != '"' && kind != '[' || isList || target.Kind() == reflect.String ||
			reflect.PointerTo(target).Implements(unmarshaler) {
			return errors.ErrUnsupported
		}
	case reflect.String, reflect.Bool, reflect.Float64,
		reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
	default:
		return errors.ErrUnsupported
	}
	if kind == jsontext.KindInvalid {
		return errors.ErrUnsupported // The decoder says what is wrong.
	}
	if v.Kind() == reflect.Pointer {
		return decodePointer(d, v, record)
	}
	value, err := d.ReadValue()
	if err != nil {
		return err
	}
	return misfitOf(d, set(v, value), value, record)
}

// decodePointer decodes a value that may be a spelling of none, which is nil.
func decodePointer(d *jsontext.Decoder, v reflect.Value, record func(*Misfit)) error {
	value, err := d.ReadValue()
	if err != nil {
		return err
	}
	target := reflect.New(v.Type().Elem())
	switch kind := target.Elem().Kind(); {
	case isNone(value) && kind == reflect.Slice: // a list without elements is there
	case isNone(value):
		v.SetZero()
		return nil
	default:
		if expected := set(target.Elem(), value); expected != "" {
			return misfitOf(d, expected, value, record)
		}
	}
	v.Set(target)
	return nil
}

// misfitOf returns the misfit of a value, if something else was expected. With a record, it records
// the misfit instead.
func misfitOf(d *jsontext.Decoder, expected string, value jsontext.Value, record func(*Misfit)) error {
	if expected == "" {
		return nil
	}
	m := &Misfit{Path: path(string(d.StackPointer())), Expected: expected, Got: nouns[value.Kind()]}
	if record == nil {
		return m
	}
	record(m)
	return nil
}

// recordOwn decodes a value that decodes itself. It records a misfit, and skips the value then.
func recordOwn(d *jsontext.Decoder, into json.UnmarshalerFrom, record func(*Misfit)) error {
	value, err := d.ReadValue()
	if err != nil {
		return err
	}
	err = into.UnmarshalJSONFrom(jsontext.NewDecoder(bytes.NewBuffer(value), d.Options()))
	if m, ok := errors.AsType[*Misfit](err); ok {
		record(m)
		return nil
	}
	return err
}

// recording returns the options that record misfits, and skip them.
func recording(record func(*Misfit)) json.Options {
	return json.JoinOptions(jsontext.AllowInvalidUTF8(true), json.WithUnmarshalers(
		json.UnmarshalFromFunc(func(d *jsontext.Decoder, into any) error { return decodeLoosely(d, into, record) })))
}

var byteOrderMark = []byte("\xef\xbb\xbf")

// unmarked reads without a byte-order mark at the beginning.
type unmarked struct {
	from  io.Reader
	begun bool
	start [3]byte
	rest  []byte // of what was read to look for the mark
	err   error  // of reading it
}

func (u *unmarked) Read(p []byte) (int, error) {
	if !u.begun {
		u.begun = true
		n := 0
		for n < len(u.start) && u.err == nil {
			var more int
			more, u.err = u.from.Read(u.start[n:])
			n += more
		}
		u.rest = bytes.TrimPrefix(u.start[:n], byteOrderMark)
	}
	if len(u.rest) > 0 {
		n := copy(p, u.rest)
		u.rest = u.rest[n:]
		return n, nil
	}
	if u.err != nil {
		return 0, u.err
	}
	return u.from.Read(p)
}
