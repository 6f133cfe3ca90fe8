package twin

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// redacted replaces a secret in the ledger.
const redacted = "[redacted]"

// A redactor removes the secrets from what the ledger keeps.
type redactor struct {
	headers []string // In their canonical form.
	names   []string
}

func newRedactor(headers, names []string) redactor {
	all := []string{"Authorization", "Proxy-Authorization", "Cookie", "X-Api-Key"}
	for _, h := range headers {
		all = append(all, http.CanonicalHeaderKey(h))
	}
	return redactor{headers: all, names: names}
}

// request returns the ledger's entry for r, without secrets.
func (d redactor) request(r *http.Request, body []byte) Request {
	header := r.Header.Clone()
	for _, name := range d.headers {
		for i := range header[name] {
			header[name][i] = redacted
		}
	}
	target := r.URL.EscapedPath()
	if r.URL.RawQuery != "" {
		target += "?" + d.pairs(r.URL.RawQuery)
	}
	text := d.body(r.Header.Get("Content-Type"), body)
	if len(text) > maxBody {
		text = strings.Clone(text[:maxBody]) // A clone, so that the whole body can be freed.
	}
	return Request{Method: r.Method, Target: target, Header: header, Body: text}
}

func (d redactor) secret(name string) bool {
	return slices.ContainsFunc(d.names, func(s string) bool { return strings.EqualFold(s, name) })
}

// pairs redacts a query or an encoded form, and changes nothing else in it.
func (d redactor) pairs(encoded string) string {
	parts := strings.Split(encoded, "&")
	for i, part := range parts {
		name, _, _ := strings.Cut(part, "=")
		plain, err := url.QueryUnescape(name)
		if err != nil {
			plain = name
		}
		if d.secret(plain) {
			parts[i] = name + "=" + redacted
		}
	}
	return strings.Join(parts, "&")
}

// body redacts a JSON or form body. It withholds any other body, which could have a secret
// anywhere.
func (d redactor) body(contentType string, body []byte) string {
	if len(body) == 0 || len(d.names) == 0 {
		return string(body)
	}
	media, _, _ := mime.ParseMediaType(contentType)
	if media == "application/x-www-form-urlencoded" {
		return d.pairs(string(body))
	}
	value, err := decode(body)
	if err != nil {
		return fmt.Sprintf("[withheld: %d bytes of %q]", len(body), media)
	}
	// The name of a secret can be in a key that the body has twice, of which value has one. So a
	// body that mentions such a name is encoded anew.
	if !d.value(value) && !d.mentioned(body) {
		return string(body)
	}
	clean, err := json.Marshal(value)
	if err != nil {
		return fmt.Sprintf("[withheld: %d bytes of %q]", len(body), media)
	}
	return string(clean)
}

// decode returns the one JSON value of body.
func decode(body []byte) (value any, err error) {
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	if err := decoder.Decode(&value); err != nil {
		return nil, err
	}
	if _, err := decoder.Token(); err != io.EOF {
		return nil, errors.New("more than one JSON value")
	}
	return value, nil
}

// mentioned reports whether body contains the name of a secret.
func (d redactor) mentioned(body []byte) bool {
	lower := bytes.ToLower(body)
	return slices.ContainsFunc(d.names, func(s string) bool {
		return bytes.Contains(lower, []byte(strings.ToLower(s)))
	})
}

// value redacts the secrets inside v and reports whether there was one.
func (d redactor) value(v any) (found bool) {
	switch v := v.(type) {
	case map[string]any:
		for key, inner := range v {
			if d.secret(key) {
				v[key], found = redacted, true
			} else if d.value(inner) {
				found = true
			}
		}
	case []any:
		for _, inner := range v {
			found = d.value(inner) || found
		}
	}
	return found
}
