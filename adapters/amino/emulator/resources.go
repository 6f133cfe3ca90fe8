package emulator

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"time"
)

// Types of resources.
const (
	typeLicense = "License"
	typeProduct = "Product"
	typeUser    = "User"
)

// resource is a JSON:API resource in a response.
type resource struct {
	ID            string `json:"id"`
	Type          string `json:"type"`
	Attributes    any    `json:"attributes"`
	Relationships any    `json:"relationships,omitempty"`
}

// orNull returns a pointer to value. For a zero value it returns nil, which JSON shows as null.
func orNull[T comparable](value T) *T {
	var zero T
	if value == zero {
		return nil
	}
	return &value
}

// epoch returns a time in the vendor's form, or nil for the zero time.
func epoch(t time.Time) *int64 {
	if t.IsZero() {
		return nil
	}
	return new(t.Unix())
}

func invalidBody(format string, values ...any) failure {
	return failure{http.StatusBadRequest, CodeInvalidBody, fmt.Sprintf(format, values...)}
}

// object holds the members of a JSON object. It is a map, since a struct matches keys in any case.
type object map[string]json.RawMessage

// readObject reads a JSON object that has known members only.
func readObject(text []byte, where string, known ...string) (object, error) {
	o, err := readMembers(text, where)
	if err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(o)) {
		if !slices.Contains(known, name) {
			return nil, invalidBody("%s has an unknown member %q", where, name)
		}
	}
	return o, nil
}

// readMembers reads a JSON object with any members.
func readMembers(text []byte, where string) (object, error) {
	var o object
	if err := json.Unmarshal(text, &o); err != nil {
		return nil, invalidBody("%s is not a JSON object: %v", where, err)
	}
	if o == nil {
		return nil, invalidBody("%s is null", where)
	}
	return o, nil
}

// readIdentifier reads {"type": …, "id": …} and returns the id.
func readIdentifier(text []byte, where, kind string) (id string, err error) {
	o, err := readObject(text, where, "type", "id")
	if err != nil {
		return "", err
	}
	if err := o.isOfType(kind, where); err != nil {
		return "", err
	}
	return o.id(where)
}

// isOfType refuses a resource of another type.
func (o object) isOfType(kind, where string) error {
	var given string
	if json.Unmarshal(o["type"], &given) != nil || given != kind {
		return invalidBody("%s must have the type %q", where, kind)
	}
	return nil
}

// id returns the id of a resource.
func (o object) id(where string) (id string, err error) {
	if json.Unmarshal(o["id"], &id) != nil || id == "" {
		return "", invalidBody("%s must have an id that is a text", where)
	}
	return id, nil
}

// relationship returns the id of the resource that o refers to by that name.
func (o object) relationship(name, kind string) (id string, err error) {
	if isNull(o[name]) {
		return "", failure{http.StatusBadRequest, CodeMissingRelationship, "the relationship " + name + " is missing"}
	}
	where := "the relationship " + name
	link, err := readObject(o[name], where, "data")
	if err != nil {
		return "", err
	}
	if isNull(link["data"]) {
		return "", failure{http.StatusBadRequest, CodeMissingRelationship, where + " has no data"}
	}
	return readIdentifier(link["data"], where, kind)
}

func isNull(text json.RawMessage) bool { return text == nil || bytes.Equal(text, []byte("null")) }

// attributes are read one by one into variables. A missing attribute sets nothing, and null sets
// the zero value. err holds the first mistake.
type attributes struct {
	given object
	err   error
}

// readAttributes reads an object of attributes, and refuses unknown ones. Without an object there
// are no attributes.
func readAttributes(text json.RawMessage, where string, known ...string) attributes {
	if isNull(text) {
		return attributes{}
	}
	given, err := readMembers(text, where)
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if !slices.Contains(known, name) {
			detail := fmt.Sprintf("%s: unknown attribute %q", where, name)
			return attributes{err: failure{http.StatusBadRequest, CodeUnknownAttribute, detail}}
		}
	}
	return attributes{given, err}
}

// dropNulls drops the attributes that are null.
func (a *attributes) dropNulls() {
	maps.DeleteFunc(a.given, func(_ string, text json.RawMessage) bool { return isNull(text) })
}

// inner returns the attributes in a nested record.
func (a *attributes) inner(name string, known ...string) attributes {
	if a.err != nil {
		return attributes{err: a.err}
	}
	inner := readAttributes(a.given[name], name, known...)
	inner.dropNulls()
	return inner
}

// set decodes an attribute if it is given and there is no mistake yet.
func set[T any](a *attributes, name, form string, into *T, decode func(text json.RawMessage) (T, bool)) {
	text, given := a.given[name]
	if !given || a.err != nil {
		return
	}
	var value T
	if !isNull(text) {
		var ok bool
		if value, ok = decode(text); !ok {
			a.refuse("%s must be %s", name, form)
			return
		}
	}
	*into = value
}

// refuse records a mistake, unless there is one already.
func (a *attributes) refuse(format string, values ...any) {
	if a.err == nil {
		a.err = failure{http.StatusBadRequest, CodeInvalidAttribute, fmt.Sprintf(format, values...)}
	}
}

func (a *attributes) text(name string, into *string) { set(a, name, "text", into, decodeAs[string]) }

func (a *attributes) flag(name string, into *bool) {
	set(a, name, "true or false", into, decodeAs[bool])
}

func decodeAs[T any](text json.RawMessage) (value T, ok bool) {
	err := json.Unmarshal(text, &value)
	return value, err == nil
}

// lastSecond is the last second of the year 9999.
const lastSecond = 253_402_300_799

func (a *attributes) instant(name string, into *time.Time) {
	set(a, name, "a number of whole seconds since 1970", into, func(text json.RawMessage) (time.Time, bool) {
		seconds, err := strconv.ParseInt(string(text), 10, 64)
		return time.Unix(seconds, 0).UTC(), err == nil && 0 <= seconds && seconds <= lastSecond
	})
}

var currencyForm = regexp.MustCompile(`^[A-Z]{3}$`)

func (a *attributes) seconds(name string, into *int64) {
	set(a, name, "a number of seconds, not negative", into, wholeNumber)
}

func wholeNumber(text json.RawMessage) (int64, bool) {
	n, err := strconv.ParseInt(string(text), 10, 64)
	return n, err == nil && n >= 0
}

// price reads both values of a price, which have these names.
func (a *attributes) price(amountName, currencyName string, amount *int64, currency *string) {
	if isNull(a.given[amountName]) != isNull(a.given[currencyName]) {
		a.refuse("%s and %s must be given together", amountName, currencyName)
	}
	set(a, amountName, "a number of cents, not negative", amount, wholeNumber)
	set(a, currencyName, "three capital letters", currency, func(text json.RawMessage) (string, bool) {
		code, ok := decodeAs[string](text)
		return code, ok && currencyForm.MatchString(code)
	})
}
