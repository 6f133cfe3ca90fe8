// Package messagejson writes messages as JSON: the bytes that protojson writes with unset fields,
// and without white space.
//
// protojson asks the descriptor about each field of each message. Here, tools/messagejson has
// generated a function for each message of the contract. It reads the message by its getters, which
// stay the same in all forms of the code that protoc-gen-go generates. A message of another type,
// and one that protojson refuses, such as one with invalid UTF-8, is left to protojson.
package messagejson

import (
	"bytes"
	"encoding/json"
	"sync"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// Append appends a message.
func Append(to []byte, m proto.Message) ([]byte, error) {
	w := writer{out: to}
	if w.known(m) && !w.failed {
		return w.out, nil
	}
	return appendOther(to, m)
}

// maxKept bounds the buffers that are kept for later messages, in bytes.
const maxKept = 1 << 20

// buffers are those in which messages are written before their length is known.
var buffers = sync.Pool{New: func() any { return new([]byte) }}

// Marshal returns a message in memory of its own, no larger than needed.
func Marshal(m proto.Message) (out []byte, err error) {
	err = Use(m, func(text []byte) { out = bytes.Clone(text) })
	return out, err
}

// Use has a function use the text of a message, which later messages overwrite.
func Use(m proto.Message, use func(text []byte)) error {
	buffer := buffers.Get().(*[]byte)
	text, err := Append((*buffer)[:0], m)
	if err == nil {
		use(text)
	}
	if cap(text) <= maxKept {
		*buffer = text
		buffers.Put(buffer)
	}
	return err
}

// appendOther appends a message as protojson does. In half of all programs, protojson writes spaces
// between values, so that nobody relies on its bytes.
func appendOther(to []byte, m proto.Message) ([]byte, error) {
	text, err := protojson.MarshalOptions{EmitUnpopulated: true}.Marshal(m)
	if err != nil {
		return to, err
	}
	out := bytes.NewBuffer(to)
	err = json.Compact(out, text)
	return out.Bytes(), err
}
