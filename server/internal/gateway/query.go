package gateway

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/drmhub/drmhub/adapters/apierror"
)

// readQuery returns a request with the parameters of a query string, and notes how they were sent.
// Its error lists every parameter that the route does not take.
func (rt *route) readQuery(raw string, s *spelling) (proto.Message, error) {
	if raw == "" {
		return rt.NewRequest(), nil
	}
	sent, err := url.ParseQuery(raw)
	if err != nil {
		return nil, apierror.Invalid("", "the query string is malformed: %s", quote(err.Error()))
	}
	s.query, s.masks = map[string]string{}, map[string]string{}
	q := query{route: rt, request: rt.NewRequest(), spelling: s}
	for _, key := range slices.Sorted(maps.Keys(sent)) {
		if problem := q.set(key, sent[key]); problem != "" {
			if problem == noParameter && len(q.violations) < apierror.MaxViolations { // The others are not shown.
				problem = rt.unknownParameter(key)
			}
			violation := &errdetails.BadRequest_FieldViolation{Field: quote(key), Description: problem}
			q.violations = append(q.violations, violation)
		}
	}
	if len(q.violations) > 0 {
		return nil, apierror.InvalidRequest(q.violations...)
	}
	return q.request, nil
}

// A query is a query string while it is read.
type query struct {
	route      *route
	request    proto.Message // what has been read so far
	spelling   *spelling     // how the parameters were sent
	violations []*errdetails.BadRequest_FieldViolation
}

// set reads a parameter, and returns what is wrong with it, or "".
func (q *query) set(key string, values []string) (problem string) {
	path, field, problem := q.route.parameter(key)
	earlier, known := q.spelling.query[path]
	switch {
	case problem != "":
		return problem
	case known:
		return fmt.Sprintf("is the same parameter as %s: send one of them", earlier)
	case len(values) > 1 && !field.IsList():
		return "appears more than once"
	}
	for _, value := range values {
		switch {
		case !utf8.ValidString(value):
			return "must be UTF-8"
		case value == "" && field.Kind() == protoreflect.StringKind && strings.HasPrefix(path, "filter."):
			// An empty value would select everything, which a client with an unset variable does
			// not mean.
			return "must not be empty: give it a value, or leave it out"
		}
		if isMessage(field, "google.protobuf.FieldMask") {
			sent := strings.Split(value, ",")
			if value = fieldMask(value); value == "" {
				return expectation(field)
			}
			for i, name := range strings.Split(value, ",") {
				q.spelling.masks[name] = sent[i]
			}
		}
		if err := runtime.PopulateFieldFromPath(q.request, path, value); err != nil {
			return expectation(field) + lostPlus(field, value) + didYouMean(likelyValue(field, value))
		}
	}
	q.spelling.query[path] = key
	return ""
}

// lostPlus says how to write the plus sign of a time zone if the time was sent with a bare one.
func lostPlus(field protoreflect.FieldDescriptor, value string) string {
	if !isMessage(field, "google.protobuf.Timestamp") {
		return ""
	}
	if _, err := time.Parse(time.RFC3339, strings.ReplaceAll(value, " ", "+")); err != nil {
		return ""
	}
	return ": a plus sign in a query is a space, so write it as %2B"
}

// noParameter is the problem of a parameter that the route does not have. unknownParameter says
// more.
const noParameter = "no such parameter"

// parameter returns the field of the request that a query parameter names, and the field's full
// proto name. A parameter names it by its JSON name or its proto name.
func (rt *route) parameter(key string) (path string, field protoreflect.FieldDescriptor, problem string) {
	message := rt.Method.Input()
	var names []string
	for name := range strings.SplitSeq(key, ".") {
		if message == nil || strings.HasPrefix(string(message.FullName()), "google.protobuf.") {
			return "", nil, noParameter
		}
		if field = fieldOf(message, name); field == nil {
			return "", nil, noParameter
		}
		names = append(names, string(field.Name()))
		message = nil
		if !field.IsList() && !field.IsMap() {
			message = field.Message()
		}
	}
	path = strings.Join(names, ".")
	switch {
	case slices.Contains(rt.HTTP.Fields, path):
		return "", nil, "is set by the path: leave it out"
	case rt.HTTP.Body == "*" || rt.HTTP.Body == names[0]:
		return "", nil, "belongs in the body"
	case field.IsMap() || expectation(field) == "":
		first := field.Message().Fields().Get(0).JSONName()
		return "", nil, "is a message: set its fields, such as " + key + "." + first
	}
	return path, field, ""
}

// fieldOf returns the field with this JSON or proto name, or nil.
func fieldOf(message protoreflect.MessageDescriptor, name string) protoreflect.FieldDescriptor {
	if f := message.Fields().ByJSONName(name); f != nil {
		return f
	}
	return message.Fields().ByTextName(name)
}

func isMessage(field protoreflect.FieldDescriptor, name protoreflect.FullName) bool {
	return field.Message() != nil && field.Message().FullName() == name
}

// expectation describes the values that a field takes. It is "" for messages other than the
// well-known ones.
func expectation(field protoreflect.FieldDescriptor) string {
	switch field.Kind() {
	case protoreflect.BoolKind:
		return "must be true or false"
	case protoreflect.EnumKind:
		return "must be one of " + strings.Join(enumValues(field.Enum()), ", ")
	case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Sfixed32Kind:
		return "must be a whole number of 32 bits"
	case protoreflect.DoubleKind, protoreflect.FloatKind:
		return "must be a number"
	case protoreflect.StringKind:
		return "must be text, in UTF-8"
	case protoreflect.BytesKind:
		return "must be base64"
	case protoreflect.MessageKind, protoreflect.GroupKind:
		switch field.Message().FullName() {
		case "google.protobuf.Timestamp":
			return "must be a time as in RFC 3339, like 2026-01-31T09:00:00Z"
		case "google.protobuf.Duration":
			return "must be a number of seconds, like 3.5s"
		case "google.protobuf.FieldMask":
			return "must be field names separated by commas, like displayName,price.amount"
		}
		return ""
	default:
		return "must be a whole number"
	}
}

// enumValues returns the names of an enum's values, without the unspecified one.
func enumValues(enum protoreflect.EnumDescriptor) (names []string) {
	for i := range enum.Values().Len() {
		if v := enum.Values().Get(i); v.Number() != 0 {
			names = append(names, string(v.Name()))
		}
	}
	return names
}

// fieldMask turns the JSON form of a mask, "displayName,price.amount", into field names. It also
// takes field names. It returns "" for any other text.
func fieldMask(text string) string {
	var names strings.Builder
	for path := range strings.SplitSeq(text, ",") {
		if path == "" {
			return ""
		}
	}
	for _, c := range text {
		switch {
		case 'A' <= c && c <= 'Z':
			names.WriteByte('_')
			names.WriteRune(c - 'A' + 'a')
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9', strings.ContainsRune("_.,*", c):
			names.WriteRune(c)
		default:
			return ""
		}
	}
	return names.String()
}
