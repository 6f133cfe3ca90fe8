// Package jsonx decodes JSON values whose type differs from vendor to vendor.
package jsonx

import (
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Text is a JSON string, or a JSON number as the vendor writes it. It is "" for every other JSON
// value. Vendors' documents and their examples often differ in the type of a value.
type Text string

// UnmarshalJSONFrom decodes the next value.
func (t *Text) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	value, err := d.ReadValue()
	if err != nil {
		return err
	}
	*t = ""
	switch value.Kind() {
	case '"':
		var text string
		err = json.Unmarshal(value, &text)
		*t = Text(text)
	case '0':
		*t = Text(value)
	}
	return err
}
