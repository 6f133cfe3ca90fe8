// Package secret keeps credentials out of everything that is printed, logged, traced or stored.
package secret

import (
	"encoding/base64"
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

// Redacted is what stands wherever a secret would have been shown.
const Redacted = "[redacted]"

// Text is a secret string. Every way of printing or encoding it shows Redacted; only Reveal gives
// the value.
//
// It holds a pointer, since fmt cannot ask a Text in an unexported field how it wants to be shown,
// and then prints what it holds: an address.
type Text struct{ value *string }

// New makes a secret of value.
func New(value string) Text { return Text{&value} }

// Reveal is the secret itself: for signing a request, never for text that a person or a log may
// see.
func (t Text) Reveal() string {
	if t.value == nil {
		return ""
	}
	return *t.value
}

// IsZero reports whether there is no secret at all.
func (t Text) IsZero() bool { return t.Reveal() == "" }

// String shows Redacted.
func (t Text) String() string { return Redacted }

// Format shows Redacted for every verb, %#v and %x included.
func (t Text) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, Redacted) }

// LogValue shows Redacted to log/slog.
func (t Text) LogValue() slog.Value { return slog.StringValue(Redacted) }

// MarshalText shows Redacted to JSON, YAML and every other encoder that knows
// encoding.TextMarshaler.
func (t Text) MarshalText() ([]byte, error) { return []byte(Redacted), nil }

// forms are the ways in which v may stand in a text.
func forms(v string) []string {
	plain, ascii := inJSON(v), inASCII(inJSON(v))
	return []string{
		v,
		url.QueryEscape(v), strings.ReplaceAll(url.QueryEscape(v), "+", "%20"), url.PathEscape(v),
		base64.StdEncoding.EncodeToString([]byte(v)), base64.RawURLEncoding.EncodeToString([]byte(v)),
		plain, ascii, strings.ReplaceAll(ascii, "/", `\/`), inHTML(v),
	}
}

// inJSON is v in a JSON text, with no more escapes than it needs.
func inJSON(v string) string {
	// it fails for bytes that are no UTF-8, and makes the best of them
	quoted, _ := jsontext.AppendQuote(nil, v)
	return string(quoted[1 : len(quoted)-1])
}

// inASCII is what stands in a JSON text where that is to be ASCII.
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

// inHTML is v in a JSON text that is safe to stand in HTML.
func inHTML(v string) string {
	quoted, _ := json.Marshal(v) // which can always be done with a string
	return string(quoted[1 : len(quoted)-1])
}

// shortest is the length from which a secret is looked for in other text: anything shorter would
// blank out ordinary words.
const shortest = 4

// Clean replaces every one of the secrets in text by Redacted, also where it stands URL-escaped, in
// base64 or in JSON, and where the text breaks off amid it.
func Clean(text string, secrets ...Text) string {
	var all []string
	for _, s := range secrets {
		if v := s.Reveal(); len(v) >= shortest {
			all = append(all, forms(v)...)
		}
	}
	// Longest first, or a secret that is part of another would leave the rest of it standing.
	slices.SortFunc(all, func(a, b string) int { return len(b) - len(a) })
	for _, f := range all {
		text = strings.ReplaceAll(text, f, Redacted)
	}
	for _, f := range all {
		for n := min(len(f)-1, len(text)); n >= shortest; n-- {
			if strings.HasSuffix(text, f[:n]) {
				return text[:len(text)-n] + Redacted
			}
		}
	}
	return text
}
