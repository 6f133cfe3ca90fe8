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

// explain turns protojson's error about a body into one that names the field as it was sent, such
// as "requests[3].productLicense.user". It drops protojson's text, which repeats values that may be
// secrets.
func (rt *route) explain(raw []byte, err error) error {
	if syntax := json.Unmarshal(raw, new(json.RawMessage)); syntax != nil {
		at := int64(len(raw))
		if s, ok := errors.AsType[*json.SyntaxError](syntax); ok {
			at = s.Offset
		}
		line, column := position(raw, int(at))
		return apierror.Invalid("", "the body is not JSON: %s (line %d, column %d)", syntax, line, column)
	}
	path, problem := locate(raw, err.Error())
	field := quote(join(path))
	switch {
	case strings.HasPrefix(problem, "unknown field"):
		return apierror.Invalid(field, "%s", rt.unknownField(path))
	case strings.HasPrefix(problem, "duplicate"):
		return apierror.Invalid(field, "appears more than once")
	case strings.HasPrefix(problem, "error parsing"): // "…, oneof … is already set"
		return apierror.Invalid(field, "cannot be combined with another field that is set")
	case strings.HasPrefix(problem, "invalid UTF-8"):
		return apierror.Invalid(field, "must be UTF-8")
	default:
		return apierror.Invalid(field, "%s", expected(rt.body.Descriptor(), raw, path))
	}
}

// follow returns the last field of a path in JSON, and the message there. Each can be nil.
func follow(
	message protoreflect.MessageDescriptor, path []string,
) (field protoreflect.FieldDescriptor, _ protoreflect.MessageDescriptor) {
	for _, name := range path {
		if strings.HasPrefix(name, "[") {
			continue
		}
		if message == nil {
			return field, nil
		}
		if field = fieldOf(message, name); field == nil {
			return nil, nil
		}
		message = field.Message()
	}
	return field, message
}

// expected describes the values that the field at a path takes.
func expected(message protoreflect.MessageDescriptor, raw []byte, path []string) string {
	field, _ := follow(message, path)
	// the path ends in an element of a list, or in an entry of a map
	index := len(path) > 0 && strings.HasPrefix(path[len(path)-1], "[")
	switch {
	case field != nil && field.IsList() && !index:
		return "must be a JSON array"
	case field != nil && expectation(field) != "":
		return expectation(field) + didYouMean(likelyValue(field, textAt(raw, path)))
	default:
		return "must be a JSON object"
	}
}

// errorPosition matches the position of an error in protojson's text.
var errorPosition = regexp.MustCompile(`\(line (\d+):(\d+)\): `)

// locate returns the path of the JSON value or key at the position in protojson's error, and the
// rest of the error's text.
func locate(raw []byte, text string) (path []string, rest string) {
	m := errorPosition.FindStringSubmatchIndex(text)
	if m == nil {
		return nil, text
	}
	line, _ := strconv.Atoi(text[m[2]:m[3]])
	column, _ := strconv.Atoi(text[m[4]:m[5]])
	path, _ = find(json.NewDecoder(bytes.NewReader(raw)), int64(offset(raw, line, column)), nil)
	return path, text[m[1]:]
}

// find reads a JSON value. If the offset is within the value, find returns the path of the token
// there and true.
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

// position returns the line and the column of an offset, in characters and from 1.
func position(raw []byte, offset int) (line, column int) {
	before := raw[:min(max(offset-1, 0), len(raw))]
	line = bytes.Count(before, []byte("\n")) + 1
	return line, utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:]) + 1
}

// offset is the inverse of position.
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
