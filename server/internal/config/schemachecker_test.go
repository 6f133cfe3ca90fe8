package config

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// A checker checks values by a JSON Schema. It knows the keywords that Schema uses.
type checker struct{ defs map[string]any }

// schemaOf returns the checker and the schema of a configuration with these kinds.
func schemaOf(t testing.TB, kinds Kinds) func(v any) bool {
	t.Helper()
	text, err := Schema(kinds)
	if err != nil {
		t.Fatal(err)
	}
	var root map[string]any
	if err := json.Unmarshal(text, &root); err != nil {
		t.Fatal(err)
	}
	c := checker{root["$defs"].(map[string]any)}
	return func(v any) bool { return c.valid(root, v) }
}

func (c checker) valid(schema, v any) bool {
	if all, is := schema.(bool); is {
		return all
	}
	s := schema.(map[string]any)
	for keyword, want := range s {
		if !c.keyword(s, keyword, want, v) {
			return false
		}
	}
	return true
}

func (c checker) keyword(s map[string]any, keyword string, want, v any) bool {
	fits := func(sub any) bool { return c.valid(sub, v) }
	section, isSection := v.(map[string]any)
	list, isList := v.([]any)
	text, isText := v.(string)
	number, isNumber := v.(float64)
	if n, is := v.(int); is {
		number, isNumber = float64(n), true
	}
	limit, _ := want.(float64)
	switch keyword {
	case "$schema", "title", "description", "default", "$defs", "then", "else":
	case "$ref":
		return fits(c.defs[strings.TrimPrefix(want.(string), "#/$defs/")])
	case "type":
		_, isBool := v.(bool)
		return map[string]bool{"object": isSection, "array": isList, "string": isText, "boolean": isBool,
			"number": isNumber, "integer": isNumber && number == float64(int(number))}[want.(string)]
	case "properties", "additionalProperties":
		properties, _ := s["properties"].(map[string]any)
		for key, value := range section {
			sub, known := properties[key]
			if keyword == "additionalProperties" {
				sub, known = want, !known
			}
			if known && !c.valid(sub, value) {
				return false
			}
		}
	case "required":
		return !isSection || !slices.ContainsFunc(want.([]any), func(key any) bool {
			_, has := section[key.(string)]
			return !has
		})
	case "items":
		return !slices.ContainsFunc(list, func(item any) bool { return !c.valid(want, item) })
	case "minItems":
		return !isList || float64(len(list)) >= limit
	case "minLength":
		return !isText || float64(utf8.RuneCountInString(text)) >= limit
	case "maxLength":
		return !isText || float64(utf8.RuneCountInString(text)) <= limit
	case "pattern":
		return !isText || regexp.MustCompile(want.(string)).MatchString(text)
	case "minimum":
		return !isNumber || number >= limit
	case "exclusiveMinimum":
		return !isNumber || number > limit
	case "maximum":
		return !isNumber || number <= limit
	case "const":
		return v == want || isNumber && any(number) == want
	case "enum":
		return slices.Contains(want.([]any), v)
	case "not":
		return !fits(want)
	case "allOf":
		return !slices.ContainsFunc(want.([]any), func(sub any) bool { return !fits(sub) })
	case "anyOf":
		return slices.ContainsFunc(want.([]any), fits)
	case "oneOf":
		return len(slices.DeleteFunc(slices.Clone(want.([]any)), func(sub any) bool { return !fits(sub) })) == 1
	case "if":
		branch := map[bool]string{true: "then", false: "else"}[fits(want)]
		return s[branch] == nil || fits(s[branch])
	default:
		panic("the checker does not know the keyword " + keyword)
	}
	return true
}
