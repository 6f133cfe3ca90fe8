package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

const schemaPrefix = "#/components/schemas/"

// schemas collects the document's named schemas: one for each message and enum that an operation
// uses.
type schemas struct {
	named openapi3.Schemas
	from  map[string]string // the meaning of each name, so that no two things share a name
	// uses says which messages requests hold, and which messages responses hold.
	uses map[direction]map[protoreflect.FullName]bool
}

func newSchemas() *schemas {
	uses := map[direction]map[protoreflect.FullName]bool{request: {}, response: {}}
	return &schemas{named: openapi3.Schemas{}, from: map[string]string{}, uses: uses}
}

// schemaName returns the name of a message or enum without its package and without dots: Site.State
// is SiteState.
func schemaName(descriptor protoreflect.Descriptor) string {
	name := strings.TrimPrefix(string(descriptor.FullName()), string(descriptor.ParentFile().Package())+".")
	return strings.ReplaceAll(name, ".", "")
}

// name returns a reference to the named schema. It calls build for the first reference. The name is
// reserved before build runs, so that a message may contain itself.
func (s *schemas) name(name, from string, build func() (*openapi3.Schema, error)) (*openapi3.SchemaRef, error) {
	reference := openapi3.NewSchemaRef(schemaPrefix+name, nil)
	if known, ok := s.from[name]; ok {
		if known != from {
			return nil, fmt.Errorf("%s and %s would both be called %s: rename one", known, from, name)
		}
		return reference, nil
	}
	s.from[name] = from
	schema, err := build()
	if err != nil {
		return nil, err
	}
	s.named[name] = schema.NewRef()
	return reference, nil
}

// message returns the schema of a message: a reference, or the JSON form of a well-known type.
func (s *schemas) message(message protoreflect.MessageDescriptor, way direction) (*openapi3.SchemaRef, error) {
	if schema, ok := wellKnown(message.FullName()); ok {
		return schema.NewRef(), nil
	}
	if message.FullName() == "google.rpc.Status" {
		return openapi3.NewSchemaRef(schemaPrefix+statusSchema, nil), nil
	}
	if strings.HasPrefix(string(message.FullName()), "google.") {
		return nil, fmt.Errorf("%s has no known JSON form: add it to wellknown.go", message.FullName())
	}
	name, from := schemaName(message), string(message.FullName())
	if way == request && s.uses[response][message.FullName()] {
		name, from = name+"Input", from+" in a request"
	}
	return s.name(name, from, func() (*openapi3.Schema, error) { return s.object(message, nil, way) })
}

// body returns the schema of a whole request as a body, without the fields in the path. It reports
// whether the request needs the body.
func (s *schemas) body(input protoreflect.MessageDescriptor, inPath []string) (*openapi3.SchemaRef, bool, error) {
	from := fmt.Sprintf("%s without %s", input.FullName(), strings.Join(inPath, ", "))
	reference, err := s.name(schemaName(input), from, func() (*openapi3.Schema, error) {
		return s.object(input, inPath, request)
	})
	if err != nil {
		return nil, false, err
	}
	return reference, len(s.named[schemaName(input)].Value.Required) > 0, nil
}

// patch returns the schema of the resource in an update. An update may omit required fields. It is
// always a schema of its own: its name in generated code then differs from that of the path's id.
func (s *schemas) patch(resource protoreflect.MessageDescriptor) (*openapi3.SchemaRef, error) {
	return s.name(schemaName(resource)+"Patch", "the update of "+string(resource.FullName()),
		func() (*openapi3.Schema, error) {
			schema, err := s.object(resource, nil, request)
			if err != nil {
				return nil, err
			}
			schema.Required = nil
			schema.Description = sentences(schema.Description, "In an update every field may be left out.")
			return schema, nil
		})
}

// object returns the schema of a message, without some of its fields.
func (s *schemas) object(
	message protoreflect.MessageDescriptor, without []string, way direction,
) (*openapi3.Schema, error) {
	schema := openapi3.NewObjectSchema()
	schema.Description = comment(message)
	for i := range message.Fields().Len() {
		field := message.Fields().Get(i)
		if slices.Contains(without, string(field.Name())) {
			continue
		}
		property, err := s.property(field, way)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", field.FullName(), err)
		}
		schema.WithPropertyRef(field.JSONName(), property)
		if way.demands(field) {
			schema.Required = append(schema.Required, field.JSONName())
		}
	}
	for i := range message.Oneofs().Len() {
		if oneof := message.Oneofs().Get(i); !oneof.IsSynthetic() {
			schema.Description = sentences(schema.Description, "At most one of "+fieldNames(oneof)+" is there.")
		}
	}
	return schema, messageRules(message, schema)
}

func fieldNames(oneof protoreflect.OneofDescriptor) string {
	var names []string
	for i := range oneof.Fields().Len() {
		names = append(names, "`"+oneof.Fields().Get(i).JSONName()+"`")
	}
	return strings.Join(names, ", ")
}

// property returns the schema of a field inside an object.
func (s *schemas) property(field protoreflect.FieldDescriptor, way direction) (*openapi3.SchemaRef, error) {
	schema, err := s.value(field, way)
	if err != nil {
		return nil, err
	}
	if shownAsNull(field) {
		schema = orNull(schema)
	}
	schema.Description = sentences(comment(field), schema.Description)
	// In a response the mark says nothing, and generators make fields with it optional.
	schema.ReadOnly = way == request && (behaves(field, annotations.FieldBehavior_OUTPUT_ONLY) ||
		behaves(field, annotations.FieldBehavior_IDENTIFIER))
	if behaves(field, annotations.FieldBehavior_INPUT_ONLY) {
		// writeOnly means that a response omits the field, but protobuf's JSON shows a message as
		// null.
		schema.WriteOnly = !shownAsNull(field)
		schema.Description = sentences(schema.Description, "Only in requests: no response has it.")
	}
	if behaves(field, annotations.FieldBehavior_IMMUTABLE) {
		schema.Description = sentences(schema.Description, "Immutable.")
	}
	return schema.NewRef(), nil
}

// value returns the schema of a field's value, with its rules.
func (s *schemas) value(field protoreflect.FieldDescriptor, way direction) (*openapi3.Schema, error) {
	single, err := s.single(field, way)
	if err != nil {
		return nil, err
	}
	schema := single
	if field.IsMap() {
		schema = openapi3.NewObjectSchema()
		if schema.AdditionalProperties.Schema, err = s.property(field.MapValue(), way); err != nil {
			return nil, err
		}
	} else if field.IsList() {
		schema = openapi3.NewArraySchema()
		schema.Items = unwrapped(single)
	}
	return schema, fieldRules(field, schema)
}

// single returns the schema of one value of the field's kind.
func (s *schemas) single(field protoreflect.FieldDescriptor, way direction) (*openapi3.Schema, error) {
	switch field.Kind() {
	case protoreflect.BoolKind:
		return openapi3.NewBoolSchema(), nil
	case protoreflect.StringKind:
		return openapi3.NewStringSchema(), nil
	case protoreflect.BytesKind:
		return openapi3.NewBytesSchema(), nil
	case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Sfixed32Kind,
		protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		return openapi3.NewInt32Schema(), nil
	case protoreflect.Int64Kind, protoreflect.Sint64Kind, protoreflect.Sfixed64Kind,
		protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		// JSON numbers lose digits beyond 2^53, so protobuf's JSON has a string.
		return openapi3.NewStringSchema().WithFormat("int64"), nil
	case protoreflect.DoubleKind:
		return openapi3.NewFloat64Schema().WithFormat("double"), nil
	case protoreflect.FloatKind:
		return openapi3.NewFloat64Schema().WithFormat("float"), nil
	case protoreflect.EnumKind:
		reference, err := s.enum(field.Enum())
		if err != nil {
			return nil, err
		}
		return wrapped(reference), nil
	case protoreflect.MessageKind:
		if field.IsMap() {
			return openapi3.NewObjectSchema(), nil
		}
		reference, err := s.message(field.Message(), way)
		if err != nil {
			return nil, err
		}
		return wrapped(reference), nil
	}
	return nil, fmt.Errorf("fields of the kind %s have no JSON form", field.Kind())
}

// enum returns the schema of an enum: the names of its values, with their comments.
func (s *schemas) enum(enum protoreflect.EnumDescriptor) (*openapi3.SchemaRef, error) {
	return s.name(schemaName(enum), string(enum.FullName()), func() (*openapi3.Schema, error) {
		schema := openapi3.NewStringSchema()
		schema.Description = comment(enum) + "\n"
		for i := range enum.Values().Len() {
			value := enum.Values().Get(i)
			schema.Enum = append(schema.Enum, string(value.Name()))
			schema.Description += fmt.Sprintf("\n- `%s`: %s", value.Name(), comment(value))
		}
		return schema, nil
	})
}

// wrapped wraps a reference, so that a description can be added. It returns other schemas
// unchanged.
func wrapped(schema *openapi3.SchemaRef) *openapi3.Schema {
	if schema.Ref == "" {
		return schema.Value
	}
	return &openapi3.Schema{AllOf: openapi3.SchemaRefs{schema}}
}

// unwrapped reverses wrapped.
func unwrapped(schema *openapi3.Schema) *openapi3.SchemaRef {
	if len(schema.AllOf) == 1 {
		return schema.AllOf[0]
	}
	return schema.NewRef()
}

// shownAsNull reports whether a response shows the field as null if it is not set. Protobuf's JSON
// does that for messages.
func shownAsNull(field protoreflect.FieldDescriptor) bool {
	single := field.Message() != nil && field.Cardinality() != protoreflect.Repeated
	return single && field.ContainingOneof() == nil && !required(field)
}

// orNull returns a schema that also allows null.
func orNull(schema *openapi3.Schema) *openapi3.Schema {
	if schema.Type != nil {
		schema.Type = &openapi3.Types{(*schema.Type)[0], openapi3.TypeNull}
		return schema
	}
	null := &openapi3.Schema{Type: &openapi3.Types{openapi3.TypeNull}}
	either := openapi3.SchemaRefs{unwrapped(schema), null.NewRef()}
	return &openapi3.Schema{AnyOf: either, Description: schema.Description}
}

func behaves(field protoreflect.FieldDescriptor, behavior annotations.FieldBehavior) bool {
	behaviors, _ := proto.GetExtension(field.Options(), annotations.E_FieldBehavior).([]annotations.FieldBehavior)
	return slices.Contains(behaviors, behavior)
}
