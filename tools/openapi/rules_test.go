package main

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

func TestRulesAreCarriedOver(t *testing.T) {
	for field, want := range map[string]string{
		`string a = 1 [(buf.validate.field).string = {min_len: 2 max_len: 5}];`: `{"type": "string", "minLength": 2, "maxLength": 5}`,
		`string a = 1 [(buf.validate.field).string.len = 3];`:                   `{"type": "string", "minLength": 3, "maxLength": 3}`,
		`string a = 1 [(buf.validate.field).string.pattern = "^[A-Z]{3}$"];`:    `{"type": "string", "pattern": "^[A-Z]{3}$"}`,
		`string a = 1 [(buf.validate.field).string.uuid = true];`:               `{"type": "string", "format": "uuid"}`,
		`string a = 1 [(buf.validate.field).string.email = true];`:              `{"type": "string", "format": "email"}`,
		`string a = 1 [(buf.validate.field).string.uri = true];`:                `{"type": "string", "format": "uri"}`,
		`string a = 1 [(buf.validate.field).string = {in: ["b", "c"]}];`:        `{"type": "string", "enum": ["b", "c"]}`,
		`string a = 1 [(buf.validate.field).string.max_bytes = 32];`:            `{"type": "string", "description": "At most 32 bytes."}`,
		`bytes a = 1 [(buf.validate.field).bytes.max_len = 32];`:                `{"type": "string", "format": "byte", "description": "At most 32 bytes."}`,
		`int32 a = 1 [(buf.validate.field).int32 = {gte: 0 lte: 9}];`:           `{"type": "integer", "format": "int32", "minimum": 0, "maximum": 9}`,
		`int32 a = 1 [(buf.validate.field).int32 = {gt: 0 lt: 9}];`:             `{"type": "integer", "format": "int32", "exclusiveMinimum": 0, "exclusiveMaximum": 9}`,
		`double a = 1 [(buf.validate.field).double = {gte: 0.5 finite: true}];`: `{"type": "number", "format": "double", "minimum": 0.5}`,
		`int64 a = 1 [(buf.validate.field).int64.gte = 0];`:                     `{"type": "string", "format": "int64", "description": "At least 0."}`,
		`Color a = 1 [(buf.validate.field).enum.defined_only = true];`:          `{"allOf": [{"$ref": "#/components/schemas/Color"}]}`,
		`repeated string a = 1 [(buf.validate.field).repeated = {min_items: 1 max_items: 9 unique: true items: {string: {max_len: 4}}}];`: `{
			"type": "array", "minItems": 1, "maxItems": 9, "uniqueItems": true, "items": {"type": "string", "maxLength": 4}}`,
		`string a = 1 [(buf.validate.field).cel = {id: "a" message: "a must rhyme" expression: "true"}];`: `{
			"type": "string", "description": "Rule: a must rhyme."}`,
		`string a = 1 [(buf.validate.field).string.max_len = 5, (buf.validate.field).ignore = IGNORE_ALWAYS];`: `{"type": "string"}`,
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

func TestLengthsOfTimeTellTheirBoundsInWords(t *testing.T) {
	got, _ := propertyOf(t, `google.protobuf.Duration a = 1 [(buf.validate.field).duration.lte = {seconds: 90}];`)
	if text := got["description"].(string); !strings.HasSuffix(text, "At most 1m30s.") {
		t.Errorf("got %q", text)
	}
}

// A field that is not set is shown as an empty string, so a schema that the server's own answer
// breaks would be wrong.
func TestAFieldThatMayBeUnsetMayBeEmpty(t *testing.T) {
	got, _ := propertyOf(t, `string a = 1 [(buf.validate.field).string.pattern = "^[a-z]{6,}$", (buf.validate.field).ignore = IGNORE_IF_ZERO_VALUE];`)
	if got["pattern"] != "^$|^[a-z]{6,}$" {
		t.Errorf("got the pattern %v", got["pattern"])
	}
	got, _ = propertyOf(t, `string a = 1 [(buf.validate.field).string.min_len = 6, (buf.validate.field).ignore = IGNORE_IF_ZERO_VALUE];`)
	if got["minLength"] != nil || got["description"] != "At least 6 characters, or empty." {
		t.Errorf("got %v", got)
	}
}

func TestARuleBetweenFieldsIsToldInWords(t *testing.T) {
	_, schema := propertyOf(t, `
		option (buf.validate.message).cel = {id: "a" message: "a must be set" expression: "this.a != ''"};
		string a = 1;`)
	if schema.Description != "Rule: a must be set." {
		t.Errorf("got %q", schema.Description)
	}
}

func TestARuleThatCannotBeToldIsRefused(t *testing.T) {
	for field, want := range map[string]string{
		`string a = 1 [(buf.validate.field).string.prefix = "b"];`:                "rule string.prefix: has no translation",
		`string a = 1 [(buf.validate.field).string.pattern = "(?i)b"];`:           "regular expressions lack",
		`string a = 1 [(buf.validate.field).string.pattern = "b\\z"];`:            "regular expressions lack",
		`string a = 1 [(buf.validate.field).cel_expression = "this != ''"];`:      "write it as cel with a message",
		`string a = 1 [(buf.validate.field).cel = {id: "b" expression: "true"}];`: `"b" has no message`,
		`option (buf.validate.message).oneof = {fields: ["a"]}; string a = 1;`:    "rule oneof [a] has no translation",
	} {
		c := contractOf(t, `message M { `+field+` }`)
		if _, err := newSchemas().message(c.message(t, "M")); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got the error %v, want one with %q", field, err, want)
		}
	}
}
