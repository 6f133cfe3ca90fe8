// Package messagejson writes messages as JSON: the bytes that protojson writes with unset fields, and
// without white space.
//
// protojson asks the descriptor about each field of each message. This package asks once for each Go
// type, and keeps a plan: the key of each field, and the function that writes the field. The plan reads
// the fields of the generated struct through package reflect, which needs no memory here. Reading by
// offset with package unsafe could return wrong memory after a mistake.
//
// A plan depends on how protoc-gen-go lays out a struct. So a type is planned only if:
//   - the struct is the open form of the generator, by its first field,
//   - each field of the descriptor is in the struct, by the name in the struct's tags,
//   - and its Go type is the type that the field's kind has in this form.
//
// Any other type is left to protojson. A test demands that no message of the contract is such a type.
// A message that protojson refuses, such as one with invalid UTF-8, is left to it too, for its error.
package messagejson

import (
	"bytes"
	"encoding/json"
	"reflect"
	"sync"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// Append appends a message.
func Append(to []byte, m proto.Message) ([]byte, error) {
	v := reflect.ValueOf(m)
	if v.Kind() != reflect.Pointer || v.IsNil() {
		return appendAny(to, m)
	}
	if p := planOf(v.Type(), m); p.known {
		if out, ok := p.append(to, v.Elem()); ok {
			return out, nil
		}
	}
	return appendAny(to, m)
}

// maxKept bounds the buffers that are kept for later messages.
const maxKept = 1 << 20

// buffers are those in which messages are written before their length is known.
var buffers = sync.Pool{New: func() any { return new([]byte) }}

// Marshal returns a message in memory of its own, no larger than needed.
func Marshal(m proto.Message) ([]byte, error) {
	buffer := buffers.Get().(*[]byte)
	text, err := Append((*buffer)[:0], m)
	if err != nil {
		buffers.Put(buffer)
		return nil, err
	}
	out := bytes.Clone(text)
	if cap(text) <= maxKept {
		*buffer = text
		buffers.Put(buffer)
	}
	return out, nil
}

// appendAny appends a message of any type as protojson does. In half of all programs, protojson writes
// spaces between values, so that nobody relies on its bytes.
func appendAny(to []byte, m proto.Message) ([]byte, error) {
	text, err := protojson.MarshalOptions{EmitUnpopulated: true}.Marshal(m)
	if err != nil {
		return to, err
	}
	out := bytes.NewBuffer(to)
	err = json.Compact(out, text)
	return out.Bytes(), err
}
