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
	"unicode/utf8"

	"github.com/drmhub/drmhub/adapters/twin"
)

var (
	offset   = twin.NewParam("offset", twin.Integer(0, math.MaxInt32))
	limit    = twin.NewParam("limit", twin.Integer(1, 500))
	filter   = twin.NewParam("filter", utf8.ValidString)
	full     = twin.NewParam("full", isBool)
	customer = twin.NewParam("customer", utf8.ValidString) // its use checks whether it exists
	force    = twin.NewParam("force", isBool)
)

func isBool(v string) bool { return v == "true" || v == "false" }

// readQuery returns the query of r.
func readQuery(r *http.Request) (url.Values, error) {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, unreadable
	}
	return values, nil
}

// checkQuery refuses parameters that the call does not have, cannot read, or has more than once.
func checkQuery(values url.Values, known []twin.Param) (twin.Params, error) {
	p := twin.Params{}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		param, isKnown := twin.FindParam(known, name)
		if !isKnown || len(values[name]) > 1 {
			return nil, invalid(name)
		}
		value := values[name][0]
		if value != "" && !param.Form(value) {
			return nil, invalid(name)
		}
		p[name] = value
	}
	return p, nil
}

// fields are the fields of a JSON body, by name.
type fields map[string]json.RawMessage

// readFields returns the fields of a body of one JSON object.
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

// text returns the value of a field, or "" if it was omitted. It fails if the value is not a text
// of that form.
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

// only fails if there are other fields than these.
func (f fields) only(names ...string) error {
	for _, name := range slices.Sorted(maps.Keys(f)) {
		if !slices.Contains(names, name) {
			return invalid(name)
		}
	}
	return nil
}
