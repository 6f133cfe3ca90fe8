package jsonx

import (
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

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

// MayBe reports whether a shown text can be the one that was sent. It can if they are the same, or
// if a character that is not ASCII came back as U+FFFD, and all before it is the same.
func MayBe(shown, sent string) bool {
	before, _, garbled := strings.Cut(shown, string(utf8.RuneError))
	rest, begins := strings.CutPrefix(sent, before)
	return shown == sent || garbled && begins && rest != "" && rest[0] >= utf8.RuneSelf
}
