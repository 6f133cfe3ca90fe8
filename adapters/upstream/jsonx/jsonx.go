// Package jsonx reads what vendors' JSON leaves open.
package jsonx

import (
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Text is a JSON string, or a JSON number as the vendor writes it. Every other JSON value reads as
// "". Vendors' documents and their examples differ in such things.
type Text string

// UnmarshalJSONFrom reads the next value.
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
