package main

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

// jsonOf returns a part of the document as a reader of its JSON sees it.
func jsonOf(t *testing.T, part any) map[string]any {
	t.Helper()
	text, err := json.Marshal(part)
	if err != nil {
		t.Fatal(err)
	}
	var read map[string]any
	if err := json.Unmarshal(text, &read); err != nil {
		t.Fatal(err)
	}
	return read
}

// propertyOf returns the schema of the one field that a test message M has.
func propertyOf(t *testing.T, field string) (map[string]any, *openapi3.Schema) {
	t.Helper()
	c := contractOf(t, `
		// Color is a color.
		enum Color {
		  // Unknown.
		  COLOR_UNSPECIFIED = 0;
		  // Like blood.
		  RED = 1;
		}
		message M { `+field+` }`)
	schema, err := newSchemas().object(c.message(t, "M"), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, property := range schema.Properties {
		return jsonOf(t, property), schema
	}
	t.Fatal("no property")
	return nil, nil
}

func TestFieldsHaveTheirJSONForm(t *testing.T) {
	for field, want := range map[string]string{
		`string a = 1;`:                     `{"type": "string"}`,
		`bool a = 1;`:                       `{"type": "boolean"}`,
		`int32 a = 1;`:                      `{"type": "integer", "format": "int32"}`,
		`int64 a = 1;`:                      `{"type": "string", "format": "int64"}`,
		`double a = 1;`:                     `{"type": "number", "format": "double"}`,
		`bytes a = 1;`:                      `{"type": "string", "format": "byte"}`,
		`repeated string a = 1;`:            `{"type": "array", "items": {"type": "string"}}`,
		`map<string, string> a = 1;`:        `{"type": "object", "additionalProperties": {"type": "string"}}`,
		`Color a = 1;`:                      `{"allOf": [{"$ref": "#/components/schemas/Color"}]}`,
		`repeated Color a = 1;`:             `{"type": "array", "items": {"$ref": "#/components/schemas/Color"}}`,
		`repeated Vendor a = 1;`:            `{"type": "array", "items": {"$ref": "#/components/schemas/Vendor"}}`,
		`repeated google.rpc.Status a = 1;`: `{"type": "array", "items": {"$ref": "#/components/schemas/Status"}}`,
		`oneof o { Vendor a = 1; }`:         `{"allOf": [{"$ref": "#/components/schemas/Vendor"}]}`,
		`Vendor a = 1;`:                     `{"anyOf": [{"$ref": "#/components/schemas/Vendor"}, {"type": "null"}]}`,
		`M a = 1;`:                          `{"anyOf": [{"$ref": "#/components/schemas/M"}, {"type": "null"}]}`,
		"\n// Text.\nstring a = 1;":         `{"type": "string", "description": "Text."}`,
		`Vendor a = 1 [(google.api.field_behavior) = REQUIRED];`:    `{"allOf": [{"$ref": "#/components/schemas/Vendor"}]}`,
		`string a = 1 [(google.api.field_behavior) = OUTPUT_ONLY];`: `{"type": "string", "readOnly": true}`,
		`string a = 1 [(google.api.field_behavior) = IDENTIFIER];`:  `{"type": "string", "readOnly": true}`,
		`string a = 1 [(google.api.field_behavior) = INPUT_ONLY];`:  `{"type": "string", "writeOnly": true, "description": "Only in requests: no answer tells it."}`,
	} {
		got, _ := propertyOf(t, field)
		var wanted map[string]any
		if err := json.Unmarshal([]byte(want), &wanted); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, wanted) {
			t.Errorf("%s: got %v, want %v", field, got, wanted)
		}
	}
}

func TestInstantsMayBeNullWhereTheyAreNotSet(t *testing.T) {
	got, _ := propertyOf(t, `google.protobuf.Timestamp a = 1;`)
	if !reflect.DeepEqual(got["type"], []any{"string", "null"}) || got["format"] != "date-time" {
		t.Errorf("got %v", got)
	}
}

func TestRequiredFieldsAreRequired(t *testing.T) {
	for field, want := range map[string]bool{
		`string a_b = 1 [(google.api.field_behavior) = REQUIRED];`:  true,
		`string a_b = 1 [(buf.validate.field).required = true];`:    true,
		`string a_b = 1 [(google.api.field_behavior) = OPTIONAL];`:  false,
		`string a_b = 1 [(buf.validate.field).string.max_len = 1];`: false,
	} {
		if _, schema := propertyOf(t, field); (len(schema.Required) == 1 && schema.Required[0] == "aB") != want {
			t.Errorf("%s: got required %v, want %v", field, schema.Required, want)
		}
	}
}

func TestSchemasAreNamedPlainlyAndDistinctly(t *testing.T) {
	c := contractOf(t, `
		message Site {
		  enum State { STATE_UNSPECIFIED = 0; }
		  message Service { State state = 1; }
		  repeated Service services = 1;
		}
		message SiteState {}
		message Clash { Site site = 1; SiteState state = 2; }
	`)
	s := newSchemas()
	if _, err := s.message(c.message(t, "Site")); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"Site", "SiteState", "SiteService"} {
		if s.named[name] == nil {
			t.Errorf("no schema %s", name)
		}
	}
	if _, err := newSchemas().message(c.message(t, "Clash")); err == nil || !strings.Contains(err.Error(), "rename one") {
		t.Errorf("two things of one name gave %v", err)
	}
}

func TestEnumsTellWhatEachValueMeans(t *testing.T) {
	c := contractOf(t, "// Color is a color.\nenum Color {\n// Unknown.\nCOLOR_UNSPECIFIED = 0;\n// Like blood.\nRED = 1; }\nmessage M { Color color = 1; }")
	s := newSchemas()
	if _, err := s.message(c.message(t, "M")); err != nil {
		t.Fatal(err)
	}
	color := s.named["Color"].Value
	if want := "Color is a color.\n\n- `COLOR_UNSPECIFIED`: Unknown.\n- `RED`: Like blood."; color.Description != want {
		t.Errorf("got %q, want %q", color.Description, want)
	}
	if !reflect.DeepEqual(color.Enum, []any{"COLOR_UNSPECIFIED", "RED"}) {
		t.Errorf("got %v", color.Enum)
	}
}

func TestATypeOfUnknownFormIsRefused(t *testing.T) {
	c := contractOf(t, `import "google/protobuf/any.proto"; message M { google.protobuf.Any a = 1; }`)
	if _, err := newSchemas().message(c.message(t, "M")); err == nil || !strings.Contains(err.Error(), "wellknown.go") {
		t.Errorf("got the error %v", err)
	}
}
