package gateway

import (
	"encoding/json"
	"strconv"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// A spelling knows how the caller of a request wrote the names of its fields. Inside drmhub, they
// have their proto names.
type spelling struct {
	route *route
	query map[string]string // the parameters as sent, by the full proto name of the field
	masks map[string]string // the paths of masks as sent, by the proto name
	body  []byte            // as sent
	keyed bool              // the Idempotency-Key header holds the request_id
	item  string            // the item that an error is about, such as "requests[3]"; or ""

	read bool // tree holds the body
	tree any
}

// field returns the path of a field as the caller wrote it, or as JSON writes it if the caller left
// the field out. It returns a path that is not of the request as it is.
func (s *spelling) field(path string) string {
	if written, ok := s.resolve(path); ok {
		return written
	}
	if s.item != "" {
		if written, ok := s.within(s.item, path); ok {
			return written
		}
	}
	return path
}

// resolve is field, and reports whether the path is that of a field of the request.
func (s *spelling) resolve(path string) (written string, ok bool) {
	if key, sent := s.query[path]; sent {
		return key, true
	}
	names := segments(path)
	message, body := s.route.Method.Input(), s.route.HTTP.Body
	var tree any
	if first := message.Fields().ByTextName(plainName(names[0])); first != nil {
		switch body {
		case "*":
			tree = s.bodyTree()
		case string(first.Name()):
			names, message, tree = names[1:], first.Message(), s.bodyTree()
		}
		if path == "request_id" && s.keyed && !isSent(tree, first) {
			return idempotencyKey, true
		}
	}
	for i, name := range names {
		var field protoreflect.FieldDescriptor
		if message != nil {
			field = message.Fields().ByTextName(plainName(name))
		}
		if field == nil {
			return "", false
		}
		names[i], tree = spell(field, tree)
		if n, isItem := itemNumber(name); isItem {
			names[i] += name[len(plainName(name)):]
			tree = itemOf(tree, n)
		}
		message = field.Message()
	}
	return strings.Join(names, "."), true
}

// within returns a path as the caller wrote it, relative to the message at another path. It reports
// whether there is such a field.
func (s *spelling) within(at, path string) (written string, ok bool) {
	whole, ok := s.resolve(strings.TrimPrefix(at+"."+path, "."))
	if !ok {
		return "", false
	}
	names := segments(whole)
	return strings.Join(names[max(0, len(names)-len(segments(path))):], "."), true
}

func (s *spelling) bodyTree() any {
	if !s.read {
		s.read = true
		_ = json.Unmarshal(s.body, &s.tree) // An empty body has no names.
	}
	return s.tree
}

// spell returns the name of a field as an object in JSON has it, and the value there.
func spell(field protoreflect.FieldDescriptor, tree any) (name string, value any) {
	object, _ := tree.(map[string]any)
	if value, sent := object[field.JSONName()]; sent {
		return field.JSONName(), value
	}
	if value, sent := object[field.TextName()]; sent {
		return field.TextName(), value
	}
	return field.JSONName(), nil
}

func isSent(tree any, field protoreflect.FieldDescriptor) bool {
	_, value := spell(field, tree)
	return value != nil && value != ""
}

// segments splits a path such as "requests[3].user" at its dots.
func segments(path string) []string { return strings.Split(path, ".") }

// plainName returns a segment without the number of an item.
func plainName(segment string) string {
	name, _, _ := strings.Cut(segment, "[")
	return name
}

// itemNumber returns the number of an item in a segment such as "requests[3]".
func itemNumber(segment string) (n int, ok bool) {
	_, number, ok := strings.Cut(segment, "[")
	if ok {
		n, _ = strconv.Atoi(strings.TrimSuffix(number, "]"))
	}
	return n, ok
}

func itemOf(tree any, n int) any {
	if list, _ := tree.([]any); n >= 0 && n < len(list) {
		return list[n]
	}
	return nil
}
