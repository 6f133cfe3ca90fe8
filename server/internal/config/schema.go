package config

import (
	_ "embed"
	"encoding/json"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/drmhub/drmhub/server/internal/auth/roles"
)

//go:embed schema.rules.json
var rulesFile []byte

// rules returns what a section demands of several keys at once, as JSON Schema by struct.
var rules = sync.OnceValue(func() map[string]map[string]any {
	all := map[string]map[string]any{}
	if err := json.Unmarshal(rulesFile, &all); err != nil {
		panic(err)
	}
	return all
})

// Schema returns the JSON Schema (2020-12) of a configuration file: its keys, the types of their
// values, and what the methods Check demand where a schema can say so. It refuses no file that the
// server accepts, unless environment variables complete that file. The struct tags of a key say
// what one value may be:
//
//	required:"true"       the section needs the key
//	enum:"a|b"            these texts; words:"scopes" are the scopes of callers
//	pattern:"^a+$"        what a text, or each text of a list, matches
//	range:"1..9"          bounds of a number, of a length of time, of a text's length, or of a list's
//	range:">0s..1h"       without the lower bound itself
//	range:"0|10s..1h"     or 0
//	instead:"user,key"    the section needs either this key or these
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
		"file": map[string]any{"anyOf": []any{map[string]any{"type": "string", "minLength": 1}, one("file")}},
		"duration": map[string]any{"anyOf": []any{
			map[string]any{"type": "string", "pattern": durationPattern}, map[string]any{"const": 0},
		}},
	}
	return json.MarshalIndent(schema, "", "  ")
}

func (k *Setting) schema() map[string]any {
	s := map[string]any{}
	text := s // the part that is about text
	switch kind := k.Kind(); kind {
	case "secret":
		s["$ref"] = "#/$defs/secret"
	case "text or secret":
		text = map[string]any{"type": "string"}
		s["anyOf"] = []any{text, map[string]any{"$ref": "#/$defs/secret"}}
	case "file to read":
		s["$ref"] = "#/$defs/file"
	case "duration":
		s["$ref"] = "#/$defs/duration"
	case "section":
		k.sectionSchema(s)
	case "mapping":
		s["type"], s["additionalProperties"] = "object", k.itemSchema()
	case "list":
		s["type"], s["items"] = "array", k.itemSchema()
	case "true or false":
		s["type"] = "boolean"
	case "whole number":
		s["type"] = "integer"
	case "number":
		s["type"] = "number"
	default:
		s["type"] = "string"
	}
	if k.Item == nil {
		k.textSchema(text)
	}
	if bounds := k.Tag.Get("range"); bounds != "" {
		k.boundsSchema(s, bounds)
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

// itemSchema returns the schema of the items of a list or a mapping. Its tags are those of the key.
func (k *Setting) itemSchema() map[string]any {
	item := *k.Item
	if item.Tag == "" && item.Keys == nil {
		for _, key := range []string{"pattern", "words"} {
			if value := k.Tag.Get(key); value != "" {
				item.Tag += reflect.StructTag(key + ":" + strconv.Quote(value))
			}
		}
	}
	return item.schema()
}

// textSchema adds which texts a value may be.
func (k *Setting) textSchema(s map[string]any) {
	if words := k.Tag.Get("enum"); words != "" {
		s["enum"] = strings.Split(words, "|")
	}
	if k.Tag.Get("words") == "scopes" {
		s["enum"] = roles.Scopes()
	}
	if pattern := k.Tag.Get("pattern"); pattern != "" {
		s["pattern"] = pattern
	}
}

// sectionSchema adds the keys of a section, and what it demands of them.
func (k *Setting) sectionSchema(s map[string]any) {
	properties, required, all := map[string]any{}, []string{}, []any{}
	var either []any
	for _, below := range k.Keys {
		properties[below.Name] = below.schema()
		if below.Tag.Get("required") != "" {
			required = append(required, below.Name)
		}
		if others := below.Tag.Get("instead"); others != "" {
			all = append(all, instead(below.Name, strings.Split(others, ",")))
		}
		if k.Type == reflect.TypeFor[Vendor]() && below.Field == "" {
			either = append(either, needs(below.Name))
		}
	}
	if rule := rules()[k.Type.String()]; rule != nil {
		all = append(all, rule)
	}
	s["type"], s["properties"], s["additionalProperties"] = "object", properties, false
	for key, list := range map[string][]any{"allOf": all, "oneOf": either} {
		if len(list) > 0 {
			s[key] = list
		}
	}
	if slices.Sort(required); len(required) > 0 {
		s["required"] = required
	}
}

// needs returns the schema of a section with these keys.
func needs(keys ...string) map[string]any { return map[string]any{"required": keys} }

// instead returns the schema of a section with one key, or with others, and not with both.
func instead(key string, others []string) map[string]any {
	var one []any
	for _, other := range others {
		one = append(one, needs(other))
	}
	with, without := needs(key), needs(others...)
	with["not"], without["not"] = map[string]any{"anyOf": one}, needs(key)
	return map[string]any{"oneOf": []any{with, without}}
}
