package upstream

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/drmhub/drmhub/adapters/secret"
)

// curl is the request that Write would send, as one line for a shell, in ASCII: with the
// credentials that Sign adds, and every other secret, redacted.
func (c *Client) curl(ctx context.Context, req Request) (string, error) {
	r, err := c.build(ctx, req, true)
	if err != nil {
		return "", err
	}
	host, header, rawQuery := r.Host, r.Header.Clone(), r.URL.RawQuery
	if c.opts.Sign != nil && !req.Unsigned {
		if err := c.opts.Sign(ctx, r); err != nil {
			return "", err
		}
	}
	hideSigned(r.Header, header)
	if r.URL.RawQuery != rawQuery {
		// what of it cannot be read is left out, since it might be a credential
		plain, _ := url.ParseQuery(rawQuery)
		query := r.URL.Query()
		hideSigned(query, plain)
		r.URL.RawQuery = readable(query)
	}
	r.Header.Del("Host") // net/http goes by the field
	if r.Host != host {
		r.Header.Set("Host", r.Host)
	}
	// curl would leave it out, and some servers demand it
	if req.Body.content == nil && r.Method != http.MethodDelete {
		r.Header.Set("Content-Length", "0")
	}
	secrets := req.Secrets
	if c.opts.Secrets != nil {
		secrets = slices.Concat(secrets, c.opts.Secrets())
	}
	line := []string{"curl"}
	add := func(option, word string) { line = append(line, option, quote(secret.Clean(word, secrets...))) }
	target := r.URL.String()
	if strings.ContainsAny(target, "[]{}") { // curl would take these for patterns
		line = append(line, "--globoff")
	}
	add("--request "+r.Method, target)
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		for _, value := range r.Header[name] {
			switch {
			case name == "User-Agent" && value == userAgent, name == "Content-Type" && req.Body.parts != nil:
				// curl's own will do
			case value == "":
				add("--header", name+";") // with a colon, curl would leave it out
			default:
				add("--header", name+": "+value)
			}
		}
	}
	switch {
	case req.Body.parts != nil:
		for _, p := range req.Body.parts {
			add(formOption(p, secrets))
		}
	case req.Body.content != nil:
		add("--data-raw", string(req.Body.content)) // an "@" at its beginning stays one
	}
	return strings.Join(line, " "), nil
}

// hideSigned redacts what a signature has added to, or changed of, headers or parameters.
func hideSigned[Values http.Header | url.Values](signed, plain Values) {
	for name, values := range signed {
		if !slices.Equal(values, plain[name]) {
			signed[name] = []string{secret.Redacted}
		}
	}
}

// readable is a query whose brackets around "redacted" stay as they are.
func readable(query url.Values) string {
	return strings.ReplaceAll(strings.ReplaceAll(query.Encode(), "+", "%20"), url.QueryEscape(secret.Redacted), secret.Redacted)
}

// formOption is what has curl send a part of a multipart body. Of a file it names no more than the
// file.
func formOption(p Part, secrets []secret.Text) (option, word string) {
	if p.FileName != "" {
		return "--form", fmt.Sprintf("%s=@%s;type=%s", p.Name, inForm(p.FileName), cmp.Or(p.ContentType, "application/octet-stream"))
	}
	text := secret.Clean(string(p.Content), secrets...)
	if text != "" && slices.ContainsFunc(secrets, func(s secret.Text) bool { return s.Reveal() == text }) {
		text = secret.Redacted // also one that is too short to be looked for in other text
	}
	if p.ContentType != "" {
		return "--form", fmt.Sprintf("%s=%s;type=%s", p.Name, inForm(text), p.ContentType)
	}
	return "--form-string", p.Name + "=" + text
}

// inForm keeps curl's --form from reading a meaning into semicolons, commas and an "@".
func inForm(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

// quote makes one word for a shell, of printable ASCII alone, since the line travels in a header.
// For a shell, a word ends before a NUL.
func quote(word string) string {
	if !strings.ContainsFunc(word, func(r rune) bool { return r < ' ' || r > '~' }) {
		return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
	}
	var b strings.Builder
	for _, c := range []byte(word) {
		switch {
		case c == '\'' || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c < ' ' || c > '~':
			fmt.Fprintf(&b, `\x%02x`, c)
		default:
			b.WriteByte(c)
		}
	}
	return "$'" + b.String() + "'"
}
