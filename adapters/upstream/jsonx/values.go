package jsonx

import (
	"bytes"
	"math"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// What is expected where a value does not fit.
const (
	aWholeNumber = "a whole number"
	aNumber      = "a number"
	aBoolean     = "true or false"
)

var nouns = map[jsontext.Kind]string{
	'n': "null", 't': "true", 'f': "false", '"': "text", '0': "a number", '{': "an object", '[': "a list",
}

// set sets v to a value in any of its spellings. It returns what was expected, if the value is
// something else, and "" otherwise.
func set(v reflect.Value, value jsontext.Value) (expected string) {
	if value.Kind() == 'n' || v.Kind() != reflect.String && isNone(value) && fitsNone(v.Kind(), value.Kind()) {
		v.SetZero()
		return ""
	}
	switch v.Kind() {
	case reflect.Struct:
		return nouns['{']
	case reflect.Slice:
		return nouns['[']
	case reflect.String:
		return setText(v, value)
	case reflect.Bool:
		b, ok := boolean(plain(value))
		v.SetBool(b)
		return unless(ok, aBoolean)
	case reflect.Float64:
		f, err := strconv.ParseFloat(plain(value), 64)
		ok := err == nil && !math.IsNaN(f) && !math.IsInf(f, 0)
		if ok {
			v.SetFloat(f)
		}
		return unless(ok, aNumber)
	}
	n, ok := wholeNumber(plain(value))
	switch {
	case !ok:
		return aWholeNumber
	case v.OverflowInt(n):
		return aWholeNumber + " up to " + strconv.FormatUint(1<<(v.Type().Bits()-1)-1, 10)
	}
	v.SetInt(n)
	return ""
}

func unless(ok bool, expected string) string {
	if ok {
		return ""
	}
	return expected
}

// isNone reports whether a value is a spelling of none: "", [] or {}.
func isNone(value jsontext.Value) bool {
	switch value.Kind() {
	case '"':
		return strings.TrimSpace(plain(value)) == ""
	case '[', '{':
		return len(bytes.TrimSpace(value[1:len(value)-1])) == 0
	}
	return false
}

// fitsNone reports whether a spelling of none means none of this kind. An empty list or object
// is no number and no boolean.
func fitsNone(into reflect.Kind, kind jsontext.Kind) bool {
	return kind == '"' || into == reflect.Struct || into == reflect.Slice
}

func setText(v reflect.Value, value jsontext.Value) string {
	switch value.Kind() {
	case '"', 't', 'f':
		v.SetString(plain(value))
	case '0':
		v.SetString(digits(string(value)))
	default:
		if !isNone(value) {
			return nouns['"']
		}
		v.SetString("")
	}
	return ""
}

// plain returns the text of a text, and any other value as it is written.
func plain(value jsontext.Value) string {
	if value.Kind() != '"' {
		return string(value)
	}
	if inner := value[1 : len(value)-1]; bytes.IndexByte(inner, '\\') < 0 && utf8.Valid(inner) {
		return string(inner)
	}
	var text string
	_ = json.Unmarshal(value, &text, jsontext.AllowInvalidUTF8(true)) // It is a text.
	return text
}

// digits returns a whole number as digits, and another number as it is written.
func digits(number string) string {
	if n, ok := wholeNumber(number); ok {
		return strconv.FormatInt(n, 10)
	}
	return number
}

// wholeNumber returns the whole number in a text, which may be written with a fraction of zeros or
// an exponent.
func wholeNumber(text string) (int64, bool) {
	text = strings.TrimSpace(text)
	whole, fraction, hasFraction := strings.Cut(text, ".")
	if hasFraction && fraction != "" && strings.Trim(fraction, "0") == "" {
		text = whole
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return n, true
	}
	// A float holds all digits of a whole number up to 1 << 53.
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || !strings.ContainsAny(text, "eE") || strings.ContainsAny(text, "xX_") ||
		f != math.Trunc(f) || math.Abs(f) > 1<<53 {
		return 0, false
	}
	return int64(f), true
}

// WholeNumber returns the whole number in a text.
func WholeNumber(text string) (int64, bool) { return wholeNumber(text) }

func boolean(text string) (value, ok bool) {
	switch strings.ToUpper(strings.TrimSpace(text)) {
	case "TRUE", "T", "YES", "Y", "ON":
		return true, true
	case "FALSE", "F", "NO", "N", "OFF":
		return false, true
	}
	n, ok := wholeNumber(text)
	return n == 1, ok && (n == 0 || n == 1)
}
