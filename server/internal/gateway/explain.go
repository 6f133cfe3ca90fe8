package gateway

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/drmhub/drmhub/adapters/apierror"
)

// explain makes what protojson says about a body an error that names the field as it was sent,
// "requests[3].productLicense.user". protojson's own text is not passed on: it repeats values, and
// those may be secrets.
func explain(raw []byte, message protoreflect.MessageDescriptor, err error) error {
	if syntax := json.Unmarshal(raw, new(json.RawMessage)); syntax != nil {
		at := int64(len(raw))
		if s, ok := errors.AsType[*json.SyntaxError](syntax); ok {
			at = s.Offset
		}
		line, column := position(raw, int(at))
		return apierror.Invalid("", "the body is not JSON: %s (line %d, column %d)", syntax, line, column)
	}
	path, said := locate(raw, err.Error())
	field := quote(join(path))
	switch {
	case strings.HasPrefix(said, "unknown field"):
		return apierror.Invalid(field, "no such field")
	case strings.HasPrefix(said, "duplicate"):
		return apierror.Invalid(field, "given more than once")
	case strings.HasPrefix(said, "error parsing"): // "…, oneof … is already set"
		return apierror.Invalid(field, "excludes another field that is given too")
	case strings.HasPrefix(said, "invalid UTF-8"):
		return apierror.Invalid(field, "must be UTF-8")
	default:
		return apierror.Invalid(field, "%s", expected(message, path))
	}
}

// expected says what a value looks like at a path of the message.
func expected(message protoreflect.MessageDescriptor, path []string) string {
	var field protoreflect.FieldDescriptor
	index := false // the path ends in an element of a list, or in an entry of a map
	for _, name := range path {
		if index = strings.HasPrefix(name, "["); index {
			continue
		}
		if message == nil {
			break
		}
		if field = fieldOf(message, name); field == nil {
			break
		}
		message = field.Message()
	}
	switch {
	case field != nil && field.IsList() && !index:
		return "must be a JSON array"
	case field != nil && expectation(field) != "":
		return expectation(field)
	default:
		return "must be a JSON object"
	}
}

// place is how protojson says where an error is.
var place = regexp.MustCompile(`\(line (\d+):(\d+)\): `)

// locate finds the path of the JSON value or key at the place that protojson's error names, and
// what the error says about it.
func locate(raw []byte, text string) (path []string, said string) {
	m := place.FindStringSubmatchIndex(text)
	if m == nil {
		return nil, text
	}
	line, _ := strconv.Atoi(text[m[2]:m[3]])
	column, _ := strconv.Atoi(text[m[4]:m[5]])
	path, _ = find(json.NewDecoder(bytes.NewReader(raw)), int64(offset(raw, line, column)), nil)
	return path, text[m[1]:]
}

// find reads one JSON value and returns the path of the token that the offset lies in, if it is
// within the value.
func find(dec *json.Decoder, at int64, path []string) ([]string, bool) {
	token, err := dec.Token()
	if err != nil || dec.InputOffset() > at {
		return path, true
	}
	object := token == json.Delim('{')
	if !object && token != json.Delim('[') {
		return nil, false
	}
	for i := 0; dec.More(); i++ {
		inside := append(slices.Clip(path), fmt.Sprintf("[%d]", i))
		if object {
			key, err := dec.Token()
			inside[len(path)] = fmt.Sprint(key)
			if err != nil || dec.InputOffset() > at {
				return inside, true
			}
		}
		if found, ok := find(dec, at, inside); ok {
			return found, true
		}
	}
	_, err = dec.Token() // the closing bracket
	return path, err != nil || dec.InputOffset() > at
}

// join writes a path with dots: "requests[3].user".
func join(path []string) string {
	var b strings.Builder
	for _, name := range path {
		if b.Len() > 0 && !strings.HasPrefix(name, "[") {
			b.WriteByte('.')
		}
		b.WriteString(name)
	}
	return b.String()
}

// position counts lines and columns, in characters, from 1.
func position(raw []byte, offset int) (line, column int) {
	before := raw[:min(max(offset-1, 0), len(raw))]
	line = bytes.Count(before, []byte("\n")) + 1
	return line, utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:]) + 1
}

// offset is the inverse of position, from 0.
func offset(raw []byte, line, column int) int {
	at := 0
	for range line - 1 {
		at += bytes.IndexByte(raw[at:], '\n') + 1
	}
	for range column - 1 {
		_, size := utf8.DecodeRune(raw[at:])
		at += size
	}
	return at
}
