package config

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"time"
)

//go:embed descriptions.json
var descriptionsFile []byte

// descriptions are the comments of the fields, by package, struct and field.
var descriptions = func() map[string]string {
	all := map[string]string{}
	_ = json.Unmarshal(descriptionsFile, &all) // A test writes the file.
	return all
}()

// Description returns what a key means.
func (k *Setting) Description() string { return descriptions[k.Struct+"."+k.Field] }

// OnReload says what a reload does with another value of the key.
func (k *Setting) OnReload() string {
	switch k.Tag.Get("reload") {
	case needsRestart:
		if k.Keys != nil {
			return "adding or removing it needs a restart"
		}
		return "needs a restart"
	case isAccount:
		return "refused"
	}
	if k.Keys != nil {
		return ""
	}
	return "applies"
}

// Kind names the type of a key's value.
func (k *Setting) Kind() string {
	switch reflect.New(k.Type).Interface().(type) {
	case *DSN, textSetter:
		return "text or secret"
	case *Path, fileLoader:
		return "file to read"
	case *OutFile:
		return "file to write"
	case *time.Duration:
		return "duration"
	case **time.Location:
		return "time zone"
	}
	switch {
	case k.secret():
		return "secret"
	case k.Keys != nil:
		return "section"
	case k.Item != nil && k.Type.Kind() == reflect.Map:
		return "mapping"
	case k.Item != nil:
		return "list"
	}
	switch k.Type.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.Int, reflect.Int32, reflect.Int64:
		return "whole number"
	case reflect.Float64:
		return "number"
	}
	return "text"
}

// DefaultText returns the value without the key, as the file would have it, or "".
func (k *Setting) DefaultText() string {
	if !k.Default.IsValid() || !k.plain() {
		return ""
	}
	if dsn, ok := reflect.TypeAssert[DSN](k.Default); ok {
		return dsn.Reveal()
	}
	if k.Kind() == "duration" {
		return shortDuration(k.Default.Interface().(time.Duration))
	}
	return fmt.Sprint(k.Default.Interface())
}

// shortDuration returns a length of time without the units that are zero.
func shortDuration(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// Schema returns the JSON Schema (2020-12) of a configuration file. It says which keys there are, and the types of
// their values. What depends on other keys, only the server checks.
func Schema(kinds Kinds) ([]byte, error) {
	schema := Layout(kinds).schema()
	schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	schema["title"] = "The configuration of drmhub"
	one := func(key string) map[string]any {
		return map[string]any{
			"type": "object", "additionalProperties": false, "required": []string{key},
			"properties": map[string]any{key: map[string]any{"type": "string", "minLength": 1}},
		}
	}
	schema["$defs"] = map[string]any{
		"secret": map[string]any{
			"description": "A value from an environment variable, or from a file.",
			"oneOf":       []any{one("env"), one("file")},
		},
		"file":     map[string]any{"anyOf": []any{map[string]any{"type": "string", "minLength": 1}, one("file")}},
		"duration": map[string]any{"type": "string", "pattern": `^([0-9]+(\.[0-9]*)?(ns|us|µs|ms|s|m|h))+$`},
	}
	return json.MarshalIndent(schema, "", "  ")
}

func (k *Setting) schema() map[string]any {
	s := map[string]any{}
	switch kind := k.Kind(); kind {
	case "secret":
		s["$ref"] = "#/$defs/secret"
	case "text or secret":
		s["anyOf"] = []any{map[string]any{"type": "string"}, map[string]any{"$ref": "#/$defs/secret"}}
	case "file to read":
		s["$ref"] = "#/$defs/file"
	case "duration":
		s["$ref"] = "#/$defs/duration"
	case "section":
		properties := map[string]any{}
		for _, below := range k.Keys {
			properties[below.Name] = below.schema()
		}
		s["type"], s["properties"], s["additionalProperties"] = "object", properties, false
	case "mapping":
		s["type"], s["additionalProperties"] = "object", k.Item.schema()
	case "list":
		s["type"], s["items"] = "array", k.Item.schema()
	case "true or false":
		s["type"] = "boolean"
	case "whole number":
		s["type"] = "integer"
	case "number":
		s["type"] = "number"
	default:
		s["type"] = "string"
	}
	if words := k.Tag.Get("enum"); words != "" {
		s["enum"] = strings.Split(words, "|")
	}
	if text := k.Description(); text != "" {
		s["description"] = text
	}
	if k.plain() && k.Default.IsValid() && !k.secret() {
		switch k.Default.Kind() {
		case reflect.Bool, reflect.Int, reflect.Float64:
			s["default"] = k.Default.Interface()
		default:
			s["default"] = k.DefaultText()
		}
	}
	return s
}
