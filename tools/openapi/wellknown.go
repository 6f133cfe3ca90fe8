package main

import (
	"github.com/getkin/kin-openapi/openapi3"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// wellKnown returns the schema of a type that has its own form in protobuf's JSON. Its examples
// describe the form. Pages for people fill in only the examples of an operation.
func wellKnown(message protoreflect.FullName) (*openapi3.Schema, bool) {
	switch message {
	case "google.protobuf.Timestamp":
		schema := openapi3.NewStringSchema().WithFormat("date-time")
		schema.Description = "An instant, RFC 3339 with an offset."
		schema.Examples = []any{"2026-03-01T09:30:00Z"}
		return schema, true
	case "google.protobuf.Duration":
		schema := openapi3.NewStringSchema().WithPattern(`^-?[0-9]+(\.[0-9]{1,9})?s$`)
		schema.Description = "A length of time: seconds, with up to nine decimals, and an s."
		schema.Examples = []any{"3.5s"}
		return schema, true
	case "google.protobuf.FieldMask":
		schema := openapi3.NewStringSchema()
		schema.Description = "Paths of fields in lowerCamelCase, with commas between them and no spaces."
		return schema, true
	case "google.protobuf.Empty":
		schema := openapi3.NewObjectSchema()
		schema.Description = "Nothing: an empty object."
		return schema, true
	case "google.protobuf.Struct":
		schema := openapi3.NewObjectSchema().WithAnyAdditionalProperties()
		schema.Description = "Any JSON object."
		return schema, true
	}
	return nil, false
}
