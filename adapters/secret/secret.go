// Package secret keeps credentials out of everything that is printed, logged, traced or stored.
package secret

import (
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"slices"
	"strings"
)

// Redacted is what stands wherever a secret would have been shown.
const Redacted = "[redacted]"

// Text is a secret string. Every way of printing or encoding it shows Redacted; only Reveal gives the value.
//
// It holds a pointer, since fmt cannot ask a Text in an unexported field how it wants to be shown, and then prints what it holds: an address.
type Text struct{ value *string }

// New makes a secret of value.
func New(value string) Text { return Text{&value} }

// Reveal is the secret itself: for signing a request, never for text that a person or a log may see.
func (t Text) Reveal() string {
	if t.value == nil {
		return ""
	}
	return *t.value
}

// IsZero tells whether there is no secret at all.
func (t Text) IsZero() bool { return t.Reveal() == "" }

// String shows Redacted.
func (t Text) String() string { return Redacted }

// Format shows Redacted for every verb, %#v and %x included.
func (t Text) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, Redacted) }

// LogValue shows Redacted to log/slog.
func (t Text) LogValue() slog.Value { return slog.StringValue(Redacted) }

// MarshalText shows Redacted to JSON, YAML and every other encoder that knows encoding.TextMarshaler.
func (t Text) MarshalText() ([]byte, error) { return []byte(Redacted), nil }

// shortest is the length from which a secret is looked for in other text: anything shorter would blank out ordinary words.
const shortest = 4

// Clean replaces every one of the secrets in text by Redacted, also where it stands URL-escaped or in base64, and where the text breaks off amid it.
func Clean(text string, secrets ...Text) string {
	var forms []string
	for _, s := range secrets {
		if v := s.Reveal(); len(v) >= shortest {
			forms = append(forms, v, url.QueryEscape(v), url.PathEscape(v),
				base64.StdEncoding.EncodeToString([]byte(v)), base64.RawURLEncoding.EncodeToString([]byte(v)))
		}
	}
	// Longest first, or a secret that is part of another would leave the rest of it standing.
	slices.SortFunc(forms, func(a, b string) int { return len(b) - len(a) })
	for _, f := range forms {
		text = strings.ReplaceAll(text, f, Redacted)
	}
	for _, f := range forms {
		for n := min(len(f)-1, len(text)); n >= shortest; n-- {
			if strings.HasSuffix(text, f[:n]) {
				return text[:len(text)-n] + Redacted
			}
		}
	}
	return text
}
