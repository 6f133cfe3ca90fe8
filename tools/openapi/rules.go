package main

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"github.com/getkin/kin-openapi/openapi3"
	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/durationpb"
)

// required reports whether a request must set the field.
func required(field protoreflect.FieldDescriptor) bool {
	return behaves(field, annotations.FieldBehavior_REQUIRED) || validation(field).GetRequired()
}

func validation(field protoreflect.FieldDescriptor) *validate.FieldRules {
	return proto.GetExtension(field.Options(), validate.E_Field).(*validate.FieldRules)
}

func messageValidation(message protoreflect.MessageDescriptor) *validate.MessageRules {
	return proto.GetExtension(message.Options(), validate.E_Message).(*validate.MessageRules)
}

// messageRules adds the rules between a message's fields to its description.
func messageRules(message protoreflect.MessageDescriptor, schema *openapi3.Schema) error {
	rules := messageValidation(message)
	for _, oneof := range rules.GetOneof() {
		return fmt.Errorf("%s: the rule oneof %v has no translation: add it to rules.go",
			message.FullName(), oneof.GetFields())
	}
	if len(rules.GetCelExpression()) > 0 {
		return fmt.Errorf("%s: cel_expression has no words for people: write it as cel with a message",
			message.FullName())
	}
	return celRules(rules.GetCel(), schema)
}

// fieldRules adds the protovalidate rules of a field to its schema. A rule that JSON Schema lacks
// becomes a sentence of the description.
func fieldRules(field protoreflect.FieldDescriptor, schema *openapi3.Schema) error {
	return applyRules(validation(field), schema)
}

func applyRules(rules *validate.FieldRules, schema *openapi3.Schema) error {
	if rules.GetIgnore() == validate.Ignore_IGNORE_ALWAYS {
		return nil
	}
	if len(rules.GetCelExpression()) > 0 {
		return errors.New("cel_expression has no words for people: write it as cel with a message")
	}
	if err := celRules(rules.GetCel(), schema); err != nil {
		return err
	}
	kind := rules.ProtoReflect().WhichOneof(rules.ProtoReflect().Descriptor().Oneofs().ByName("type"))
	if kind == nil {
		return nil
	}
	ofKind := rules.ProtoReflect().Get(kind).Message()
	for _, rule := range setFields(ofKind) {
		if err := applyRule(string(rule.Name()), ofKind.Get(rule).Interface(), schema); err != nil {
			return fmt.Errorf("rule %s.%s: %w", kind.Name(), rule.Name(), err)
		}
	}
	if rules.GetIgnore() == validate.Ignore_IGNORE_IF_ZERO_VALUE {
		allowEmpty(schema)
	}
	return nil
}

// setFields returns the fields that a message sets, by their numbers: Range has no fixed order.
func setFields(m protoreflect.Message) []protoreflect.FieldDescriptor {
	var fields []protoreflect.FieldDescriptor
	m.Range(func(field protoreflect.FieldDescriptor, _ protoreflect.Value) bool {
		fields = append(fields, field)
		return true
	})
	slices.SortFunc(fields, func(a, b protoreflect.FieldDescriptor) int { return cmp.Compare(a.Number(), b.Number()) })
	return fields
}

// celRules adds the messages of CEL rules to the description.
func celRules(rules []*validate.Rule, schema *openapi3.Schema) error {
	for _, rule := range rules {
		if rule.GetMessage() == "" {
			return fmt.Errorf("the rule %q has no message: write one for people", rule.GetId())
		}
		say(schema, "Rule: %s.", rule.GetMessage())
	}
	return nil
}

// applyRule adds one rule to a schema. Rules with the same name mean the same for all kinds of
// fields.
func applyRule(name string, value any, schema *openapi3.Schema) error {
	switch name {
	case "pattern":
		return applyPattern(value.(string), schema)
	case "len", "min_len", "max_len":
		applyLength(name, value.(uint64), schema)
	case "len_bytes", "min_bytes", "max_bytes":
		sayBytes(strings.TrimSuffix(name, "_bytes"), value.(uint64), schema)
	case "email", "hostname", "ipv4", "ipv6", "uri", "uuid":
		schema.Format = name
	case "uri_ref":
		schema.Format = "uri-reference"
	case "gte", "gt", "lte", "lt":
		applyBound(name, value, schema)
	case "finite", "defined_only", "strict", "example":
		// JSON has only finite numbers, the schema of an enum lists its values, and the other rules
		// do not concern a client.
	case "in":
		for i := range value.(protoreflect.List).Len() {
			schema.Enum = append(schema.Enum, value.(protoreflect.List).Get(i).Interface())
		}
	case "min_items":
		schema.MinItems = value.(uint64)
	case "max_items":
		schema.MaxItems = new(value.(uint64))
	case "unique":
		schema.UniqueItems = value.(bool)
	case "items":
		return applyItems(value.(protoreflect.Message).Interface().(*validate.FieldRules), schema)
	default:
		return errors.New("has no translation: add it to rules.go")
	}
	return nil
}

// datePattern is the rule of a day. OpenAPI has a format for it, which also refuses a 31st of June.
const datePattern = `^[0-9]{4}-[0-9]{2}-[0-9]{2}$`

// uuidPattern is the rule of a UUID that may be empty. OpenAPI's format of a UUID demands one.
const uuidPattern = `^$|^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`

// goOnly matches the parts of Go's regular expressions that JSON Schema lacks.
var goOnly = regexp.MustCompile(`\(\?[^:=!<]|\\[AzQEC]|\[\[:`)

func applyPattern(pattern string, schema *openapi3.Schema) error {
	if goOnly.MatchString(pattern) {
		return fmt.Errorf("%s uses what JSON Schema's regular expressions lack: write it without", pattern)
	}
	if pattern == datePattern {
		schema.Format = "date"
		return nil
	}
	schema.Pattern = pattern
	return nil
}

// applyLength sets the length of a string in characters. A length in bytes becomes a sentence,
// because JSON writes bytes in base64.
func applyLength(name string, length uint64, schema *openapi3.Schema) {
	if schema.Format == "byte" {
		sayBytes(strings.TrimSuffix(name, "_len"), length, schema)
		return
	}
	if name != "max_len" {
		schema.MinLength = length
	}
	if name != "min_len" {
		schema.MaxLength = &length
	}
}

func sayBytes(which string, length uint64, schema *openapi3.Schema) {
	say(schema, "%s %d bytes.", map[string]string{"len": "Exactly", "min": "At least", "max": "At most"}[which], length)
}

// applyBound sets the bound of a number. If JSON writes the value as a string, the bound becomes a
// sentence.
func applyBound(name string, value any, schema *openapi3.Schema) {
	number, isNumber := asFloat(value)
	if !isNumber || schema.Type.Is(openapi3.TypeString) {
		if message, ok := value.(protoreflect.Message); ok {
			if duration, ok := message.Interface().(*durationpb.Duration); ok {
				value = duration.AsDuration()
			}
		}
		bounds := map[string]string{"gte": "At least", "gt": "More than", "lte": "At most", "lt": "Less than"}
		say(schema, "%s %v.", bounds[name], value)
		return
	}
	switch name {
	case "gte":
		schema.Min = &number
	case "gt":
		schema.ExclusiveMin.Value = &number
	case "lte":
		schema.Max = &number
	case "lt":
		schema.ExclusiveMax.Value = &number
	}
}

func asFloat(value any) (float64, bool) {
	switch number := value.(type) {
	case int32:
		return float64(number), true
	case int64:
		return float64(number), true
	case uint32:
		return float64(number), true
	case uint64:
		return float64(number), true
	case float32:
		return float64(number), true
	case float64:
		return number, true
	}
	return 0, false
}

// applyItems adds rules to the items of a list. If the items have a named schema, the rules are
// placed beside the reference.
func applyItems(rules *validate.FieldRules, list *openapi3.Schema) error {
	item := wrapped(list.Items)
	if err := applyRules(rules, item); err != nil {
		return err
	}
	if bare := wrapped(list.Items); !reflect.DeepEqual(item, bare) { // A named schema may need no addition.
		list.Items = item.NewRef()
	}
	return nil
}

// allowEmpty allows an empty string. JSON shows a string that is not set as empty.
func allowEmpty(schema *openapi3.Schema) {
	if schema.Format == "uuid" {
		schema.Format, schema.Pattern = "", uuidPattern
	} else if schema.Pattern != "" {
		schema.Pattern = "^$|" + schema.Pattern
	}
	if schema.MinLength > 0 {
		say(schema, "At least %d characters, or empty.", schema.MinLength)
		schema.MinLength = 0
	}
}

func say(schema *openapi3.Schema, format string, values ...any) {
	schema.Description = sentences(schema.Description, fmt.Sprintf(format, values...))
}
