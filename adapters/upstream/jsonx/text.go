package jsonx

import "github.com/go-json-experiment/json/jsontext"

// Text is a JSON string, or a JSON number as digits. It is "" for every other JSON value. Vendors'
// documents and their examples often differ in the type of a value.
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
		*t = Text(plain(value))
	case '0':
		*t = Text(digits(string(value)))
	}
	return nil
}
