// Package secret keeps credentials out of everything that is printed, logged, traced or stored.
package secret

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf16"

	"github.com/go-json-experiment/json/jsontext"
)

// Redacted replaces a secret wherever it would be shown.
const Redacted = "[redacted]"

// A Text is a secret string. Every way of printing or encoding it shows Redacted. Only Reveal
// returns the value.
//
// Text holds a pointer, because fmt ignores the methods of a Text in an unexported field. It then
// prints the address instead of the value.
type Text struct{ value *string }

// New returns a secret with this value.
func New(value string) Text { return Text{&value} }

// Reveal returns the value. Use it to sign a request, and never in a text for people or logs.
func (t Text) Reveal() string {
	if t.value == nil {
		return ""
	}
	return *t.value
}

// IsZero reports whether the secret is empty.
func (t Text) IsZero() bool { return t.Reveal() == "" }

// String returns Redacted.
func (t Text) String() string { return Redacted }

// Format writes Redacted for every verb, %#v and %x included.
func (t Text) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, Redacted) }

// LogValue returns Redacted.
func (t Text) LogValue() slog.Value { return slog.StringValue(Redacted) }

// MarshalText returns Redacted. JSON, YAML and other encoders use it.
func (t Text) MarshalText() ([]byte, error) { return []byte(Redacted), nil }

// forms returns the ways in which a text may contain v.
func forms(v string) []string {
	plain, ascii := inJSON(v), inASCII(inJSON(v))
	return []string{
		v,
		url.QueryEscape(v), strings.ReplaceAll(url.QueryEscape(v), "+", "%20"), url.PathEscape(v),
		base64.StdEncoding.EncodeToString([]byte(v)), base64.RawURLEncoding.EncodeToString([]byte(v)),
		base64.RawStdEncoding.EncodeToString([]byte(v)),
		hex.EncodeToString([]byte(v)), plain, ascii, strings.ReplaceAll(ascii, "/", `\/`), inHTML(v),
	}
}

// inJSON returns v as a JSON text has it, with the fewest escapes.
func inJSON(v string) string {
	// The error is that of invalid UTF-8, which AppendQuote replaces.
	quoted, _ := jsontext.AppendQuote(nil, v)
	return string(quoted[1 : len(quoted)-1])
}

// inASCII returns a JSON text with escapes for all that is not ASCII.
func inASCII(inJSON string) string {
	var b strings.Builder
	for _, r := range inJSON {
		if r <= unicode.MaxASCII {
			b.WriteRune(r)
			continue
		}
		for _, unit := range utf16.AppendRune(nil, r) {
			fmt.Fprintf(&b, `\u%04x`, unit)
		}
	}
	return b.String()
}

// inHTML returns v as a JSON text has it that is safe in HTML.
func inHTML(v string) string {
	quoted, _ := json.Marshal(v) // A string never fails.
	return string(quoted[1 : len(quoted)-1])
}

// minLength is the length of the shortest secret that Clean looks for. A shorter one would remove
// ordinary words.
const minLength = 4

// Clean returns text with Redacted in place of each secret. It finds a secret also in URL escapes,
// in base64, in hexadecimal and in JSON, and one that the end of the text cuts off.
func Clean(text string, secrets ...Text) string {
	var all []string
	for _, s := range secrets {
		if v := s.Reveal(); len(v) >= minLength {
			all = append(all, forms(v)...)
		}
	}
	// The longest form comes first. A secret can be part of another one, whose rest would remain.
	slices.SortFunc(all, func(a, b string) int { return len(b) - len(a) })
	for _, f := range all {
		text = strings.ReplaceAll(text, f, Redacted)
	}
	for _, f := range all {
		for n := min(len(f)-1, len(text)); n >= minLength; n-- {
			if strings.HasSuffix(text, f[:n]) {
				return text[:len(text)-n] + Redacted
			}
		}
	}
	return text
}
