package main

import (
	"encoding/json"
	"reflect"
	"slices"
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

const color = `
// Color is a color.
enum Color {
  // Unknown.
  COLOR_UNSPECIFIED = 0;
  // Like blood.
  RED = 1;
}
`

// propertyOf returns the schema of the one field that a test message M has.
func propertyOf(t *testing.T, field string) (map[string]any, *openapi3.Schema) {
	t.Helper()
	c := contractOf(t, color+`message M { `+field+` }`)
	schema, err := newSchemas().object(c.message(t, "M"), nil, request)
	if err != nil {
		t.Fatal(err)
	}
	for _, property := range schema.Properties {
		return jsonOf(t, property), schema
	}
	t.Fatal("no property")
	return nil, nil
}

// TestFields checks the schema of each field in testdata/fields.txt, or the error that refuses it.
func TestFields(t *testing.T) {
	for line := range strings.Lines(testdata(t, "fields.txt")) {
		field, want, row := strings.Cut(strings.TrimSpace(line), " => ")
		if !row {
			continue
		}
		field = strings.ReplaceAll(field, `\n`, "\n")
		if want[0] == '{' {
			var wanted map[string]any
			if err := json.Unmarshal([]byte(want), &wanted); err != nil {
				t.Fatal(err)
			}
			if got, _ := propertyOf(t, field); !reflect.DeepEqual(got, wanted) {
				t.Errorf("%s: got %v, want %v", field, got, wanted)
			}
			continue
		}
		c := contractOf(t, `message M { `+field+` }`)
		_, err := newSchemas().message(c.message(t, "M"), request)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got the error %v, want one with %q", field, err, want)
		}
	}
}

func TestRequiredFieldsAndRulesBetweenFields(t *testing.T) {
	for field, want := range map[string]bool{
		`string a_b = 1 [(google.api.field_behavior) = REQUIRED];`:  true,
		`string a_b = 1 [(buf.validate.field).required = true];`:    true,
		`string a_b = 1 [(google.api.field_behavior) = OPTIONAL];`:  false,
		`string a_b = 1 [(buf.validate.field).string.max_len = 1];`: false,
	} {
		_, schema := propertyOf(t, `option (buf.validate.message).cel = {
			id: "a" message: "a must be set" expression: "this.a != ''"
		};`+field)
		if (len(schema.Required) == 1 && schema.Required[0] == "aB") != want {
			t.Errorf("%s: got required %v, want %v", field, schema.Required, want)
		}
		if schema.Description != "Rule: a must be set." {
			t.Errorf("got %q", schema.Description)
		}
	}
}

func TestWhatIsRequiredDependsOnTheDirection(t *testing.T) {
	c := contractOf(t, `
		message Price { int32 amount = 1 [(google.api.field_behavior) = REQUIRED]; string note = 2; }
		message Item { Price price = 1; optional bool gift = 2; oneof way { string post = 3; bool pickup = 4; } }
		message CreateItemRequest {
			string parent = 1 [(google.api.field_behavior) = REQUIRED];
			Item item = 2 [(google.api.field_behavior) = REQUIRED];
		}
		message BatchCreateItemsRequest { repeated CreateItemRequest requests = 1; }
		message BatchCreateItemsResponse { repeated Item items = 1; }
		service S { rpc B(BatchCreateItemsRequest) returns (BatchCreateItemsResponse); }
	`)
	s := newSchemas()
	s.collect(c.services)
	for name, way := range map[string]direction{
		"BatchCreateItemsRequest": request, "BatchCreateItemsResponse": response,
	} {
		if _, err := s.message(c.message(t, name), way); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string][]string{
		"Price": {"amount", "note"}, "PriceInput": {"amount"}, "Item": {"price"}, "ItemInput": nil,
		"CreateItemRequest": {"item"}, "BatchCreateItemsResponse": {"items"},
	} {
		if s.named[name] == nil || !slices.Equal(s.named[name].Value.Required, want) {
			t.Errorf("%s: got %v, want %v to be required", name, jsonOf(t, s.named[name]), want)
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
	if _, err := s.message(c.message(t, "Site"), request); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"Site", "SiteState", "SiteService"} {
		if s.named[name] == nil {
			t.Errorf("no schema %s", name)
		}
	}
	_, err := newSchemas().message(c.message(t, "Clash"), request)
	if err == nil || !strings.Contains(err.Error(), "rename one") {
		t.Errorf("two things of one name gave %v", err)
	}
}

func TestEnumsTellWhatEachValueMeans(t *testing.T) {
	s := newSchemas()
	if _, err := s.message(contractOf(t, color+`message M { Color color = 1; }`).message(t, "M"), request); err != nil {
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
