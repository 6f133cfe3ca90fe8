package emulator

import (
	"encoding/json"
	"io"
	"maps"
	"math"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"unicode/utf8"
)

// parameter is a parameter of a query and the form its value must have.
type parameter struct {
	name string
	form func(value string) bool
}

var (
	offset   = parameter{"offset", isInteger(0, math.MaxInt32)}
	limit    = parameter{"limit", isInteger(1, 500)}
	filter   = parameter{"filter", utf8.ValidString}
	full     = parameter{"full", isBool}
	customer = parameter{"customer", utf8.ValidString} // whether it exists is checked with its use
	force    = parameter{"force", isBool}
)

func isBool(v string) bool { return v == "true" || v == "false" }

func isInteger(lowest, highest int) func(string) bool {
	return func(v string) bool {
		n, err := strconv.Atoi(v)
		return err == nil && strconv.Itoa(n) == v && lowest <= n && n <= highest
	}
}

// parameters are the parameters of one request by name. Those left out are "".
type parameters map[string]string

// integer is the value of a parameter whose form is isInteger, or otherwise where it was left out.
func (p parameters) integer(name string, otherwise int) int {
	n, err := strconv.Atoi(p[name])
	if err != nil {
		return otherwise
	}
	return n
}

// readQuery reads the query of r.
func readQuery(r *http.Request) (url.Values, error) {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, unreadable
	}
	return values, nil
}

// checkQuery refuses parameters that the call does not have, cannot read, or has more than once.
func checkQuery(values url.Values, known []parameter) (parameters, error) {
	p := parameters{}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		i := slices.IndexFunc(known, func(k parameter) bool { return k.name == name })
		if i < 0 || len(values[name]) > 1 {
			return nil, invalid(name)
		}
		value := values[name][0]
		if value != "" && !known[i].form(value) {
			return nil, invalid(name)
		}
		p[name] = value
	}
	return p, nil
}

// fields are the fields of a JSON body by name.
type fields map[string]json.RawMessage

// readFields reads a body that is one JSON object.
func readFields(r *http.Request) (fields, error) {
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || media != "application/json" {
		return nil, unreadable
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, unreadable
	}
	var f fields
	if json.Unmarshal(body, &f) != nil || f == nil {
		return nil, unreadable
	}
	return f, nil
}

// text is the value of a field, or "" where it was left out. It fails where the value is no text of
// that form.
func (f fields) text(name string, form func(string) bool) (string, error) {
	raw, given := f[name]
	if !given {
		return "", nil
	}
	var value *string // nil for null
	if json.Unmarshal(raw, &value) != nil || value == nil || !form(*value) {
		return "", invalid(name)
	}
	return *value, nil
}

// only fails where there are other fields than these.
func (f fields) only(names ...string) error {
	for _, name := range slices.Sorted(maps.Keys(f)) {
		if !slices.Contains(names, name) {
			return invalid(name)
		}
	}
	return nil
}
